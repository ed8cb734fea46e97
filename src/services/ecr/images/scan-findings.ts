/**
 * DescribeImageScanFindings: nothing is scanned, so no image has findings. StartImageScan is refused by name: an answer
 * would say that a scan had been made.
 */
import { operation } from "../../service.ts";
import { imageNotFound, invalidParameter, reference, repositoryNotFound, scanNotFound } from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import type { DescribeImageScanFindingsRequest, DescribeImageScanFindingsResponse } from "../shapes.gen.ts";
import { requireImage } from "./find-image.ts";

export const describeImageScanFindings = (deps: EcrDeps) =>
  operation<DescribeImageScanFindingsRequest, DescribeImageScanFindingsResponse>({
    name: "DescribeImageScanFindings",
    support: "partial",
    gaps: ["nothing is scanned: every image of a repository answers ScanNotFoundException"],
    source: reference("DescribeImageScanFindings"),
    authorize: onRepository(deps, "DescribeImageScanFindings"),
    errors: [repositoryNotFound, imageNotFound, scanNotFound, invalidParameter],
    run(input, context) {
      const found = requireRepository(deps, input, context);
      const { digest } = requireImage(deps, found, input.imageId);
      const id = { imageDigest: input.imageId.imageDigest ?? digest, imageTag: input.imageId.imageTag };
      throw scanNotFound(id, found.address.name, found.scope.accountId);
    },
  });
