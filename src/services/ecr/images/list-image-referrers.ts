/** ListImageReferrers: signatures, attestations and other artifacts whose subject is an image. */
import { operation } from "../../service.ts";
import { invalidParameter, reference, repositoryNotFound } from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import { pageOf } from "../pages.ts";
import type { ListImageReferrersRequest, ListImageReferrersResponse } from "../shapes.gen.ts";
import { hasStatus, imageStatusOf } from "./tag-status.ts";

export const listImageReferrers = (deps: EcrDeps) =>
  operation<ListImageReferrersRequest, ListImageReferrersResponse>({
    name: "ListImageReferrers",
    support: "supported",
    source: reference("ListImageReferrers"),
    // AWS: there is no action of this name; the registry's referrers route asks for the same one.
    authorize: onRepository(deps, "BatchGetImage"),
    errors: [repositoryNotFound, invalidParameter],
    run(input, context) {
      const { address } = requireRepository(deps, input, context);
      const types = input.filter?.artifactTypes;
      const referrers = deps.registry.images
        .referrers(address, input.subjectId.imageDigest)
        .filter(({ record }) => hasStatus(input.filter?.artifactStatus, record))
        .map(({ digest, record }) => ({
          digest,
          mediaType: record.mediaType,
          artifactType: record.artifactType ?? record.configMediaType,
          size: record.sizeBytes,
          annotations: record.annotations,
          artifactStatus: imageStatusOf(record),
        }))
        .filter(({ artifactType }) => !types?.length || types.includes(artifactType ?? ""));
      const page = pageOf(referrers, { maxResults: 50, ...input }, ({ digest }) => digest);
      return { referrers: page.items, ...(page.nextToken !== undefined && { nextToken: page.nextToken }) };
    },
  });
