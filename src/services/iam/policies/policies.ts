/**
 * Managed policies: the account's own are made and deleted, AWS's are only read.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html and siblings
 */
import type { AuthorizationRequest } from "../../../authorize/index.ts";
import { globalArnIn } from "../../../core/arn.ts";
import { wholeSecond } from "../../../core/clock.ts";
import {
  awsManagedPolicies,
  type EntityRecord,
  entityKey,
  findManagedPolicy,
  identityCollections,
  isAwsManaged,
  type PolicyRecord,
  type PolicySummary,
} from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { requestTagKeys, resourceTagKeys } from "../../tag-keys.ts";
import { ENTITY_KINDS, listEntities } from "../entities/entities.ts";
import { listAccess } from "../entities/entity-access.ts";
import { mergeTags, requireTags, TAG_ERRORS, withoutTags } from "../entities/tags.ts";
import {
  invalidArn,
  invalidMarker,
  malformedPolicyDocument,
  noSuchPolicy,
  notAuthorized,
  policyAlreadyExists,
  policyAttached,
  policyHasVersions,
  quotaExceeded,
} from "../errors.ts";
import { nameKey, pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";
import { requireManagedDocument } from "./documents.ts";
import { requirePolicy, requirePolicyArn } from "./policy-arns.ts";
import { NO_USE, type PolicyUse, usesOf } from "./policy-uses.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
/** Customer managed policies of an account. */
export const MAX_POLICIES = 1_500;

/** Permission on one managed policy. */
export function policyAccess(action: string, arn: string, { store }: OperationContext): AuthorizationRequest[] {
  const tags = findManagedPolicy(store, arn)?.tags ?? [];
  // AWS: the older name of the key, `iam:ResourceTag/k`, is for users and roles only.
  return [{ action: `iam:${action}`, resource: arn, resourceText: `policy ${arn}`, context: resourceTagKeys(tags) }];
}

/** Changes a policy of the account. AWS: its own policies cannot be changed whatever the caller's policies say. */
export async function changePolicy(
  action: string,
  arn: string,
  context: OperationContext,
  change: (policy: PolicyRecord) => PolicyRecord | undefined,
): Promise<PolicyRecord | undefined> {
  requirePolicyArn(arn);
  if (isAwsManaged(arn)) throw notAuthorized(context.principal.arn, `iam:${action}`, `policy ${arn}`);
  return context.store.write(() => {
    const policy = requirePolicy(arn, context);
    const changed = change(policy);
    const key = entityKey(context.scope.accountId, policy.name);
    const { policies } = identityCollections(context.store);
    if (changed) policies.put(key, changed);
    else policies.delete(key);
    return changed;
  });
}

export const createPolicy = operation<Shapes.CreatePolicyRequest, Shapes.CreatePolicyResponse>({
  name: "CreatePolicy",
  support: "supported",
  source: `${DOCS}/API_CreatePolicy.html`,
  authorize(input, { scope }) {
    const request: AuthorizationRequest = {
      action: "iam:CreatePolicy",
      resource: globalArnIn(scope, "iam", `policy${input.Path ?? "/"}${input.PolicyName}`),
      resourceText: `policy ${input.PolicyName}`,
      context: requestTagKeys(input.Tags),
    };
    return input.Tags?.length ? [request, { ...request, action: "iam:TagPolicy" }] : [request];
  },
  errors: [malformedPolicyDocument, quotaExceeded, policyAlreadyExists, ...TAG_ERRORS],
  async run(input, context) {
    const { scope, store, clock, ids } = context;
    requireManagedDocument(input.PolicyDocument);
    const tags = requireTags(input.Tags);
    const path = input.Path ?? "/";
    const createdMs = wholeSecond(clock.nowMs());
    const policy: PolicyRecord = {
      name: input.PolicyName,
      id: `ANPA${ids.base32(17)}`,
      path,
      arn: globalArnIn(scope, "iam", `policy${path}${input.PolicyName}`),
      createdMs,
      updatedMs: createdMs,
      defaultVersionId: "v1",
      versions: [{ versionId: "v1", document: input.PolicyDocument, createdMs }],
      lastVersion: 1,
      tags,
      ...(input.Description === undefined ? {} : { description: input.Description }),
    };
    await store.write(() => {
      const { policies } = identityCollections(store);
      const key = entityKey(scope.accountId, policy.name);
      if (policies.has(key)) throw policyAlreadyExists(policy.name);
      if (policies.count([scope.accountId]) >= MAX_POLICIES) {
        throw quotaExceeded("PoliciesPerAccount", MAX_POLICIES);
      }
      policies.put(key, policy);
    });
    // AWS: the answer has no Description, even when one was given.
    return { Policy: { ...policyShape(policy, NO_USE), ...(tags.length > 0 && { Tags: tags }) } };
  },
});

export const getPolicy = operation<Shapes.GetPolicyRequest, Shapes.GetPolicyResponse>({
  name: "GetPolicy",
  support: "partial",
  gaps: ["PolicyId of AWS's managed policies is not theirs (it is not published)"],
  source: `${DOCS}/API_GetPolicy.html`,
  authorize: (input, context) => policyAccess("GetPolicy", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn],
  run(input, context) {
    const policy = requirePolicy(input.PolicyArn, context);
    return {
      Policy: {
        ...policyShape(policy, usesOf(context).get(policy.arn) ?? NO_USE),
        ...(policy.description === undefined ? {} : { Description: policy.description }),
        Tags: policy.tags,
      },
    };
  },
});

export const listPolicies = operation<Shapes.ListPoliciesRequest, Shapes.ListPoliciesResponse>({
  name: "ListPolicies",
  support: "supported",
  source: `${DOCS}/API_ListPolicies.html`,
  authorize: (input) => listAccess("ListPolicies", `policy path ${input.PathPrefix ?? "/"}`),
  errors: [invalidMarker],
  run(input, context) {
    const uses = usesOf(context);
    const scope = input.Scope ?? "All";
    const own = identityCollections(context.store).policies.list([context.scope.accountId]);
    const policies = [
      ...(scope === "AWS" ? [] : own.map(({ value }) => value)),
      ...(scope === "Local" ? [] : awsManagedPolicies()),
    ].filter((policy) => {
      const use = uses.get(policy.arn) ?? NO_USE;
      const count = input.PolicyUsageFilter === "PermissionsBoundary" ? use.boundaries : use.attachments;
      const isUsed = count > 0 || !(input.OnlyAttached || input.PolicyUsageFilter);
      return isUsed && policy.path.startsWith(input.PathPrefix ?? "/");
    });
    const page = pageOf(policies, input, ({ arn, name }) => (isAwsManaged(arn) ? [1, name] : [0, ...nameKey(name)]));
    // AWS: lists have neither Description nor Tags.
    return { Policies: page.items.map((one) => policyShape(one, uses.get(one.arn) ?? NO_USE)), ...page.members };
  },
});

export const deletePolicy = operation<Shapes.DeletePolicyRequest, object>({
  name: "DeletePolicy",
  support: "supported",
  source: `${DOCS}/API_DeletePolicy.html`,
  authorize: (input, context) => policyAccess("DeletePolicy", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, policyAttached, policyHasVersions, notAuthorized],
  async run(input, context) {
    await changePolicy("DeletePolicy", input.PolicyArn, context, (policy) => {
      const { attachments, boundaries } = usesOf(context).get(policy.arn) ?? NO_USE;
      if (attachments + boundaries > 0) throw policyAttached();
      if (policy.versions.length > 1) throw policyHasVersions();
      return undefined;
    });
    return {};
  },
});

export const listEntitiesForPolicy = operation<
  Shapes.ListEntitiesForPolicyRequest,
  Shapes.ListEntitiesForPolicyResponse
>({
  name: "ListEntitiesForPolicy",
  support: "supported",
  source: `${DOCS}/API_ListEntitiesForPolicy.html`,
  authorize: (input, context) => policyAccess("ListEntitiesForPolicy", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, invalidMarker],
  run(input, context) {
    const policy = requirePolicy(input.PolicyArn, context);
    const users = (entity: EntityRecord) =>
      input.PolicyUsageFilter === "PermissionsBoundary"
        ? entity.boundaryArn === policy.arn
        : entity.attachedPolicyArns.includes(policy.arn) ||
          (input.PolicyUsageFilter === undefined && entity.boundaryArn === policy.arn);
    const found = Object.values(ENTITY_KINDS).flatMap((kind) =>
      input.EntityFilter === undefined || input.EntityFilter === kind.title
        ? listEntities(kind, context)
            .filter((entity) => users(entity) && entity.path.startsWith(input.PathPrefix ?? "/"))
            .map((entity) => ({ kind: kind.word, entity }))
        : [],
    );
    const page = pageOf(found, input, ({ kind, entity }) => [kind, ...nameKey(entity.name)]);
    const ofKind = (word: string) => page.items.filter(({ kind }) => kind === word).map(({ entity }) => entity);
    return {
      PolicyGroups: ofKind("group").map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyUsers: ofKind("user").map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: ofKind("role").map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...page.members,
    };
  },
});

export const tagPolicy = operation<Shapes.TagPolicyRequest, object>({
  name: "TagPolicy",
  support: "supported",
  source: `${DOCS}/API_TagPolicy.html`,
  authorize: (input, context) =>
    policyAccess("TagPolicy", input.PolicyArn, context).map((request) => ({
      ...request,
      context: { ...request.context, ...requestTagKeys(input.Tags) },
    })),
  errors: [noSuchPolicy, invalidArn, ...TAG_ERRORS, notAuthorized],
  async run(input, context) {
    const added = requireTags(input.Tags);
    const change = (policy: PolicyRecord) => ({ ...policy, tags: mergeTags(policy.tags, added) });
    await changePolicy("TagPolicy", input.PolicyArn, context, change);
    return {};
  },
});

export const untagPolicy = operation<Shapes.UntagPolicyRequest, object>({
  name: "UntagPolicy",
  support: "supported",
  source: `${DOCS}/API_UntagPolicy.html`,
  authorize: (input, context) =>
    policyAccess("UntagPolicy", input.PolicyArn, context).map((request) => ({
      ...request,
      context: { ...request.context, "aws:TagKeys": input.TagKeys },
    })),
  errors: [noSuchPolicy, invalidArn, notAuthorized],
  async run(input, context) {
    const change = (policy: PolicyRecord) => ({ ...policy, tags: withoutTags(policy.tags, input.TagKeys) });
    await changePolicy("UntagPolicy", input.PolicyArn, context, change);
    return {};
  },
});

export const listPolicyTags = operation<Shapes.ListPolicyTagsRequest, object>({
  name: "ListPolicyTags",
  support: "supported",
  source: `${DOCS}/API_ListPolicyTags.html`,
  authorize: (input, context) => policyAccess("ListPolicyTags", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, invalidMarker],
  run(input, context) {
    const page = pageOf(requirePolicy(input.PolicyArn, context).tags, input, (tag) => nameKey(tag.Key));
    return { Tags: page.items, ...page.members };
  },
});

/** A managed policy as answers show it, without description and tags. */
export const policyShape = (policy: PolicySummary, use: PolicyUse): Shapes.Policy => ({
  PolicyName: policy.name,
  PolicyId: policy.id,
  Arn: policy.arn,
  Path: policy.path,
  DefaultVersionId: policy.defaultVersionId,
  AttachmentCount: use.attachments,
  PermissionsBoundaryUsageCount: use.boundaries,
  IsAttachable: true,
  CreateDate: policy.createdMs,
  UpdateDate: policy.updatedMs,
});
