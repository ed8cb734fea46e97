/** Kiln's OCI registry: public face. What it is: README.md; how a request goes: registry.ts. */
export type { Authorize } from "./access.ts";
export type { AccountSummary, Accounts, LoginOutcome } from "./accounts.ts";
export type { AccessKeys } from "./caller.ts";
export type { ImageSummary, RepositorySummary, StoredManifest } from "./catalog.ts";
export { isDigest, isTag } from "./digest.ts";
export { ecrAuthorizationRequest, repositoryArn } from "./ecr-authorization.ts";
export { RegistryError } from "./errors.ts";
export { type FoundManifest, type Images, repositoryMissingText } from "./images.ts";
export type { EcrSettings, ManifestRecord, RegistryRecords, RepositoryRecord, TagMutability } from "./records.ts";
export { keyIn } from "./records.ts";
export { createRegistry, type Registry, type RegistryDeps } from "./registry.ts";
export {
  ecrAddress,
  ecrHost,
  type RepositoryAddress,
} from "./repository-address.ts";
