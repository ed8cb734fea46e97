/** Tag mutability of a repository: the check shared by CreateRepository and PutImageTagMutability, and the latter. */
import type { TagMutability } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { invalidParameter, reference, repositoryNotFound } from "../errors.ts";
import { changeSettings, type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import type {
  ImageTagMutabilityExclusionFilter,
  PutImageTagMutabilityRequest,
  PutImageTagMutabilityResponse,
} from "../shapes.gen.ts";

/** The filters' patterns; filters go with the two `…_WITH_EXCLUSION` values and only with those. */
export function exclusionFilters(
  mutability: TagMutability,
  filters: readonly ImageTagMutabilityExclusionFilter[] | undefined,
): readonly string[] {
  const isExpected = mutability.endsWith("_WITH_EXCLUSION");
  if (isExpected === (filters !== undefined && filters.length > 0)) return filters?.map(({ filter }) => filter) ?? [];
  throw invalidParameter(
    "imageTagMutabilityExclusionFilters",
    isExpected ? `must be given with ${mutability}` : `must not be given with ${mutability}`,
  );
}

export const putImageTagMutability = (deps: EcrDeps) =>
  operation<PutImageTagMutabilityRequest, PutImageTagMutabilityResponse>({
    name: "PutImageTagMutability",
    support: "supported",
    source: reference("PutImageTagMutability"),
    authorize: onRepository(deps, "PutImageTagMutability"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const filters = exclusionFilters(input.imageTagMutability, input.imageTagMutabilityExclusionFilters);
      await changeSettings(deps, found, context.store, (settings) => ({
        ...settings,
        tagMutability: input.imageTagMutability,
        exclusionFilters: filters,
      }));
      return {
        registryId: found.scope.accountId,
        repositoryName: found.address.name,
        imageTagMutability: input.imageTagMutability,
        ...(filters.length > 0 && { imageTagMutabilityExclusionFilters: input.imageTagMutabilityExclusionFilters }),
      };
    },
  });
