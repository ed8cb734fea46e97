/**
 * Everything that decides permissions in the account, in one list: users, groups, roles and managed policies. A page is
 * cut through all of them, so each answer holds whole entities and any of its lists may be empty.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
 */
import {
  type EntityRecord,
  findManagedPolicy,
  type GroupRecord,
  identityCollections,
  isAwsManaged,
  type PolicyRecord,
  type RoleRecord,
  type UserRecord,
} from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { boundaryOf } from "../entities/boundaries.ts";
import { GROUP, listEntities, ROLE, USER } from "../entities/entities.ts";
import { listAccess } from "../entities/entity-access.ts";
import { groupShape } from "../entities/groups.ts";
import { identification, roleLastUsed } from "../entities/role-shapes.ts";
import { listedUser } from "../entities/users.ts";
import { invalidMarker } from "../errors.ts";
import { nameKey, pageOf } from "../pages.ts";
import { encodeDocument } from "../policies/documents.ts";
import { policyShape } from "../policies/policies.ts";
import { NO_USE, type PolicyUse, usesOf } from "../policies/policy-uses.ts";
import { versionShape } from "../policies/policy-versions.ts";
import type * as Shapes from "../shapes.gen.ts";

type Item =
  | { readonly kind: "User"; readonly record: UserRecord }
  | { readonly kind: "Group"; readonly record: GroupRecord }
  | { readonly kind: "Role"; readonly record: RoleRecord }
  | { readonly kind: "LocalManagedPolicy" | "AWSManagedPolicy"; readonly record: PolicyRecord };

export const getAccountAuthorizationDetails = operation<
  Shapes.GetAccountAuthorizationDetailsRequest,
  Shapes.GetAccountAuthorizationDetailsResponse
>({
  name: "GetAccountAuthorizationDetails",
  support: "supported",
  source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html",
  authorize: () => listAccess("GetAccountAuthorizationDetails", "*"),
  errors: [invalidMarker],
  run(input, context) {
    const uses = usesOf(context);
    const items = itemsIn(context, uses).filter(({ kind }) => !input.Filter?.length || input.Filter.includes(kind));
    const page = pageOf(items, input, ({ kind, record }) => [KINDS.indexOf(kind), ...nameKey(record.name)]);
    const shown = {
      UserDetailList: [] as Shapes.UserDetail[],
      GroupDetailList: [] as Shapes.GroupDetail[],
      RoleDetailList: [] as Shapes.RoleDetail[],
      Policies: [] as Shapes.ManagedPolicyDetail[],
    };
    for (const item of page.items) {
      if (item.kind === "User") shown.UserDetailList.push(userDetail(item.record, context));
      else if (item.kind === "Group") shown.GroupDetailList.push(groupDetail(item.record, context));
      else if (item.kind === "Role") shown.RoleDetailList.push(roleDetail(item.record, context));
      else shown.Policies.push(policyDetail(item.record, uses.get(item.record.arn) ?? NO_USE));
    }
    return { ...shown, ...page.members };
  },
});

/** In the order of the answer. */
const KINDS: readonly Item["kind"][] = ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"];

/** AWS: of its own policies only those in use are shown. */
function itemsIn(context: OperationContext, uses: ReadonlyMap<string, PolicyUse>): Item[] {
  const own = identityCollections(context.store).policies.list([context.scope.accountId]);
  const ofAws = [...uses.keys()].filter(isAwsManaged);
  return [
    ...listEntities(USER, context).map((record) => ({ kind: "User" as const, record })),
    ...listEntities(GROUP, context).map((record) => ({ kind: "Group" as const, record })),
    ...listEntities(ROLE, context).map((record) => ({ kind: "Role" as const, record })),
    ...own.map(({ value: record }) => ({ kind: "LocalManagedPolicy" as const, record })),
    ...ofAws.flatMap((arn) => {
      const record = findManagedPolicy(context.store, arn);
      return record ? [{ kind: "AWSManagedPolicy" as const, record }] : [];
    }),
  ];
}

const inlineOf = (record: EntityRecord): Shapes.PolicyDetail[] =>
  Object.entries(record.inlinePolicies)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => ({ PolicyName: name, PolicyDocument: encodeDocument(text) }));

const attachedTo = (record: EntityRecord, { store }: OperationContext): Shapes.AttachedPolicy[] =>
  record.attachedPolicyArns.flatMap((arn) => {
    const policy = findManagedPolicy(store, arn);
    return policy ? [{ PolicyName: policy.name, PolicyArn: arn }] : [];
  });

function userDetail(user: UserRecord, context: OperationContext): Shapes.UserDetail {
  const inline = inlineOf(user);
  return {
    ...listedUser(user),
    // AWS: the only list that is left out when it is empty.
    ...(inline.length > 0 && { UserPolicyList: inline }),
    GroupList: user.groupNames,
    AttachedManagedPolicies: attachedTo(user, context),
    ...boundaryOf(user),
    Tags: user.tags,
  };
}

const groupDetail = (group: GroupRecord, context: OperationContext): Shapes.GroupDetail => ({
  ...groupShape(group),
  GroupPolicyList: inlineOf(group),
  AttachedManagedPolicies: attachedTo(group, context),
});

const roleDetail = (role: RoleRecord, context: OperationContext): Shapes.RoleDetail => ({
  ...identification(role, context),
  InstanceProfileList: [],
  RolePolicyList: inlineOf(role),
  AttachedManagedPolicies: attachedTo(role, context),
  ...boundaryOf(role),
  Tags: role.tags,
  RoleLastUsed: roleLastUsed(role, context.store),
});

const policyDetail = (policy: PolicyRecord, use: PolicyUse): Shapes.ManagedPolicyDetail => ({
  ...policyShape(policy, use),
  ...(policy.description === undefined ? {} : { Description: policy.description }),
  PolicyVersionList: policy.versions.map((version) => versionShape(policy, version)),
});
