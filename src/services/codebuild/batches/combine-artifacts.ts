/**
 * COMBINE_ARTIFACTS: the artifacts of all builds under one location. Artifacts in a bucket are there already, because
 * each build wrote below the batch's prefix (member-settings.ts); those in folders of the state are copied together.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectBuildBatchConfig.html. Gap: how CodeBuild
 * lays the combined location out is not published; here it is `<path>/<batch uuid>/<identifier>/`.
 */
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DOWNLOAD_SOURCE } from "../../../build/batch/index.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import type { BuildRecord } from "../records.ts";
import type { PhaseContext } from "../shapes.gen.ts";
import type { BatchJournal } from "./batch-journal.ts";
import type { BatchRecord } from "./batch-records.ts";

interface CombinedArtifacts {
  readonly location?: string;
  readonly failure?: PhaseContext;
}

/** Combines them if the batch is configured so, and notes where; resolves with what went wrong. */
export async function combineArtifacts(
  journal: BatchJournal,
  runner: Pick<BuildRunner, "artifactsDir">,
): Promise<PhaseContext | undefined> {
  const { record } = journal;
  if (record.config.combineArtifacts !== true) return undefined;
  const members = record.groups.flatMap(({ identifier, current }) => {
    const build = journal.buildOf(current);
    return identifier === DOWNLOAD_SOURCE || !build ? [] : [{ identifier, build }];
  });
  const { location, failure } = await combine(record, members, (uuid) => runner.artifactsDir(uuid));
  if (failure) return failure;
  if (location !== undefined) {
    await journal.save({ batch: { ...record.batch, artifacts: { ...record.batch.artifacts, location } } });
  }
  return undefined;
}

/** `folderOf` answers the folder of the state for a uuid's artifacts. */
async function combine(
  record: BatchRecord,
  members: readonly { readonly identifier: string; readonly build: BuildRecord }[],
  folderOf: (uuid: string) => string,
): Promise<CombinedArtifacts> {
  const { artifacts } = record.settings;
  if (artifacts.type === "NO_ARTIFACTS") return {};
  if (artifacts.type === "S3" && artifacts.location !== undefined) {
    const prefix = [artifacts.path ?? "", record.uuid].map((part) => part.replace(/^\/+|\/+$/g, "")).filter(Boolean);
    const isFolder = artifacts.location.startsWith("file:");
    const base = isFolder
      ? artifacts.location.replace(/\/$/, "")
      : `arn:${record.scope.partition}:s3:::${artifacts.location}`;
    return { location: `${base}/${prefix.join("/")}` };
  }
  const target = folderOf(record.uuid);
  try {
    for (const { identifier, build } of members) {
      const location = build.build.artifacts?.location;
      if (!location?.startsWith("file:")) continue;
      await mkdir(join(target, identifier), { recursive: true });
      await cp(fileURLToPath(location), join(target, identifier), { recursive: true, verbatimSymlinks: true });
    }
  } catch (error) {
    return { failure: { statusCode: "CLIENT_ERROR", message: `artifacts could not be combined: ${String(error)}` } };
  }
  return { location: `file://${target}` };
}
