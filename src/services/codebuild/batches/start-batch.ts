/**
 * StartBuildBatch and RetryBuildBatch: checks, the batch's number and record, then over to batch-runner.ts.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuildBatch.html, API_RetryBuildBatch.html;
 * shapes from the CLI's samples. Gaps: AWS's words for a batch that cannot be retried are not recorded; which kind of retry
 * is meant without a retryType is not documented (all builds here).
 */
import { DOWNLOAD_SOURCE } from "../../../build/batch/index.ts";
import { ownMark } from "../../../core/process-mark.ts";
import { type OperationDefinition, operation } from "../../service.ts";
import type { BuildContext } from "../builds/build-context.ts";
import { overrideKeys, settingsFrom, shownSettings } from "../builds/build-settings.ts";
import { keepToken, madeBefore, type Token, tokenOf } from "../builds/idempotency.ts";
import { initiatorOf } from "../builds/start-build.ts";
import { batchNotFound, invalidInput, notOffered, projectNotFound, roleNotAssumable } from "../errors.ts";
import { requestFieldKeys } from "../projects/condition-keys.ts";
import { projectAccess, requireOwnProject, requireOwnScope, requireProject } from "../projects/find-project.ts";
import { passRole, requireAssumableRole } from "../projects/project-access.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import { type BuildOrigin, buildKey, projectKey } from "../records.ts";
import type {
  BuildBatch,
  RetryBuildBatchInput,
  RetryBuildBatchOutput,
  StartBuildBatchInput,
  StartBuildBatchOutput,
} from "../shapes.gen.ts";
import { effectiveBatchConfig } from "./batch-config.ts";
import {
  type BatchRecord,
  type BatchStatus,
  batchArn,
  batchKey,
  batchRecordsIn,
  batchShape,
  putBatch,
} from "./batch-records.ts";
import type { BatchRunner } from "./batch-runner.ts";
import { notFailed, stillInProgress } from "./batch-texts.ts";
import { onBatch, requireBatch } from "./find-batch.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
/** Ends that a retry is for. */
const FAILED: readonly (BatchStatus | undefined)[] = ["FAILED", "FAULT", "TIMED_OUT"];

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const startBatchOperations = (batches: BatchRunner): readonly OperationDefinition<any, object>[] => [
  operation<StartBuildBatchInput, StartBuildBatchOutput>({
    name: "StartBuildBatch",
    support: "partial",
    gaps: [
      "`debugSessionEnabled` and `debug-session` are kept and said to have no effect",
      "commit statuses and `batchReportMode` are kept; nothing is reported to a source provider",
    ],
    source: `${API}API_StartBuildBatch.html`,
    authorize(input, context) {
      const roles = [input.serviceRoleOverride, input.buildBatchConfigOverride?.serviceRole];
      const { buildBatchConfigOverride: buildBatchConfig } = input;
      const start = projectAccess(context, "StartBuildBatch", input.projectName, {
        ...overrideKeys(input),
        ...requestFieldKeys({ buildBatchConfig }),
      });
      return [start, ...roles.flatMap((role) => (role === undefined ? [] : [passRole(role, start.resource)]))];
    },
    errors: [invalidInput, notOffered, projectNotFound, roleNotAssumable],
    run: async (input, context) => ({
      buildBatch: await startBatch(input, context, batches, { variables: {}, initiator: initiatorOf(context) }),
    }),
  }),

  operation<RetryBuildBatchInput, RetryBuildBatchOutput>({
    name: "RetryBuildBatch",
    support: "supported",
    source: `${API}API_RetryBuildBatch.html`,
    authorize: (input, context) => [onBatch(context, "RetryBuildBatch", input.id ?? "")],
    errors: [invalidInput, batchNotFound, projectNotFound, roleNotAssumable],
    async run(input, context) {
      const { store, clock } = context;
      requireOwnScope(context, input.id ?? "", batchNotFound);
      const old = requireBatch(context, input.id ?? "");
      const token = tokenOf(input.idempotencyToken, "RetryBuildBatch", input);
      const repeated = repetitionOf(token, context);
      if (repeated) return { buildBatch: batchShape(repeated, store) };
      const project = requireProject(context, old.settings.projectName);
      const session = batches.newSession(old);
      requireFailed(old);
      await requireAssumableRole(session);
      const nowMs = clock.nowMs();
      const record = await store.write((): BatchRecord => {
        const current = requireBatch(context, input.id ?? "");
        requireFailed(current);
        const again = retried(current, input.retryType ?? "RETRY_ALL_BUILDS", nowMs);
        putBatch(batchRecordsIn(store), again);
        // A stop that came too late was meant for the run before.
        batchRecordsIn(store).stops.delete(batchKey(again));
        keep(token, again, context);
        return again;
      });
      batches.start(record, session, context, project.concurrentBuildLimit);
      return { buildBatch: batchShape(record, store) };
    },
  }),
];

