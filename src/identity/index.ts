/** Who may sign in and which policies they carry: users, groups, roles, policies, access keys, sessions. See README.md. */
export {
  type AccessKey,
  createIdentity,
  type Identity,
  parsedDocument,
  rootPrincipal,
  tagMap,
} from "./identity.ts";
export { awsManagedPolicies, defaultDocumentText, findManagedPolicy, isAwsManaged } from "./managed-policies.ts";
export * from "./records.ts";
export { issueSession } from "./sessions.ts";
export { trustedArns, trustPolicyText, uniqueIdOf } from "./trust.ts";
