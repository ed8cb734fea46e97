/**
 * What is kept of a batch: its settings, its plan, its phases and the builds of its groups. A batch's id looks like a
 * build's (`<project>:<uuid>`), its ARN says `build-batch/`. Shapes from the CLI's samples of start-, retry- and
 * batch-get-build-batches.
 */
import type { BatchPlan } from "../../../build/batch/index.ts";
import { type AwsScope, arnIn } from "../../../core/arn.ts";
import type { ProcessMark } from "../../../core/process-mark.ts";
import type { Collection, Key, Store } from "../../../store/store.ts";
import { batchChangesBetween } from "../events/batch-change.ts";
import type { StateChangeEvent } from "../events/state-change.ts";
import { appendEvents } from "../events/state-change-log.ts";
import {
  type BuildRecord,
  type BuildSettings,
  buildArn,
  buildKey,
  phaseShape,
  recordsIn,
  type StartToken,
} from "../records.ts";
import type { BuildBatch, BuildGroup, BuildSummary, PhaseContext, ProjectBuildBatchConfig } from "../shapes.gen.ts";

export type BatchPhaseType =
  | "SUBMITTED"
  | "DOWNLOAD_BATCHSPEC"
  | "IN_PROGRESS"
  | "COMBINE_ARTIFACTS"
  | "SUCCEEDED"
  | "FAILED"
  | "STOPPED";

export type BatchStatus = NonNullable<BuildBatch["buildBatchStatus"]>;

export interface BatchPhaseRecord {
  readonly phaseType: BatchPhaseType;
  /** AWS: a FAILED phase that a retry has left behind is `RETRY`, which the model's enum does not have. */
  readonly phaseStatus?: BatchStatus | "RETRY";
  readonly startTimeMs: number;
  readonly endTimeMs?: number;
  readonly durationInSeconds?: number;
  readonly contexts?: readonly PhaseContext[];
}

/** A build of a group, or that there will be none. */
export interface BatchBuild {
  /** Absent when the build could not be made, or was never started. */
  readonly uuid?: string;
  readonly requestedOnMs: number;
  readonly buildStatus: BatchStatus;
}

export interface BatchGroupRecord {
  readonly identifier: string;
  /** Absent for DOWNLOAD_SOURCE, as in the samples. */
  readonly dependsOn?: readonly string[];
  readonly ignoreFailure: boolean;
  readonly current?: BatchBuild;
  /** Builds of earlier tries, oldest first. */
  readonly prior: readonly BatchBuild[];
}

export interface BatchRecord {
  readonly scope: AwsScope;
  readonly uuid: string;
  /** The project's settings with StartBuildBatch's overrides; a member's are made from these and its task. */
  readonly settings: BuildSettings;
  /** The project's buildBatchConfig with the override, and AWS's defaults. */
  readonly config: ProjectBuildBatchConfig & { readonly serviceRole: string };
  readonly initiator: string;
  /** `CODEBUILD_WEBHOOK_…` variables of the event that made it; every build of it gets them. */
  readonly variables?: Readonly<Record<string, string>>;
  /** AWS's shape, without phases and groups. */
  readonly batch: BuildBatch;
  readonly phases: readonly BatchPhaseRecord[];
  readonly groups: readonly BatchGroupRecord[];
  /** Known after DOWNLOAD_BATCHSPEC. */
  readonly plan?: BatchPlan;
  /** The process that runs it. */
  readonly owner: ProcessMark;
}

/** A buildspec that a DOWNLOAD_SOURCE build has found, until its batch has read it; by the build's key. */
export interface Batchspec {
  readonly plan: BatchPlan;
}

export interface BatchRecords {
  readonly batches: Collection<BatchRecord>;
  /** Batches that are not over. */
  readonly active: Collection<true>;
  /** Last batch number of a project; outlives the project. */
  readonly numbers: Collection<number>;
  /** StopBuildBatch was asked of a batch that another process runs. */
  readonly stops: Collection<true>;
  readonly tokens: Collection<StartToken>;
  readonly batchspecs: Collection<Batchspec>;
  /** Appends to the log of events (events/state-change-log.ts). Inside `Store.write`. */
  appendEvents(events: readonly StateChangeEvent[]): void;
}