/** Makes a batch and starts it: for StartBuildBatch, and for a webhook, whose event is the batch's `origin`. */
export async function startBatch(
  input: StartBuildBatchInput,
  context: BuildContext,
  batches: BatchRunner,
  origin: BuildOrigin & { readonly initiator: string },
): Promise<BuildBatch> {
  const { store, scope, clock, ids } = context;
  const project = requireOwnProject(context, input.projectName);
  const token = tokenOf(input.idempotencyToken, "StartBuildBatch", input);
  const repeated = repetitionOf(token, context);
  if (repeated) return startShape(repeated);
  const { buildTimeoutInMinutesOverride, reportBuildBatchStatusOverride, ...same } = input;
  const settings = settingsFrom(
    project,
    withoutUndefined({
      ...same,
      timeoutInMinutesOverride: buildTimeoutInMinutesOverride,
      reportBuildStatusOverride: reportBuildBatchStatusOverride,
    }),
    context,
  );
  const config = effectiveBatchConfig(project, input.buildBatchConfigOverride);
  const uuid = ids.uuid();
  const nowMs = clock.nowMs();
  const base = {
    scope,
    uuid,
    settings,
    config,
    initiator: origin.initiator,
    owner: ownMark(),
    variables: origin.variables,
  };
  const session = batches.newSession({ ...base, batch: {}, phases: [], groups: [] });
  await requireAssumableRole(session);
  const written = await store.write((): { record: BatchRecord; isNew: boolean } => {
    const earlier = repetitionOf(token, context);
    if (earlier) return { record: earlier, isNew: false };
    const records = batchRecordsIn(store);
    const numberKey = projectKey(scope, settings.projectName);
    const buildBatchNumber = (records.numbers.get(numberKey) ?? 0) + 1;
    records.numbers.put(numberKey, buildBatchNumber);
    const record: BatchRecord = {
      ...base,
      batch: firstShape(base, buildBatchNumber, nowMs),
      phases: [{ phaseType: "SUBMITTED", startTimeMs: nowMs }],
      groups: [{ identifier: DOWNLOAD_SOURCE, ignoreFailure: false, prior: [] }],
    };
    putBatch(records, record);
    keep(token, record, context);
    return { record, isNew: true };
  });
  if (written.isNew) batches.start(written.record, session, context, project.concurrentBuildLimit);
  return startShape(written.record);
}

function requireFailed({ batch }: BatchRecord): void {
  if (batch.complete !== true) throw invalidInput(stillInProgress(batch.id ?? ""));
  if (!FAILED.includes(batch.buildBatchStatus)) {
    throw invalidInput(notFailed(batch.id ?? "", batch.buildBatchStatus ?? ""));
  }
}

/** The batch as AWS answers it when it has just been submitted: without phases and groups. */
const startShape = ({ batch }: BatchRecord): BuildBatch => batch;

function firstShape(
  { scope, uuid, settings, config, initiator }: Omit<BatchRecord, "batch" | "phases" | "groups">,
  buildBatchNumber: number,
  nowMs: number,
): BuildBatch {
  const id = `${settings.projectName}:${uuid}`;
  return withoutUndefined<BuildBatch>({
    id,
    arn: batchArn(scope, id),
    startTime: nowMs,
    currentPhase: "SUBMITTED",
    buildBatchStatus: "IN_PROGRESS",
    ...shownSettings(settings),
    artifacts: { location: "" },
    logConfig: {
      cloudWatchLogs: settings.logsConfig?.cloudWatchLogs ?? { status: "ENABLED" },
      s3Logs: settings.logsConfig?.s3Logs ?? { status: "DISABLED", encryptionDisabled: false },
    },
    buildTimeoutInMinutes: settings.timeoutInMinutes,
    complete: false,
    initiator,
    buildBatchNumber,
    buildBatchConfig: config,
    debugSessionEnabled: settings.debugSessionEnabled,
  });
}

/**
 * The batch once more under its id. AWS: the terminal phase gets status RETRY and an end, a new SUBMITTED follows, builds
 * that run again move to the prior ones. All builds: the source is downloaded and read again, too.
 */
function retried(record: BatchRecord, type: "RETRY_ALL_BUILDS" | "RETRY_FAILED_BUILDS", nowMs: number): BatchRecord {
  const { plan, endTime: _end, ...rest } = { ...record, endTime: undefined };
  const isAll = type === "RETRY_ALL_BUILDS";
  const groups = record.groups.map(({ current, ...group }) => {
    if (!current) return group;
    const isKept = !isAll && current.buildStatus === "SUCCEEDED";
    if (isKept) return { ...group, current };
    return current.uuid === undefined ? group : { ...group, prior: [...group.prior, current] };
  });
  const { endTime: _endTime, ...batch } = record.batch;
  return {
    ...rest,
    owner: ownMark(),
    batch: { ...batch, complete: false, buildBatchStatus: "IN_PROGRESS", currentPhase: "SUBMITTED" },
    phases: [
      ...record.phases.map((phase, index) =>
        index === record.phases.length - 1
          ? {
              ...phase,
              phaseStatus: "RETRY" as const,
              endTimeMs: nowMs,
              durationInSeconds: Math.floor((nowMs - phase.startTimeMs) / 1000),
            }
          : phase,
      ),
      { phaseType: "SUBMITTED", startTimeMs: nowMs },
    ],
    groups,
    ...(plan && !isAll ? { plan } : {}),
  };
}

/** The batch that an earlier call with the same token made or retried. */
function repetitionOf(token: Token | undefined, context: BuildContext): BatchRecord | undefined {
  const records = batchRecordsIn(context.store);
  const made = madeBefore(token, records.tokens, context);
  return made && records.batches.get(buildKey(context.scope, made.projectName, made.uuid));
}

const keep = (token: Token | undefined, { uuid, settings: { projectName } }: BatchRecord, context: BuildContext) =>
  keepToken(token, batchRecordsIn(context.store).tokens, { projectName, uuid }, context);
