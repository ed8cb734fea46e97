/**
 * Records beside the builds, so that listing and counting do not read every build: ids by start time and by number, and
 * the builds that are not over. Every change of a build's existence or end goes through here, inside `Store.write`.
 */
import type { AwsScope } from "../../../core/arn.ts";
import type { Store } from "../../../store/store.ts";
import { changesBetween } from "../events/state-change.ts";
import { type BuildRecord, buildKey, type CodeBuildRecords, recordsIn } from "../records.ts";

/** Numbers as text that sorts like the numbers. */
export const sortable = (value: number): string => String(value).padStart(16, "0");

const keysOf = ({ scope, uuid, settings, build }: BuildRecord) => {
  const number = sortable(build.buildNumber ?? 0);
  return {
    build: buildKey(scope, settings.projectName, uuid),
    byTime: [scope.accountId, scope.region, sortable(build.startTime ?? 0), settings.projectName, number, uuid],
    byNumber: [scope.accountId, scope.region, settings.projectName, number, uuid],
  };
};

/** Writes a new build. */
export function addBuild(records: CodeBuildRecords, record: BuildRecord): void {
  const keys = keysOf(record);
  records.appendEvents(changesBetween(records.builds.get(keys.build), record));
  records.builds.put(keys.build, record);
  records.byTime.put(keys.byTime, record.build.id ?? "");
  records.byNumber.put(keys.byNumber, record.build.id ?? "");
  const fleetArn = record.settings.environment.fleet?.fleetArn;
  if (record.build.buildComplete !== true) records.active.put(keys.build, fleetArn === undefined ? {} : { fleetArn });
}

/** Writes a build as it is now. A build that was deleted meanwhile is not brought back. */
export function updateBuild(records: CodeBuildRecords, record: BuildRecord): boolean {
  const key = keysOf(record).build;
  const before = records.builds.get(key);
  if (!before) return false;
  records.appendEvents(changesBetween(before, record));
  records.builds.put(key, record);
  if (record.build.buildComplete === true) records.active.delete(key);
  return true;
}

export function deleteBuild(records: CodeBuildRecords, record: BuildRecord): void {
  const keys = keysOf(record);
  records.builds.delete(keys.build);
  records.active.delete(keys.build);
  records.byTime.delete(keys.byTime);
  records.byNumber.delete(keys.byNumber);
}

/** How many builds are not over: in the account and region, or of one project. */
export const countActive = (records: CodeBuildRecords, scope: AwsScope, projectName?: string): number =>
  records.active.count([scope.accountId, scope.region, ...(projectName === undefined ? [] : [projectName])]);

/** Adds what a state folder written before this index lacks. Once; does nothing afterwards. */
export async function indexOlderBuilds(store: Store): Promise<void> {
  const done = store.collection<true>("codebuild.indexed");
  if (done.has(["1"])) return;
  const records = recordsIn(store);
  await store.write(() => {
    for (const { value } of records.builds.list([])) addBuild(records, value);
    done.put(["1"], true);
  });
}
