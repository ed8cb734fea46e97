/** PutImage: a manifest through the JSON API, under the same rules as a docker push. */
import { digestOf, RegistryError } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import {
  imageAlreadyExists,
  imageDigestDoesNotMatch,
  imageTagAlreadyExists,
  invalidParameter,
  layersNotFound,
  reference,
  repositoryNotFound,
} from "../errors.ts";
import { type EcrDeps, type FoundRepository, onRepository, requireRepository } from "../find-repository.ts";
import type { PutImageRequest, PutImageResponse } from "../shapes.gen.ts";

export const putImage = (deps: EcrDeps) =>
  operation<PutImageRequest, PutImageResponse>({
    name: "PutImage",
    support: "supported",
    source: reference("PutImage"),
    authorize: onRepository(deps, "PutImage"),
    errors: [
      ...[repositoryNotFound, invalidParameter, imageAlreadyExists, imageTagAlreadyExists],
      ...[imageDigestDoesNotMatch, layersNotFound],
    ],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const { images } = deps.registry;
      const content = Buffer.from(input.imageManifest, "utf8");
      const before = images.find(found.address, input.imageTag ?? digestOf(content))?.digest;
      const { digest } = await images
        .put(found.address, {
          content,
          mediaType: input.imageManifestMediaType,
          tag: input.imageTag,
          digest: input.imageDigest,
        })
        .catch((error: unknown) => {
          throw error instanceof RegistryError ? awsErrorFrom(error, found) : error;
        });
      // AWS: the API refuses what changes nothing; a docker push of the same does not (except on immutable tags).
      if (before === digest)
        throw imageAlreadyExists(digest, input.imageTag, found.address.name, found.scope.accountId);
      await deps.registry.ecr.replicate(found.address, { digest, tag: input.imageTag });
      return {
        image: {
          registryId: found.scope.accountId,
          repositoryName: found.address.name,
          imageId: { imageDigest: digest, ...(input.imageTag !== undefined && { imageTag: input.imageTag }) },
          imageManifest: input.imageManifest,
          ...(input.imageManifestMediaType !== undefined && { imageManifestMediaType: input.imageManifestMediaType }),
        },
      };
    },
  });

function awsErrorFrom(error: RegistryError, { address, scope }: FoundRepository): unknown {
  switch (error.kind) {
    case "nameUnknown":
      return repositoryNotFound(address.name, scope.accountId);
    case "tagInvalid":
      return error.message.startsWith("The image tag")
        ? imageTagAlreadyExists(error.message)
        : invalidParameter("imageTag", error.message);
    case "digestInvalid":
      return imageDigestDoesNotMatch();
    case "manifestBlobUnknown":
      return layersNotFound((error.detail as { digest: string }).digest, address.name, scope.accountId);
    default:
      return invalidParameter("ImageManifest", error.message);
  }
}
