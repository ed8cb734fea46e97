/** Kiln's OCI registry: public face. What it is: README.md; how a request goes: registry.ts. */
export type { Authorize } from "./access.ts";
export type { AccountSummary, Accounts, LoginOutcome } from "./accounts.ts";
export type { AccessKeys } from "./caller.ts";
export type { ImageSummary, RepositorySummary, StoredManifest } from "./catalog.ts";
export { digestOf, isDigest, isTag } from "./digest.ts";
export { ACCOUNT_SETTINGS, accountSetting, isAccountSetting } from "./ecr/account-settings.ts";
export { ecrAuthorizationRequest, repositoryArn, repositoryPolicyDocument } from "./ecr/authorization.ts";
export { convertManifest } from "./ecr/convert-manifest.ts";
export { imageArchivedText } from "./ecr/data-plane.ts";
export { LAYER_PART_BYTES, MAX_LAYER_PARTS } from "./ecr/layer-uploads.ts";
export {
  type CacheRuleRecord,
  type EcrRegistryRecord,
  forgetRepository,
  type ReplicationRuleRecord,
  registryKey,
  registryOf,
  type TemplateRecord,
} from "./ecr/records.ts";
export { hasRole, LINKED_ROLES, type LinkedRole, linkedRoleArn } from "./ecr/service-role.ts";
export { UpstreamError } from "./ecr/upstream.ts";
export { RegistryError, refusal as registryRefusal } from "./errors.ts";
export { type RegistryQuota, restored } from "./holdings.ts";
export { type FoundManifest, type Images, repositoryMissingText } from "./images.ts";
export type { EcrSettings, ManifestRecord, RegistryRecords, RepositoryRecord, TagMutability } from "./records.ts";
export { keyIn } from "./records.ts";
export { createRegistry, type Registry, type RegistryDeps } from "./registry.ts";
export {
  ecrAddress,
  ecrHost,
  parseRepositoryAddress,
  type RepositoryAddress,
} from "./repository-address.ts";
