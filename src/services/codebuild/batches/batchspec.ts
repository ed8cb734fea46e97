/**
 * The build group DOWNLOAD_SOURCE: a real build that fetches the source and the buildspec and then has nothing to run.
 * Where other builds make a plan of phases, it makes the batch's plan and hands it to the batch.
 */
import { DOWNLOAD_SOURCE, planBatch } from "../../../build/batch/index.ts";
import { type Buildspec, parseBuildspec } from "../../../build/buildspec/index.ts";
import type { LoadedPlan } from "../../../build/run/index.ts";
import { debug } from "../../../core/log.ts";
import type { Store } from "../../../store/store.ts";
import { type BuildRecord, buildKey, parseBatchId } from "../records.ts";
import { batchRecordsIn } from "./batch-records.ts";

export const isSourceBuild = ({ origin }: Pick<BuildRecord, "origin">): boolean =>
  origin.buildBatchArn !== undefined && origin.variables["CODEBUILD_BATCH_BUILD_IDENTIFIER"] === DOWNLOAD_SOURCE;

/** The plan of a DOWNLOAD_SOURCE build; on the way the batch gets its own. `planOf` plans a buildspec as for any build. */
export function loadBatchspec(
  store: Store,
  record: BuildRecord,
  text: string,
  file: string,
  planOf: (buildspec: Buildspec) => LoadedPlan,
): LoadedPlan {
  const { scope, settings, uuid } = record;
  const { buildspec, failure } = parseBuildspec(text, file);
  if (failure || !buildspec) {
    const message = failure?.message ?? "YAML file is empty";
    return { kind: "failure", failure: { statusCode: failure?.statusCode ?? "YAML_FILE_ERROR", message } };
  }
  const records = batchRecordsIn(store);
  const { uuid: batchUuid } = parseBatchId(record.origin.buildBatchArn ?? "");
  const batch = records.batches.get(buildKey(scope, settings.projectName, batchUuid));
  const planned = planBatch({
    batch: buildspec.batch,
    buildspecFile: file,
    environment: { computeType: settings.environment.computeType, fleet: settings.environment.fleet?.fleetArn },
    restrictions: batch?.config.restrictions,
  });
  if (!planned.plan) {
    const message = planned.failure?.message ?? "";
    return { kind: "failure", failure: { statusCode: planned.failure?.statusCode ?? "YAML_FILE_ERROR", message } };
  }
  const { plan } = planned;
  store
    .write(() => records.batchspecs.put(buildKey(scope, settings.projectName, uuid), { plan }))
    .catch((error: unknown) => debug("run", () => `batchspec: ${String(error)}`));
  const { artifacts: _artifacts, cache: _cache, ...rest } = buildspec;
  const empty: Buildspec = {
    ...rest,
    phases: [],
    reports: [],
    env: { variables: [], parameterStore: [], secretsManager: [], exportedVariables: [] },
  };
  const loaded = planOf(empty);
  const warnings = planned.diagnostics.filter(({ severity }) => severity === "warning").map(({ message }) => message);
  return loaded.kind === "plan" ? { ...loaded, warnings: [...(loaded.warnings ?? []), ...warnings] } : loaded;
}
