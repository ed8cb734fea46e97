/** Who may sign in and which policies they carry: users, groups, roles, policies, access keys, sessions. See README.md. */
export { accountOfAccessKeyId, newAccessKeyId } from "./access-key-id.ts";
export { findEntityByArn } from "./find-entity.ts";
export { type HeldPolicy, managedPolicyInForce, policiesHeldBy } from "./held-policies.ts";
export {
  type AccessKey,
  createIdentity,
  type Identity,
  type KeySettings,
} from "./identity.ts";
export { createLastUses, forgetUses, type LastUse, lastUseOf, lastUsesOf } from "./last-uses.ts";
export {
  awsManagedPolicies,
  defaultDocumentText,
  findManagedPolicy,
  isAwsManaged,
  type PolicySummary,
} from "./managed-policies.ts";
export { parsedDocument } from "./parsed-document.ts";
export { roleSession, rootPrincipal, servicePrincipal } from "./principals.ts";
export * from "./records.ts";
export { extendSessions, issueSession } from "./sessions.ts";
export { followRename, trustedArns, trustPolicyText, uniqueIdOf } from "./trust.ts";
