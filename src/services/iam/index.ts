/**
 * AWS Identity and Access Management: the part that decides who may do what in a build. Protocol awsQuery, 2010-05-08.
 * Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html; error texts as seen on AWS, autumn 2026.
 * Gaps: no instance profiles, login profiles, MFA devices, identity providers, server certificates, service-linked roles.
 * AWS's managed policies are the ones in data/managed-policies.json, in their default version; attaching another one is
 * answered like a policy that does not exist. Extend the list in scripts/generate-managed-policies.mjs.
 */
import type { OperationDefinition, ServiceDefinition } from "../service.ts";
import * as accessKeys from "./access-keys.ts";
import { boundaryOperationsOfEntities } from "./boundaries.ts";
import { entityPolicyOperations } from "./entity-policies.ts";
import { invalidClientTokenId } from "./errors.ts";
import * as groups from "./groups.ts";
import * as policies from "./policies.ts";
import * as policyVersions from "./policy-versions.ts";
import * as roles from "./roles.ts";
import * as simulate from "./simulate.ts";
import { tagOperationsOfEntities } from "./tags.ts";
import * as users from "./users.ts";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
type AnyOperation = OperationDefinition<any, object>;

const operations: readonly AnyOperation[] = [
  ...[roles.createRole, roles.getRole, roles.listRoles, roles.updateRole, roles.updateRoleDescription],
  ...[roles.updateAssumeRolePolicy, roles.deleteRole],
  ...[users.createUser, users.getUser, users.listUsers, users.deleteUser],
  ...[groups.createGroup, groups.getGroup, groups.listGroups, groups.listGroupsForUser, groups.addUserToGroup],
  ...[groups.removeUserFromGroup, groups.deleteGroup],
  ...entityPolicyOperations,
  ...[policies.createPolicy, policies.getPolicy, policies.listPolicies, policies.listEntitiesForPolicy],
  ...[policies.deletePolicy, policies.tagPolicy, policies.untagPolicy, policies.listPolicyTags],
  ...[policyVersions.createPolicyVersion, policyVersions.getPolicyVersion, policyVersions.listPolicyVersions],
  ...[policyVersions.setDefaultPolicyVersion, policyVersions.deletePolicyVersion],
  ...[accessKeys.createAccessKey, accessKeys.listAccessKeys, accessKeys.updateAccessKey, accessKeys.deleteAccessKey],
  ...tagOperationsOfEntities,
  ...boundaryOperationsOfEntities,
  ...[simulate.simulatePrincipalPolicy, simulate.simulateCustomPolicy],
  ...[simulate.getContextKeysForPrincipalPolicy, simulate.getContextKeysForCustomPolicy],
];

/** AWS: temporary keys of GetSessionToken without MFA cannot call IAM at all, whatever the policies say. */
const refusingSessionTokens = (definition: AnyOperation): AnyOperation => ({
  ...definition,
  errors: [...definition.errors, invalidClientTokenId],
  authorize(input, context) {
    const { principal } = context;
    if ((principal.type === "Root" || principal.type === "User") && principal.hasSessionToken) {
      throw invalidClientTokenId();
    }
    return definition.authorize(input, context);
  },
});

export const iam: ServiceDefinition = {
  name: "iam",
  title: "Identity and Access Management",
  protocol: "awsQuery",
  operations: operations.map(refusingSessionTokens),
};
