/** DescribeImageReplicationStatus: where an image was replicated to, and whether it came there. */
import { keyIn } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { imageNotFound, invalidParameter, reference, repositoryNotFound } from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import type { DescribeImageReplicationStatusRequest, DescribeImageReplicationStatusResponse } from "../shapes.gen.ts";
import { requireImage } from "./find-image.ts";

export const describeImageReplicationStatus = (deps: EcrDeps) =>
  operation<DescribeImageReplicationStatusRequest, DescribeImageReplicationStatusResponse>({
    name: "DescribeImageReplicationStatus",
    support: "supported",
    source: reference("DescribeImageReplicationStatus"),
    authorize: onRepository(deps, "DescribeImageReplicationStatus"),
    errors: [repositoryNotFound, imageNotFound, invalidParameter],
    run(input, context) {
      const found = requireRepository(deps, input, context);
      const { digest } = requireImage(deps, found, input.imageId);
      const replicas = deps.registry.records.ecr.replicas.list(keyIn(found.address, digest));
      return {
        repositoryName: found.address.name,
        imageId: {
          imageDigest: digest,
          ...(input.imageId.imageTag !== undefined && { imageTag: input.imageId.imageTag }),
        },
        replicationStatuses: replicas.map(({ key, value }) => ({
          region: key.at(-1) ?? "",
          registryId: key.at(-2) ?? "",
          ...value,
        })),
      };
    },
  });
