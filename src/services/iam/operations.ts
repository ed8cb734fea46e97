/** The operations of IAM, imported when the service is first called (index.ts). */
import type { AnyOperation, Operations } from "../service.ts";
import { absentThings } from "./account/absent-things.ts";
import * as alias from "./account/account-alias.ts";
import { getAccountSummary } from "./account/account-summary.ts";
import { getAccountAuthorizationDetails } from "./account/authorization-details.ts";
import * as credentialReport from "./account/credential-report.ts";
import * as lastUsed from "./account/last-used.ts";
import * as passwordPolicy from "./account/password-policy.ts";
import { listPoliciesGrantingServiceAccess } from "./account/service-access.ts";
import * as accessKeys from "./entities/access-keys.ts";
import { boundaryOperationsOfEntities } from "./entities/boundaries.ts";
import { entityPolicyOperations } from "./entities/entity-policies.ts";
import * as groups from "./entities/groups.ts";
import { updateGroup, updateUser } from "./entities/renames.ts";
import * as roles from "./entities/roles.ts";
import * as serviceLinked from "./entities/service-linked-roles.ts";
import { tagOperationsOfEntities } from "./entities/tags.ts";
import * as users from "./entities/users.ts";
import { invalidClientTokenId } from "./errors.ts";
import * as policies from "./policies/policies.ts";
import * as policyVersions from "./policies/policy-versions.ts";
import * as simulate from "./simulator/simulate.ts";

const table: Operations = [
  ...[roles.createRole, roles.getRole, roles.listRoles, roles.updateRole, roles.updateRoleDescription],
  ...[roles.updateAssumeRolePolicy, roles.deleteRole],
  ...[users.createUser, users.getUser, users.listUsers, updateUser, users.deleteUser],
  ...[groups.createGroup, groups.getGroup, groups.listGroups, groups.listGroupsForUser, groups.addUserToGroup],
  ...[groups.removeUserFromGroup, updateGroup, groups.deleteGroup],
  ...[serviceLinked.createServiceLinkedRole, serviceLinked.deleteServiceLinkedRole],
  serviceLinked.getServiceLinkedRoleDeletionStatus,
  ...entityPolicyOperations,
  ...[policies.createPolicy, policies.getPolicy, policies.listPolicies, policies.listEntitiesForPolicy],
  ...[policies.deletePolicy, policies.tagPolicy, policies.untagPolicy, policies.listPolicyTags],
  ...[policyVersions.createPolicyVersion, policyVersions.getPolicyVersion, policyVersions.listPolicyVersions],
  ...[policyVersions.setDefaultPolicyVersion, policyVersions.deletePolicyVersion],
  ...[accessKeys.createAccessKey, accessKeys.listAccessKeys, accessKeys.updateAccessKey, accessKeys.deleteAccessKey],
  ...tagOperationsOfEntities,
  ...boundaryOperationsOfEntities,
  ...[getAccountSummary, getAccountAuthorizationDetails],
  ...[credentialReport.generateCredentialReport, credentialReport.getCredentialReport],
  ...[alias.createAccountAlias, alias.listAccountAliases, alias.deleteAccountAlias],
  ...[passwordPolicy.getAccountPasswordPolicy, passwordPolicy.updateAccountPasswordPolicy],
  passwordPolicy.deleteAccountPasswordPolicy,
  ...[lastUsed.getAccessKeyLastUsed, listPoliciesGrantingServiceAccess],
  ...[lastUsed.generateServiceLastAccessedDetails, lastUsed.getServiceLastAccessedDetails],
  ...absentThings,
  ...[simulate.simulatePrincipalPolicy, simulate.simulateCustomPolicy],
  ...[simulate.getContextKeysForPrincipalPolicy, simulate.getContextKeysForCustomPolicy],
];

/** AWS: keys of GetSessionToken without MFA and of GetFederationToken cannot call IAM at all, whatever policies say. */
const refusingSessionTokens = (definition: AnyOperation): AnyOperation => ({
  ...definition,
  errors: [...definition.errors, invalidClientTokenId],
  authorize(input, context) {
    const { principal } = context;
    const isOfUser = principal.type === "Root" || principal.type === "User";
    if (principal.type === "FederatedUser" || (isOfUser && principal.hasSessionToken)) throw invalidClientTokenId();
    return definition.authorize(input, context);
  },
});

export const operations: Operations = table.map(refusingSessionTokens);
