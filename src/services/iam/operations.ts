/** The operations of IAM, imported when the service is first called (index.ts). */
import type { AnyOperation, Operations } from "../service.ts";
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

const table: Operations = [
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

export const operations: Operations = table.map(refusingSessionTokens);
