/**
 * GetRegistryScanningConfiguration, PutRegistryScanningConfiguration, BatchGetRepositoryScanningConfiguration and
 * PutImageScanningConfiguration: what would be scanned is kept and told; nothing is scanned.
 */
import { repositoryArn } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { invalidParameter, reference, repositoryNotFound, validationException } from "../errors.ts";
import { changeRegistry, findRegistry, onRegistry } from "../find-registry.ts";
import { changeSettings, type EcrDeps, findRepository, onRepository, requireRepository } from "../find-repository.ts";
import { placed } from "../lifecycle/lifecycle-policy.ts";
import type {
  BatchGetRepositoryScanningConfigurationRequest,
  BatchGetRepositoryScanningConfigurationResponse,
  GetRegistryScanningConfigurationRequest,
  GetRegistryScanningConfigurationResponse,
  PutImageScanningConfigurationRequest,
  PutImageScanningConfigurationResponse,
  PutRegistryScanningConfigurationRequest,
  PutRegistryScanningConfigurationResponse,
  RegistryScanningConfiguration,
  RepositoryScanningConfiguration,
  RepositoryScanningConfigurationFailure,
} from "../shapes.gen.ts";

const NOTHING_SCANNED = "nothing is scanned";

type Scanning = NonNullable<ReturnType<typeof findRegistry>["scanning"]>;
const DEFAULT: Scanning = { scanType: "BASIC", rules: [] };

const configurationOf = ({ scanType, rules }: Scanning): RegistryScanningConfiguration => ({
  scanType,
  rules: rules.map(({ scanFrequency, filters }) => ({
    scanFrequency,
    repositoryFilters: filters.map((filter) => ({ filter, filterType: "WILDCARD" as const })),
  })),
});

export const getRegistryScanningConfiguration = (deps: EcrDeps) =>
  operation<GetRegistryScanningConfigurationRequest, GetRegistryScanningConfigurationResponse>({
    name: "GetRegistryScanningConfiguration",
    support: "supported",
    source: reference("GetRegistryScanningConfiguration"),
    authorize: onRegistry("GetRegistryScanningConfiguration"),
    errors: [invalidParameter],
    run: (_input, context) => ({
      registryId: context.scope.accountId,
      scanningConfiguration: configurationOf(findRegistry(deps, context).scanning ?? DEFAULT),
    }),
  });

export const putRegistryScanningConfiguration = (deps: EcrDeps) =>
  operation<PutRegistryScanningConfigurationRequest, PutRegistryScanningConfigurationResponse>({
    name: "PutRegistryScanningConfiguration",
    support: "partial",
    gaps: [NOTHING_SCANNED],
    source: reference("PutRegistryScanningConfiguration"),
    authorize: onRegistry("PutRegistryScanningConfiguration"),
    errors: [invalidParameter, validationException],
    async run({ scanType = "BASIC", rules = [] }, context) {
      // AWS: continuous scanning is what makes enhanced scanning.
      if (scanType === "BASIC" && rules.some(({ scanFrequency }) => scanFrequency === "CONTINUOUS_SCAN")) {
        throw validationException("CONTINUOUS_SCAN is not a valid scan frequency for scan type BASIC");
      }
      const scanning: Scanning = {
        scanType,
        rules: rules.map(({ scanFrequency, repositoryFilters }) => ({
          scanFrequency,
          filters: repositoryFilters.map(({ filter }) => filter),
        })),
      };
      await changeRegistry(deps, context, (record) => ({ ...record, scanning }));
      return { registryScanningConfiguration: configurationOf(scanning) };
    },
  });

export const batchGetRepositoryScanningConfiguration = (deps: EcrDeps) =>
  operation<BatchGetRepositoryScanningConfigurationRequest, BatchGetRepositoryScanningConfigurationResponse>({
    name: "BatchGetRepositoryScanningConfiguration",
    support: "supported",
    source: reference("BatchGetRepositoryScanningConfiguration"),
    authorize: ({ repositoryNames }, context) =>
      repositoryNames.flatMap((repositoryName) =>
        onRepository(deps, "BatchGetRepositoryScanningConfiguration")({ repositoryName }, context),
      ),
    errors: [invalidParameter],
    run({ repositoryNames }, context) {
      const rules = (findRegistry(deps, context).scanning ?? DEFAULT).rules;
      const scanningConfigurations: RepositoryScanningConfiguration[] = [];
      const failures: RepositoryScanningConfigurationFailure[] = [];
      for (const repositoryName of repositoryNames) {
        const found = findRepository(deps, context.scope, repositoryName);
        if (!found) {
          failures.push({
            repositoryName,
            failureCode: "REPOSITORY_NOT_FOUND",
            failureReason: `The repository with name '${repositoryName}' does not exist in the registry with id '${context.scope.accountId}'`,
          });
          continue;
        }
        const applied = rules.flatMap(({ scanFrequency, filters }) =>
          filters.filter((filter) => isMatch(filter, repositoryName)).map((filter) => ({ scanFrequency, filter })),
        );
        const frequency = applied[0]?.scanFrequency ?? (found.settings.scanOnPush ? "SCAN_ON_PUSH" : "MANUAL");
        scanningConfigurations.push({
          repositoryArn: repositoryArn(context.scope, repositoryName),
          repositoryName,
          scanOnPush: frequency === "SCAN_ON_PUSH",
          scanFrequency: frequency,
          appliedScanFilters: applied.map(({ filter }) => ({ filter, filterType: "WILDCARD" })),
        });
      }
      return { scanningConfigurations, failures };
    },
  });

/** AWS: a filter without a wildcard matches every name that holds it. */
function isMatch(filter: string, name: string): boolean {
  const pattern = filter.includes("*") ? filter : `*${filter}*`;
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}

export const putImageScanningConfiguration = (deps: EcrDeps) =>
  operation<PutImageScanningConfigurationRequest, PutImageScanningConfigurationResponse>({
    name: "PutImageScanningConfiguration",
    support: "partial",
    gaps: [NOTHING_SCANNED],
    source: reference("PutImageScanningConfiguration"),
    authorize: onRepository(deps, "PutImageScanningConfiguration"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const scanOnPush = input.imageScanningConfiguration.scanOnPush ?? false;
      await changeSettings(deps, found, context.store, (settings) => ({ ...settings, scanOnPush }));
      return placed(found, { imageScanningConfiguration: { scanOnPush } });
    },
  });
