/**
 * `buildBatchConfig` of projects and its override: checks and AWS's defaults.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectBuildBatchConfig.html; defaults from the
 * CLI's samples (100 builds, 480 minutes).
 */

import { invalidInput } from "../errors.ts";
import type { Project, ProjectBuildBatchConfig } from "../shapes.gen.ts";
import { noBatchConfig, noBatchRole } from "./batch-texts.ts";

const DEFAULT_MAXIMUM_BUILDS = 100;
const DEFAULT_TIMEOUT_MINUTES = 480;

export type BatchConfig = ProjectBuildBatchConfig & { readonly serviceRole: string };

/** The configuration as a project keeps it. AWS: an empty one takes batches away. Throws InvalidInputException. */
export function batchConfigWithDefaults(config: ProjectBuildBatchConfig | undefined): BatchConfig | undefined {
  if (config === undefined || Object.values(config).every((member) => member === undefined)) return undefined;
  const { serviceRole } = config;
  if (serviceRole === undefined || serviceRole === "") throw invalidInput(noBatchRole());
  return {
    ...config,
    serviceRole,
    restrictions: {
      ...config.restrictions,
      maximumBuildsAllowed: config.restrictions?.maximumBuildsAllowed ?? DEFAULT_MAXIMUM_BUILDS,
    },
    timeoutInMins: config.timeoutInMins ?? DEFAULT_TIMEOUT_MINUTES,
  };
}

/** What a batch runs under: the project's configuration, each member replaced by the override's. */
export function effectiveBatchConfig(project: Project, override: ProjectBuildBatchConfig | undefined): BatchConfig {
  const config = batchConfigWithDefaults({ ...project.buildBatchConfig, ...definedMembers(override) });
  if (!config) throw invalidInput(noBatchConfig(project.name ?? ""));
  return config;
}

const definedMembers = (config: ProjectBuildBatchConfig | undefined): ProjectBuildBatchConfig =>
  Object.fromEntries(Object.entries(config ?? {}).filter(([, value]) => value !== undefined));
