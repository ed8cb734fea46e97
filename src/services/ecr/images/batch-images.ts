/** BatchGetImage and BatchDeleteImage: several images in one call; what fails is listed, not thrown. */
import { convertManifest, imageArchivedText, type RepositoryAddress, UpstreamError } from "../../../registry/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { invalidParameter, reference, repositoryNotFound } from "../errors.ts";
import { type EcrDeps, onRepository, registryScope, requireAddress, requireRepository } from "../find-repository.ts";
import type {
  BatchDeleteImageRequest,
  BatchDeleteImageResponse,
  BatchGetImageRequest,
  BatchGetImageResponse,
  Image,
  ImageFailure,
  ImageIdentifier,
} from "../shapes.gen.ts";
import { type Failure, failure, findImage } from "./find-image.ts";
import { askCaller } from "./pull-permission.ts";

export const batchGetImage = (deps: EcrDeps) =>
  operation<BatchGetImageRequest, BatchGetImageResponse>({
    name: "BatchGetImage",
    support: "supported",
    source: reference("BatchGetImage"),
    authorize: onRepository(deps, "BatchGetImage"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const images: Image[] = [];
      const failures: ImageFailure[] = [];
      for (const imageId of input.imageIds) {
        const image = await getImage(deps, input, context, imageId);
        if ("failureCode" in image) failures.push(image);
        else images.push(image);
      }
      // After the images: a pull through the cache may have made it.
      if (failures.every(({ failureCode }) => failureCode === "ImageNotFound")) requireRepository(deps, input, context);
      return { images, failures };
    },
  });

async function getImage(
  deps: EcrDeps,
  input: BatchGetImageRequest,
  context: OperationContext,
  imageId: ImageIdentifier,
): Promise<Image | Failure> {
  const { ecr, images } = deps.registry;
  const scope = registryScope(input, context);
  const address = requireAddress(scope, input.repositoryName);
  try {
    const reference = imageId.imageDigest ?? imageId.imageTag;
    if (reference !== undefined)
      await ecr.pullThrough.bring(address, reference, askCaller(deps, scope, address, context));
  } catch (error) {
    if (error instanceof UpstreamError) return failure(imageId, error.failure, error.message);
    throw error;
  }
  const found = findImage(deps, address, imageId);
  if ("failureCode" in found) return found;
  if (found.record.archivedAtMs !== undefined) {
    return failure(imageId, "ImageInaccessible", imageArchivedText(imageId.imageTag ?? found.digest));
  }
  await ecr.notePull(address, found, context.principal);
  const stored = await images.content(found.digest);
  // AWS: what is asked for by digest is given as it is.
  const accepted = imageId.imageDigest === undefined ? (input.acceptedMediaTypes ?? []) : [];
  const converted = convertManifest(stored, found.record.mediaType, accepted);
  return {
    registryId: scope.accountId,
    repositoryName: address.name,
    imageId: { imageDigest: found.digest, ...(imageId.imageTag !== undefined && { imageTag: imageId.imageTag }) },
    imageManifest: (converted?.content ?? stored).toString("utf8"),
    imageManifestMediaType: converted?.mediaType ?? found.record.mediaType,
  };
}

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
): Promise<{ readonly deleted: readonly ImageIdentifier[] } | Failure> {
  const { images } = deps.registry;
  const found = findImage(deps, address, imageId);
  if ("failureCode" in found) return found;
  const { digest } = found;
  const tags = images.tagsOf(address, digest);
  // AWS: by tag, only the tag goes while the image has another; with its last tag the image goes too.
  const isUntagging = imageId.imageDigest === undefined && tags.length > 1;
  if (isUntagging && imageId.imageTag !== undefined) {
    // A tag that was moved meanwhile is not the one that was asked for.
    await images.deleteTag(address, imageId.imageTag, digest);
    return { deleted: [{ imageDigest: digest, imageTag: imageId.imageTag }] };
  }
  // Asked again while it is deleted: an index that lists it may have been pushed.
  await images.deleteManifest(address, digest, () => images.listedBy(address, digest).length === 0);
  const parents = images.listedBy(address, digest);
  if (parents.length > 0) {
    return failure(
      imageId,
      "ImageReferencedByManifestList",
      `Requested image referenced by manifest list: [${parents.join(", ")}]`,
    );
  }
  const deleted = tags.map((imageTag) => ({ imageDigest: digest, imageTag }));
  return { deleted: deleted.length > 0 ? deleted : [{ imageDigest: digest }] };
}
