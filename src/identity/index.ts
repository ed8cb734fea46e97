/** Who may sign in and which policies they carry: users, groups, roles, policies, access keys, sessions. See README.md. */
export { accountOfAccessKeyId, newAccessKeyId } from "./access-key-id.ts";
export {
  type AccessKey,
  createIdentity,
  type Identity,
  parsedDocument,
} from "./identity.ts";
export { createLastUses, forgetUses, type LastUse, lastUseOf, lastUsesOf } from "./last-uses.ts";
export {
  awsManagedPolicies,
  defaultDocumentText,
  findManagedPolicy,
  isAwsManaged,
  type PolicySummary,
} from "./managed-policies.ts";
export { roleSession, rootPrincipal } from "./principals.ts";
export * from "./records.ts";
export { issueSession } from "./sessions.ts";
export { followRename, trustedArns, trustPolicyText, uniqueIdOf } from "./trust.ts";
