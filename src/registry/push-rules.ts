/**
 * What a push of a manifest must keep to: its layers are here, with the sizes it says; a tag that ECR lets nobody move
 * stays. Asked by images.ts inside the transaction that records the manifest.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
 */
import { RegistryError } from "./errors.ts";
import type { ManifestContent } from "./manifest-content.ts";
import { type EcrSettings, keyIn, type RegistryRecords } from "./records.ts";
import { LOCAL_HOST, type RepositoryAddress } from "./repository-address.ts";

/** True when ECR lets nobody move this tag. */
function isTagImmutable(settings: EcrSettings, tag: string): boolean {
  const isExcluded = settings.exclusionFilters.some((filter) => wildcard(filter).test(tag));
  switch (settings.tagMutability) {
    case "MUTABLE":
      return false;
    case "IMMUTABLE":
      return true;
    case "IMMUTABLE_WITH_EXCLUSION":
      return !isExcluded;
    case "MUTABLE_WITH_EXCLUSION":
      return isExcluded;
  }
}

const wildcard = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[\\^$.|?+()[\]{}]/g, "\\$&").replace(/\*/g, ".*")}$`);

/** Throws TAG_INVALID when the tag is there and may not be moved. */
// AWS: a second push of an immutable tag fails even with the same digest (aws/containers-roadmap#862).
export function requireMutable(
  records: RegistryRecords,
  address: RepositoryAddress,
  tag: string,
  settings?: EcrSettings,
): void {
  if (!settings || !records.tags.has(keyIn(address, tag)) || !isTagImmutable(settings, tag)) return;
  // AWS: with exclusions it is the tag that is immutable, not the repository.
  const what = settings.tagMutability === "IMMUTABLE" ? "repository" : "tag";
  throw new RegistryError("tagInvalid", {
    message: `The image tag '${tag}' already exists in the '${address.name}' repository and cannot be overwritten because the ${what} is immutable.`,
  });
}

/** Throws MANIFEST_BLOB_UNKNOWN or MANIFEST_INVALID unless all that the manifest lists is in the repository. */
export function requireReferences(
  records: RegistryRecords,
  address: RepositoryAddress,
  manifest: ManifestContent,
): void {
  for (const { digest, size } of manifest.blobs) {
    const link = records.blobLinks.get(keyIn(address, digest));
    if (!link) throw new RegistryError("manifestBlobUnknown", { detail: { digest } });
    if (link.sizeBytes !== size) {
      throw new RegistryError("manifestInvalid", {
        message: `manifest invalid: ${digest} has ${link.sizeBytes} bytes, the manifest says ${size}`,
        detail: { digest, size: link.sizeBytes },
      });
    }
  }
  // A local repository may have an index of which only some platforms are here; Docker Hub and ECR refuse one.
  if (address.host === LOCAL_HOST) return;
  for (const { digest } of manifest.manifests) {
    const isKnown = records.manifests.has(keyIn(address, digest)) || records.blobLinks.has(keyIn(address, digest));
    if (!isKnown) throw new RegistryError("manifestBlobUnknown", { detail: { digest } });
  }
}
