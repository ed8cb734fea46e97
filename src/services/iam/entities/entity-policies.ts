/**
 * Policies of roles, users and groups: managed ones attached and detached, inline ones put and deleted. The seven
 * operations are the same for each kind, so they are made once and named for each.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
 */
import { policySize } from "../../../authorize/index.ts";
import { type EntityRecord, findManagedPolicy, isAwsManaged } from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  inlineSizeExceeded,
  invalidArn,
  invalidMarker,
  malformedPolicyDocument,
  noSuchAttachablePolicy,
  noSuchEntity,
  noSuchInlinePolicy,
  noSuchPolicy,
  policyNotAttachable,
  quotaExceeded,
  unmodifiableEntity,
} from "../errors.ts";
import { nameKey, type PagingInput, pageOf } from "../pages.ts";
import { encodeDocument, requireValidDocument } from "../policies/documents.ts";
import { findPolicyInReach, requirePolicyArn } from "../policies/policy-arns.ts";
import {
  changeEntity,
  type EntityInput,
  type EntityKind,
  GROUP,
  nameIn,
  ROLE,
  requireEntity,
  SERVICE_ROLE_PATH,
  USER,
} from "./entities.ts";
import { entityAccess } from "./entity-access.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";

interface AttachInput extends EntityInput {
  readonly PolicyArn: string;
}

interface InlineInput extends EntityInput {
  readonly PolicyName: string;
}

interface PutInlineInput extends InlineInput {
  readonly PolicyDocument: string;
}

interface ListAttachedInput extends EntityInput, PagingInput {
  readonly PathPrefix?: string | undefined;
}

function attachOperations<R extends EntityRecord>(kind: EntityKind<R>) {
  const attach = `Attach${kind.title}Policy`;
  const detach = `Detach${kind.title}Policy`;
  const list = `ListAttached${kind.title}Policies`;
  const access = (action: string, input: AttachInput, context: OperationContext) => [
    entityAccess(kind, action, nameIn(kind, input), context, { "iam:PolicyARN": input.PolicyArn }),
  ];
  return [
    operation<AttachInput, object>({
      name: attach,
      support: "supported",
      source: `${DOCS}/API_${attach}.html`,
      authorize: (input, context) => access(attach, input, context),
      errors: [
        ...[noSuchEntity, noSuchAttachablePolicy, invalidArn, policyNotAttachable, quotaExceeded],
        unmodifiableEntity,
      ],
      async run(input, context) {
        requirePolicyArn(input.PolicyArn);
        await changeEntity(kind, nameIn(kind, input), context, (record) => {
          requireAttachable(input.PolicyArn, context);
          if (record.attachedPolicyArns.includes(input.PolicyArn)) return record;
          const { name, limit } = kind.attachQuota;
          if (record.attachedPolicyArns.length >= limit) throw quotaExceeded(name, limit);
          return { ...record, attachedPolicyArns: [...record.attachedPolicyArns, input.PolicyArn] };
        });
        return {};
      },
    }),
    operation<AttachInput, object>({
      name: detach,
      support: "supported",
      source: `${DOCS}/API_${detach}.html`,
      authorize: (input, context) => access(detach, input, context),
      errors: [noSuchEntity, noSuchPolicy, invalidArn, unmodifiableEntity],
      async run(input, context) {
        requirePolicyArn(input.PolicyArn);
        await changeEntity(kind, nameIn(kind, input), context, (record) => {
          if (!record.attachedPolicyArns.includes(input.PolicyArn)) throw noSuchPolicy(input.PolicyArn);
          const attachedPolicyArns = record.attachedPolicyArns.filter((arn) => arn !== input.PolicyArn);
          return { ...record, attachedPolicyArns };
        });
        return {};
      },
    }),
    operation<ListAttachedInput, object>({
      name: list,
      support: "supported",
      source: `${DOCS}/API_${list}.html`,
      authorize: (input, context) => [entityAccess(kind, list, nameIn(kind, input), context)],
      errors: [noSuchEntity, invalidMarker],
      run(input, context) {
        const attached = requireEntity(kind, nameIn(kind, input), context)
          .attachedPolicyArns.map((arn) => findManagedPolicy(context.store, arn))
          .filter((policy) => policy !== undefined)
          .filter((policy) => policy.path.startsWith(input.PathPrefix ?? "/"));
        // One of AWS's policies may be called like one of the account's own.
        const page = pageOf(attached, input, ({ name, arn }) => [...nameKey(name), isAwsManaged(arn) ? 1 : 0]);
        const members = page.items.map(({ name, arn }) => ({ PolicyName: name, PolicyArn: arn }));
        return { AttachedPolicies: members, ...page.members };
      },
    }),
  ];
}