export const batchRecordsIn = (store: Store): BatchRecords => ({
  batches: store.collection("codebuild.batches"),
  active: store.collection("codebuild.active-batches"),
  numbers: store.collection("codebuild.batch-numbers"),
  stops: store.collection("codebuild.batch-stops"),
  tokens: store.collection("codebuild.batch-tokens"),
  batchspecs: store.collection("codebuild.batchspecs"),
  appendEvents: (events) => appendEvents(store, events),
});

/** Writes a new or restarted batch, inside `Store.write`. */
export function putBatch(records: BatchRecords, record: BatchRecord): void {
  const key = batchKey(record);
  records.appendEvents(batchChangesBetween(records.batches.get(key), record));
  records.batches.put(key, record);
  if (record.batch.complete === true) records.active.delete(key);
  else records.active.put(key, true);
}

/** Writes a batch as it is now. One that was deleted meanwhile is not brought back. */
export function updateBatch(records: BatchRecords, record: BatchRecord): void {
  if (records.batches.has(batchKey(record))) putBatch(records, record);
}

export const batchKey = ({ scope, settings, uuid }: Pick<BatchRecord, "scope" | "settings" | "uuid">): Key =>
  buildKey(scope, settings.projectName, uuid);

export const batchArn = (scope: AwsScope, id: string): string => arnIn(scope, "codebuild", `build-batch/${id}`);

/** The batch as BatchGetBuildBatches returns it. */
export function batchShape(record: BatchRecord, store: Store): BuildBatch {
  const groups = record.groups.map((group) => groupShape(group, record, store));
  return {
    ...record.batch,
    phases: record.phases.map(phaseShape) as NonNullable<BuildBatch["phases"]>,
    ...(groups.length > 0 ? { buildGroups: groups } : {}),
  };
}

function groupShape(group: BatchGroupRecord, record: BatchRecord, store: Store): BuildGroup {
  const { identifier, dependsOn, ignoreFailure, current, prior } = group;
  const summary = (build: BatchBuild) => summaryOf(build, identifier, record, store);
  return {
    identifier,
    ...(dependsOn ? { dependsOn } : {}),
    ignoreFailure,
    ...(current ? { currentBuildSummary: summary(current) } : {}),
    ...(prior.length > 0 ? { priorBuildSummaryList: prior.map(summary) } : {}),
  };
}

/** The build's own record knows best how it stands; a deleted one leaves what the batch saw last. */
function summaryOf(build: BatchBuild, identifier: string, record: BatchRecord, store: Store): BuildSummary {
  const { uuid, requestedOnMs, buildStatus } = build;
  if (uuid === undefined) return { requestedOn: requestedOnMs, buildStatus };
  const { scope, settings } = record;
  const found = recordsIn(store).builds.get(buildKey(scope, settings.projectName, uuid));
  const artifacts = found?.settings.artifacts ?? settings.artifacts;
  return {
    arn: buildArn(scope, `${settings.projectName}:${uuid}`),
    requestedOn: requestedOnMs,
    buildStatus: found?.build.buildStatus ?? buildStatus,
    primaryArtifact: {
      // AWS: in lower case.
      type: artifacts.type.toLowerCase() as "NO_ARTIFACTS",
      ...(found?.build.artifacts?.location ? { location: found.build.artifacts.location } : {}),
      identifier: artifacts.artifactIdentifier ?? identifier,
    },
    secondaryArtifacts: secondaryOf(found),
  };
}

const secondaryOf = (found: BuildRecord | undefined): NonNullable<BuildSummary["secondaryArtifacts"]> =>
  (found?.build.secondaryArtifacts ?? []).map(({ artifactIdentifier = "", location }) => {
    const target = found?.settings.secondaryArtifacts.find((one) => one.artifactIdentifier === artifactIdentifier);
    return {
      type: (target?.type ?? "S3").toLowerCase() as "S3",
      ...(location ? { location } : {}),
      identifier: artifactIdentifier,
    };
  });
