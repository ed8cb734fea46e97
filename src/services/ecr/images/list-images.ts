/** ListImages and DescribeImages: what a repository holds, by tag and digest. */
import type { FoundManifest } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { imageNotFound, invalidParameter, reference, repositoryNotFound } from "../errors.ts";
import { type EcrDeps, type FoundRepository, onRepository, requireRepository } from "../find-repository.ts";
import { pageOf } from "../pages.ts";
import type {
  DescribeImagesRequest,
  DescribeImagesResponse,
  ImageDetail,
  ImageIdentifier,
  ListImagesRequest,
  ListImagesResponse,
} from "../shapes.gen.ts";
import { requireImage } from "./find-image.ts";
import { hasStatus, imageStatusOf, isWanted } from "./tag-status.ts";

export const listImages = (deps: EcrDeps) =>
  operation<ListImagesRequest, ListImagesResponse>({
    name: "ListImages",
    support: "supported",
    source: reference("ListImages"),
    authorize: onRepository(deps, "ListImages"),
    errors: [repositoryNotFound, invalidParameter],
    run(input, context) {
      const { address } = requireRepository(deps, input, context);
      const { images } = deps.registry;
      const tagsByDigest = images.tagsByDigest(address);
      const imageIds = images.manifests(address).flatMap(({ digest, record }): ImageIdentifier[] => {
        const tags = tagsByDigest.get(digest) ?? [];
        if (!isWanted(input.filter?.tagStatus, tags) || !hasStatus(input.filter?.imageStatus, record)) return [];
        return tags.length === 0
          ? [{ imageDigest: digest }]
          : tags.map((imageTag) => ({ imageDigest: digest, imageTag }));
      });
      const page = pageOf(imageIds, input, (id) => `${id.imageDigest} ${id.imageTag ?? ""}`);
      return { imageIds: page.items, ...(page.nextToken !== undefined && { nextToken: page.nextToken }) };
    },
  });

export const describeImages = (deps: EcrDeps) =>
  operation<DescribeImagesRequest, DescribeImagesResponse>({
    name: "DescribeImages",
    support: "partial",
    gaps: ["nothing is scanned: no imageScanStatus or findings"],
    source: reference("DescribeImages"),
    authorize: onRepository(deps, "DescribeImages"),
    errors: [repositoryNotFound, imageNotFound, invalidParameter],
    run(input, context) {
      const found = requireRepository(deps, input, context);
      const tags = deps.registry.images.tagsByDigest(found.address);
      const detail = (image: FoundManifest) => detailOf(deps, found, image, tags.get(image.digest) ?? []);
      if (input.imageIds?.length) {
        return { imageDetails: input.imageIds.map((id) => detail(requireImage(deps, found, id))) };
      }
      const details = deps.registry.images
        .manifests(found.address)
        .filter(({ record }) => hasStatus(input.filter?.imageStatus, record))
        .map(detail)
        .filter(({ imageTags = [] }) => isWanted(input.filter?.tagStatus, imageTags));
      const page = pageOf(details, input, ({ imageDigest }) => imageDigest ?? "");
      return { imageDetails: page.items, ...(page.nextToken !== undefined && { nextToken: page.nextToken }) };
    },
  });

function detailOf(
  { registry }: EcrDeps,
  { address, scope }: FoundRepository,
  { digest, record }: FoundManifest,
  tags: readonly string[],
): ImageDetail {
  // AWS: for an index, the size of its largest image.
  const sizes = (record.manifests ?? []).map((child) => registry.images.find(address, child)?.record.contentBytes ?? 0);
  const artifactMediaType = record.artifactType ?? record.configMediaType;
  return {
    registryId: scope.accountId,
    repositoryName: address.name,
    imageDigest: digest,
    ...(tags.length > 0 && { imageTags: tags }),
    imageSizeInBytes: Math.max(record.contentBytes, ...sizes),
    imagePushedAt: record.pushedAtMs,
    imageManifestMediaType: record.mediaType,
    ...(artifactMediaType !== undefined && { artifactMediaType }),
    ...(record.lastPulledAtMs !== undefined && { lastRecordedPullTime: record.lastPulledAtMs }),
    ...(record.subject !== undefined && { subjectManifestDigest: record.subject }),
    imageStatus: imageStatusOf(record),
    ...(record.archivedAtMs !== undefined && { lastArchivedAt: record.archivedAtMs }),
    ...(record.activatedAtMs !== undefined && { lastActivatedAt: record.activatedAtMs }),
  };
}
