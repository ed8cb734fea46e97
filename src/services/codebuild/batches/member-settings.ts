/**
 * The settings of one build of a batch: the batch's, changed by its task. Order of one variable name: StartBuildBatch >
 * task > project > buildspec. `$NAME` in a task's buildspec, image, type, compute type and fleet is replaced from the
 * plain-text variables, as production files rely on (not documented).
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html
 */
import { type BatchTask, DOWNLOAD_SOURCE } from "../../../build/batch/index.ts";
import { invalidInput } from "../errors.ts";
import { findFleet } from "../fleets/fleet-records.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import { checkEnvironment } from "../projects/setting-checks.ts";
import type { BuildOrigin, BuildSettings, CodeBuildRecords } from "../records.ts";
import type { EnvironmentVariable, ProjectArtifacts, ProjectEnvironment } from "../shapes.gen.ts";
import { type BatchRecord, batchArn } from "./batch-records.ts";

/** Throws InvalidInputException for an environment that no build can have. */
export function memberSettings(record: BatchRecord, task: BatchTask, records: CodeBuildRecords): BuildSettings {
  const { settings } = record;
  const taskVariables: EnvironmentVariable[] = task.variables.map((variable) => ({ ...variable, type: "PLAINTEXT" }));
  const overridden = new Set(settings.overrideVariables.map(({ name }) => name));
  const overrideVariables = [
    ...taskVariables.filter(({ name }) => !overridden.has(name)),
    ...settings.overrideVariables,
  ];
  const values = new Map(
    [...settings.projectVariables, ...overrideVariables]
      .filter(({ type }) => type === undefined || type === "PLAINTEXT")
      .map(({ name, value }) => [name, value]),
  );
  const expand = (text: string | undefined): string | undefined =>
    text?.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => values.get(braced ?? bare) ?? whole);
  const { computeType, fleet, image, privilegedMode, type } = task.environment;
  const fleetName = expand(fleet);
  const found = fleetName === undefined ? undefined : findFleet(records, record.scope, fleetName);
  if (fleetName !== undefined && !found) throw invalidInput(`Fleet cannot be found: ${fleetName}`);
  const environment = withoutUndefined<ProjectEnvironment>({
    ...settings.environment,
    image: expand(image) ?? settings.environment.image,
    type: (expand(type) ?? settings.environment.type) as ProjectEnvironment["type"],
    computeType: (expand(computeType) ?? settings.environment.computeType) as ProjectEnvironment["computeType"],
    privilegedMode: privilegedMode ?? settings.environment.privilegedMode,
    // A compute type of its own means: not on the project's fleet.
    fleet: found ? { fleetArn: found.arn } : computeType === undefined ? settings.environment.fleet : undefined,
  });
  checkEnvironment(environment);
  const buildspec = expand(task.buildspec);
  return {
    ...ofOneBatch(record),
    source: buildspec === undefined ? settings.source : { ...settings.source, buildspec },
    environment,
    overrideVariables,
    ...(task.debugSession ? { debugSessionEnabled: true } : {}),
    artifacts: combined(settings.artifacts, record, task.identifier),
    secondaryArtifacts: settings.secondaryArtifacts.map((target) => combined(target, record, task.identifier)),
  };
}

/** The settings of the build that fetches source and batchspec: it runs no command and leaves nothing behind. */
export const sourceSettings = (record: BatchRecord): BuildSettings => ({
  ...record.settings,
  artifacts: { type: "NO_ARTIFACTS" },
  secondaryArtifacts: [],
  cache: { type: "NO_CACHE" },
  autoRetryLimit: undefined,
});

/** What every build of the batch has alike: the source as the batch resolved it, and no retries of its own. */
function ofOneBatch(record: BatchRecord): BuildSettings {
  return { ...record.settings, sourceVersion: pinnedVersion(record), autoRetryLimit: undefined };
}

/** The commit that the DOWNLOAD_SOURCE build found, so that a push meanwhile changes nothing; the working tree stays itself. */
function pinnedVersion({ settings, batch }: BatchRecord): string | undefined {
  const { source, sourceVersion } = settings;
  const commit = batch.resolvedSourceVersion;
  if (commit === undefined || !/^[0-9a-f]{40}$/.test(commit)) return sourceVersion;
  if (source.location?.startsWith("file:") && (sourceVersion ?? "") === "") return sourceVersion;
  if (sourceVersion?.startsWith("refs/")) return `${sourceVersion.replace(/\^\{[0-9a-f]+\}$/, "")}^{${commit}}`;
  // A pull request's commits are on no branch of the clone.
  return sourceVersion?.startsWith("pr/") ? sourceVersion : commit;
}

/** With combineArtifacts each build's artifacts go into a folder of its own below one of the batch's. */
function combined(target: ProjectArtifacts, record: BatchRecord, identifier: string): ProjectArtifacts {
  if (record.config.combineArtifacts !== true || target.type !== "S3") return target;
  const parts = [target.path ?? "", record.uuid, identifier].map((part) => part.replace(/^\/+|\/+$/g, ""));
  return { ...target, path: parts.filter((part) => part !== "").join("/") };
}

/** What the build's record says of the batch. */
export function memberOrigin(record: BatchRecord, task: BatchTask | undefined): BuildOrigin {
  return {
    variables: {
      ...record.variables,
      CODEBUILD_BATCH_BUILD_IDENTIFIER: task?.identifier ?? DOWNLOAD_SOURCE,
      ...(task?.shard
        ? { KILN_SHARD_INDEX: String(task.shard.index), KILN_SHARD_COUNT: String(task.shard.count) }
        : {}),
    },
    buildBatchArn: batchArn(record.scope, record.batch.id ?? ""),
    initiator: record.initiator,
    ...(task?.shard ? { shard: task.shard } : {}),
  };
}
