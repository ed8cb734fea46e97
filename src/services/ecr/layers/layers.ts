/** BatchCheckLayerAvailability and GetDownloadUrlForLayer: which layers are here, and an address to read one from. */
import { isDigest, keyIn } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { invalidParameter, layerNotFound, reference, repositoryNotFound } from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import type {
  BatchCheckLayerAvailabilityRequest,
  BatchCheckLayerAvailabilityResponse,
  GetDownloadUrlForLayerRequest,
  GetDownloadUrlForLayerResponse,
  Layer,
  LayerFailure,
} from "../shapes.gen.ts";

export const batchCheckLayerAvailability = (deps: EcrDeps) =>
  operation<BatchCheckLayerAvailabilityRequest, BatchCheckLayerAvailabilityResponse>({
    name: "BatchCheckLayerAvailability",
    support: "partial",
    gaps: ["`mediaType` is not known of a layer alone"],
    source: reference("BatchCheckLayerAvailability"),
    authorize: onRepository(deps, "BatchCheckLayerAvailability"),
    errors: [repositoryNotFound, invalidParameter],
    run(input, context) {
      const { address } = requireRepository(deps, input, context);
      const layers: Layer[] = [];
      const failures: LayerFailure[] = [];
      for (const layerDigest of input.layerDigests) {
        if (!isDigest(layerDigest)) {
          failures.push(failureOf(layerDigest));
          continue;
        }
        const link = deps.registry.records.blobLinks.get(keyIn(address, layerDigest));
        layers.push({
          layerDigest,
          layerAvailability: link ? "AVAILABLE" : "UNAVAILABLE",
          ...(link && { layerSize: link.sizeBytes }),
        });
      }
      return { layers, failures };
    },
  });

const failureOf = (layerDigest: string): LayerFailure =>
  layerDigest === ""
    ? { failureCode: "MissingLayerDigest", failureReason: "Invalid request parameters: layer digest cannot be empty" }
    : {
        layerDigest,
        failureCode: "InvalidLayerDigest",
        failureReason: "Invalid request parameters: layer digest is not a digest",
      };

export const getDownloadUrlForLayer = (deps: EcrDeps) =>
  operation<GetDownloadUrlForLayerRequest, GetDownloadUrlForLayerResponse>({
    name: "GetDownloadUrlForLayer",
    support: "supported",
    source: reference("GetDownloadUrlForLayer"),
    authorize: onRepository(deps, "GetDownloadUrlForLayer"),
    errors: [repositoryNotFound, layerNotFound, invalidParameter],
    run(input, context) {
      const { address, scope } = requireRepository(deps, input, context);
      const layerDigest = requireLayerDigest(input.layerDigest);
      const downloadUrl = deps.registry.ecr.layerLinks.urlOf(address, layerDigest);
      if (downloadUrl === undefined) throw layerNotFound(layerDigest, address.name, scope.accountId);
      return { downloadUrl, layerDigest };
    },
  });

/** The model's pattern lets any algorithm pass; the registry keeps two. */
export function requireLayerDigest(digest: string | undefined): string {
  if (digest !== undefined && isDigest(digest)) return digest;
  throw invalidParameter("layerDigest", "must be a sha256 or sha512 digest");
}
