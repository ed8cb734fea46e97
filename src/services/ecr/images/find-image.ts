/** One image by tag, digest or both: with ECR's error, or with the failure that batches list. */
import { type FoundManifest, isDigest, isTag, type RepositoryAddress } from "../../../registry/index.ts";
import { imageNotFound } from "../errors.ts";
import type { EcrDeps, FoundRepository } from "../find-repository.ts";
import type { ImageFailure, ImageIdentifier } from "../shapes.gen.ts";

export type Failure = ImageFailure & { readonly failureCode: NonNullable<ImageFailure["failureCode"]> };

/** Throws ImageNotFoundException. */
export function requireImage(
  { registry }: EcrDeps,
  { address, scope }: FoundRepository,
  id: ImageIdentifier,
): FoundManifest {
  const image = registry.images.find(address, id.imageDigest ?? id.imageTag ?? "");
  const isSame = id.imageTag === undefined || registry.images.find(address, id.imageTag)?.digest === image?.digest;
  if (image && isSame) return image;
  throw imageNotFound(id, address.name, scope.accountId);
}

export function findImage(
  { registry }: EcrDeps,
  address: RepositoryAddress,
  imageId: ImageIdentifier,
): FoundManifest | Failure {
  const { imageDigest, imageTag } = imageId;
  if (imageDigest === undefined && imageTag === undefined) {
    return failure(imageId, "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null");
  }
  if (imageDigest !== undefined && !isDigest(imageDigest)) {
    return failure(imageId, "InvalidImageDigest", "Invalid request parameters: image digest is not a digest");
  }
  if (imageTag !== undefined && !isTag(imageTag)) {
    return failure(imageId, "InvalidImageTag", "Invalid request parameters: image tag is not a tag");
  }
  const byDigest = imageDigest === undefined ? undefined : registry.images.find(address, imageDigest);
  const byTag = imageTag === undefined ? undefined : registry.images.find(address, imageTag);
  const found = byDigest ?? byTag;
  if (!found || (imageDigest !== undefined && !byDigest) || (imageTag !== undefined && !byTag)) {
    return failure(imageId, "ImageNotFound", "Requested image not found");
  }
  if (byDigest && byTag && byDigest.digest !== byTag.digest) {
    return failure(imageId, "ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest");
  }
  return found;
}

export const failure = (
  imageId: ImageIdentifier,
  failureCode: Failure["failureCode"],
  failureReason: string,
): Failure => ({
  imageId,
  failureCode,
  failureReason,
});