function inlineOperations<R extends EntityRecord>(kind: EntityKind<R>) {
  const put = `Put${kind.title}Policy`;
  const get = `Get${kind.title}Policy`;
  const remove = `Delete${kind.title}Policy`;
  const list = `List${kind.title}Policies`;
  const access = (action: string) => (input: EntityInput, context: OperationContext) => [
    entityAccess(kind, action, nameIn(kind, input), context),
  ];
  return [
    operation<PutInlineInput, object>({
      name: put,
      support: "supported",
      source: `${DOCS}/API_${put}.html`,
      authorize: access(put),
      errors: [noSuchEntity, malformedPolicyDocument, inlineSizeExceeded, unmodifiableEntity],
      async run(input, context) {
        const name = nameIn(kind, input);
        requireEntity(kind, name, context);
        requireValidDocument(input.PolicyDocument, "inline");
        await changeEntity(kind, name, context, (record) => {
          const inlinePolicies = { ...record.inlinePolicies, [input.PolicyName]: input.PolicyDocument };
          const size = Object.values(inlinePolicies).reduce((sum, text) => sum + policySize(text), 0);
          if (size > kind.maxInlineBytes) throw inlineSizeExceeded(kind.maxInlineBytes, kind.word, record.name);
          return { ...record, inlinePolicies };
        });
        return {};
      },
    }),
    operation<InlineInput, object>({
      name: get,
      support: "supported",
      source: `${DOCS}/API_${get}.html`,
      authorize: access(get),
      errors: [noSuchEntity, noSuchInlinePolicy],
      run(input, context) {
        const record = requireEntity(kind, nameIn(kind, input), context);
        const text = inlinePolicy(record, input.PolicyName);
        if (text === undefined) throw noSuchInlinePolicy(kind.word, input.PolicyName);
        return {
          [kind.nameMember]: record.name,
          PolicyName: input.PolicyName,
          PolicyDocument: encodeDocument(text),
        };
      },
    }),
    operation<InlineInput, object>({
      name: remove,
      support: "supported",
      source: `${DOCS}/API_${remove}.html`,
      authorize: access(remove),
      errors: [noSuchEntity, noSuchInlinePolicy, unmodifiableEntity],
      async run(input, context) {
        await changeEntity(kind, nameIn(kind, input), context, (record) => {
          if (inlinePolicy(record, input.PolicyName) === undefined) {
            throw noSuchInlinePolicy(kind.word, input.PolicyName);
          }
          const entries = Object.entries(record.inlinePolicies).filter(([name]) => name !== input.PolicyName);
          return { ...record, inlinePolicies: Object.fromEntries(entries) };
        });
        return {};
      },
    }),
    operation<EntityInput & PagingInput, object>({
      name: list,
      support: "supported",
      source: `${DOCS}/API_${list}.html`,
      authorize: access(list),
      errors: [noSuchEntity, invalidMarker],
      run(input, context) {
        const { inlinePolicies } = requireEntity(kind, nameIn(kind, input), context);
        const page = pageOf(Object.keys(inlinePolicies), input, (name) => [name]);
        return { PolicyNames: page.items, ...page.members };
      },
    }),
  ];
}

/** Own members only: a policy may be called `constructor`. */
const inlinePolicy = (record: EntityRecord, name: string): string | undefined =>
  Object.hasOwn(record.inlinePolicies, name) ? record.inlinePolicies[name] : undefined;

function requireAttachable(arn: string, context: OperationContext): void {
  const policy = findPolicyInReach(arn, context);
  if (!policy) throw noSuchAttachablePolicy(arn);
  if (isAwsManaged(arn) && policy.path === SERVICE_ROLE_PATH) throw policyNotAttachable();
}

/** The policy operations of roles, users and groups. */
export const entityPolicyOperations = [
  ...[...attachOperations(ROLE), ...inlineOperations(ROLE)],
  ...[...attachOperations(USER), ...inlineOperations(USER)],
  ...[...attachOperations(GROUP), ...inlineOperations(GROUP)],
];
