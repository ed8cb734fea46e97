/**
 * Which policies let an identity use a service. Only what the policies allow counts: no Deny, no boundary, no policy of a
 * resource is looked at, as on AWS.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html
 */
import { parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import {
  defaultDocumentText,
  type EntityRecord,
  findManagedPolicy,
  parsedDocument,
  type UserRecord,
} from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { ENTITY_KINDS, type EntityKind, entityAccess, findEntity, GROUP, requireEntity } from "../entities/entities.ts";
import { invalidMarker, noSuchArn } from "../errors.ts";
import { pageOf } from "../paging.ts";
import type * as Shapes from "../shapes.gen.ts";

/** An entity by its ARN. */
export interface NamedEntity {
  readonly kind: EntityKind<EntityRecord>;
  readonly record: EntityRecord;
}

/** A policy of an entity, of its own or of its groups. */
interface HeldPolicy {
  readonly document: PolicyDocument;
  readonly shape: Shapes.PolicyGrantingServiceAccess;
}

/** The user, group or role of the account with this ARN. */
export function findByArn(arn: string, context: OperationContext): NamedEntity | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== "iam" || parsed.accountId !== context.scope.accountId) return undefined;
  const kind = Object.values(ENTITY_KINDS).find(({ word }) => parsed.resource.startsWith(`${word}/`));
  const record = kind && findEntity(kind, parsed.resource.slice(parsed.resource.lastIndexOf("/") + 1), context);
  return kind && record?.arn === arn ? { kind, record } : undefined;
}

/** Permission on what has this ARN, whether or not it exists. */
export function accessByArn(action: string, arn: string, context: OperationContext) {
  const found = findByArn(arn, context);
  return [
    found ? entityAccess(found.kind, action, found.record.name, context) : { action: `iam:${action}`, resource: arn },
  ];
}

export const listPoliciesGrantingServiceAccess = operation<
  Shapes.ListPoliciesGrantingServiceAccessRequest,
  Shapes.ListPoliciesGrantingServiceAccessResponse
>({
  name: "ListPoliciesGrantingServiceAccess",
  support: "supported",
  source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html",
  authorize: (input, context) => accessByArn("ListPoliciesGrantingServiceAccess", input.Arn, context),
  errors: [noSuchArn, invalidMarker],
  run(input, context) {
    const found = findByArn(input.Arn, context);
    if (!found) throw noSuchArn(input.Arn);
    const policies = policiesOf(found, context);
    const page = pageOf([...new Set(input.ServiceNamespaces)], { Marker: input.Marker }, (namespace) => namespace);
    const entries = page.items.map((namespace) => ({
      ServiceNamespace: namespace,
      Policies: policies.filter(({ document }) => allowsService(document, namespace)).map(({ shape }) => shape),
    }));
    return { PoliciesGrantingServiceAccess: entries, ...page.members };
  },
});

/** True when one of the entity's policies allows something of the service. */
export const mayUse = (entity: NamedEntity, namespace: string, context: OperationContext): boolean =>
  policiesOf(entity, context).some(({ document }) => allowsService(document, namespace));

function policiesOf({ kind, record }: NamedEntity, context: OperationContext): HeldPolicy[] {
  const groups = kind.word === "user" ? (record as UserRecord).groupNames : [];
  const ofGroups = groups.flatMap((name) =>
    heldBy({ kind: ENTITY_KINDS.group, record: requireEntity(GROUP, name, context) }, context),
  );
  return [...heldBy({ kind, record }, context), ...ofGroups];
}

function heldBy({ kind, record }: NamedEntity, { store }: OperationContext): HeldPolicy[] {
  const managed = record.attachedPolicyArns.flatMap((arn) => {
    const policy = findManagedPolicy(store, arn);
    if (!policy) return [];
    const shape = { PolicyName: policy.name, PolicyType: "MANAGED", PolicyArn: arn } as const;
    return [{ document: parsedDocument(defaultDocumentText(policy)), shape }];
  });
  const EntityType = kind.word.toUpperCase() as Shapes.PolicyGrantingServiceAccess["EntityType"];
  const inline = Object.entries(record.inlinePolicies).map(([name, text]) => ({
    document: parsedDocument(text),
    shape: { PolicyName: name, PolicyType: "INLINE", EntityType, EntityName: record.name } as const,
  }));
  return [...managed, ...inline];
}

/** True when a statement allows any action of the service. The service part of an action has no wildcards. */
export function allowsService(document: PolicyDocument, namespace: string): boolean {
  const service = namespace.toLowerCase();
  const statements = [document["Statement"]].flat() as readonly (PolicyDocument | undefined)[];
  return statements.some((statement) => {
    if (statement?.["Effect"] !== "Allow") return false;
    const actions = textsIn(statement["Action"]);
    const excluded = textsIn(statement["NotAction"]);
    if (actions.length > 0) return actions.some((action) => action === "*" || action.split(":")[0] === service);
    return excluded.length > 0 && !excluded.some((action) => action === "*" || action === `${service}:*`);
  });
}

const textsIn = (value: unknown): string[] =>
  [value].flat().flatMap((one) => (typeof one === "string" ? [one.toLowerCase()] : []));
