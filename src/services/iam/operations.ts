/** The operations of IAM, imported when the service is first called (index.ts). */
import type { AnyOperation, Operations } from "../service.ts";
import { absentThings } from "./absent-things.ts";
import * as accessKeys from "./access-keys.ts";
import * as alias from "./account-alias.ts";
import { getAccountSummary } from "./account-summary.ts";
import { getAccountAuthorizationDetails } from "./authorization-details.ts";
import { boundaryOperationsOfEntities } from "./boundaries.ts";
import * as credentialReport from "./credential-report.ts";
import { entityPolicyOperations } from "./entity-policies.ts";
import { invalidClientTokenId } from "./errors.ts";
import * as groups from "./groups.ts";
import * as lastUsed from "./last-used.ts";
import * as passwordPolicy from "./password-policy.ts";
import * as policies from "./policies.ts";
import * as policyVersions from "./policy-versions.ts";
import { updateGroup, updateUser } from "./renames.ts";
import * as roles from "./roles.ts";
import { listPoliciesGrantingServiceAccess } from "./service-access.ts";
import * as serviceLinked from "./service-linked-roles.ts";
import * as simulate from "./simulate.ts";
import { tagOperationsOfEntities } from "./tags.ts";
import * as users from "./users.ts";

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
