/** BatchGetImage and BatchDeleteImage: several images in one call; what fails is listed, not thrown. */
import { type FoundManifest, isDigest, isTag, type RepositoryAddress } from "../../registry/index.ts";
import { operation } from "../service.ts";
import { invalidParameter, reference, repositoryNotFound } from "./errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "./find-repository.ts";
import type {
  BatchDeleteImageRequest,
  BatchDeleteImageResponse,
  BatchGetImageRequest,
  BatchGetImageResponse,
  Image,
  ImageFailure,
  ImageIdentifier,
} from "./shapes.gen.ts";

export const batchGetImage = (deps: EcrDeps) =>
  operation<BatchGetImageRequest, BatchGetImageResponse>({
    name: "BatchGetImage",
    support: "partial",
    gaps: ["manifests are given as they were pushed: `acceptedMediaTypes` converts nothing"],
    source: reference("BatchGetImage"),
    authorize: onRepository(deps, "BatchGetImage"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const { scope, address } = requireRepository(deps, input, context);
      const images: Image[] = [];
      const failures: ImageFailure[] = [];
      for (const imageId of input.imageIds) {
        const found = findImage(deps, address, imageId);
        if ("failureCode" in found) {
          failures.push(found);
          continue;
        }
        await deps.registry.images.recordPull(address, found);
        images.push({
          registryId: scope.accountId,
          repositoryName: address.name,
          imageId: { imageDigest: found.digest, ...(imageId.imageTag !== undefined && { imageTag: imageId.imageTag }) },
          imageManifest: (await deps.registry.images.content(found.digest)).toString("utf8"),
          imageManifestMediaType: found.record.mediaType,
        });
      }
      return { images, failures };
    },
  });

export const batchDeleteImage = (deps: EcrDeps) =>
  operation<BatchDeleteImageRequest, BatchDeleteImageResponse>({
    name: "BatchDeleteImage",
    support: "supported",
    source: reference("BatchDeleteImage"),
    authorize: onRepository(deps, "BatchDeleteImage"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const { address } = requireRepository(deps, input, context);
      const imageIds: ImageIdentifier[] = [];
      const failures: ImageFailure[] = [];
      for (const imageId of input.imageIds) {
        const outcome = await deleteImage(deps, address, imageId);
        if ("failureCode" in outcome) failures.push(outcome);
        else imageIds.push(...outcome.deleted);
      }
      return { imageIds, failures };
    },
  });

async function deleteImage(
  deps: EcrDeps,
  address: RepositoryAddress,
  imageId: ImageIdentifier,
): Promise<{ readonly deleted: readonly ImageIdentifier[] } | (ImageFailure & { readonly failureCode: string })> {
  const { images } = deps.registry;
  const found = findImage(deps, address, imageId);
  if ("failureCode" in found) return found;
  const tags = images.tagsOf(address, found.digest);
  // AWS: by tag, only the tag goes while the image has another; with its last tag the image goes too.
  const isUntagging = imageId.imageDigest === undefined && tags.length > 1;
  if (isUntagging && imageId.imageTag !== undefined) {
    await images.deleteTag(address, imageId.imageTag);
    return { deleted: [{ imageDigest: found.digest, imageTag: imageId.imageTag }] };
  }
  const parents = images.manifests(address).filter(({ record }) => record.manifests?.includes(found.digest));
  if (parents.length > 0) {
    const digests = parents.map(({ digest }) => digest).join(", ");
    return failure(
      imageId,
      "ImageReferencedByManifestList",
      `Requested image referenced by manifest list: [${digests}]`,
    );
  }
  await images.deleteManifest(address, found.digest);
  const deleted = tags.map((imageTag) => ({ imageDigest: found.digest, imageTag }));
  return { deleted: deleted.length > 0 ? deleted : [{ imageDigest: found.digest }] };
}

type Failure = ImageFailure & { readonly failureCode: NonNullable<ImageFailure["failureCode"]> };

function findImage(
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

const failure = (imageId: ImageIdentifier, failureCode: Failure["failureCode"], failureReason: string): Failure => ({
  imageId,
  failureCode,
  failureReason,
});
