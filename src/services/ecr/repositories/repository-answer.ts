/** A repository as the operations answer it. */
import { ecrHost, repositoryArn } from "../../../registry/index.ts";
import type { FoundRepository } from "../find-repository.ts";
import type { Repository } from "../shapes.gen.ts";

export const repositoryAnswer = ({ scope, address, createdAtMs, settings }: FoundRepository): Repository => ({
  repositoryArn: repositoryArn(scope, address.name),
  registryId: scope.accountId,
  repositoryName: address.name,
  repositoryUri: `${ecrHost(scope)}/${address.name}`,
  createdAt: createdAtMs,
  imageTagMutability: settings.tagMutability,
  ...(settings.exclusionFilters.length > 0 && {
    imageTagMutabilityExclusionFilters: settings.exclusionFilters.map((filter) => ({ filterType: "WILDCARD", filter })),
  }),
  imageScanningConfiguration: { scanOnPush: settings.scanOnPush },
  encryptionConfiguration: { encryptionType: settings.encryption.type },
});
