/**
 * StartBuildBatch, RetryBuildBatch, StopBuildBatch, DeleteBuildBatch, BatchGetBuildBatches, ListBuildBatches,
 * ListBuildBatchesForProject. Batches run in batch-runner.ts.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuildBatch.html and its neighbours, shapes
 * from the CLI's samples. Gaps: AWS's words for a batch that cannot be retried, deleted or found are not recorded; which
 * kind of retry is meant without a retryType is not documented (all builds here).
 */

import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { DOWNLOAD_SOURCE } from "../../../build/batch/index.ts";
import type { Key } from "../../../store/store.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import { deleteBuild } from "../builds/build-index.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { overrideKeys, settingsFrom } from "../builds/build-settings.ts";
import { ownMark } from "../builds/process-mark.ts";
import { initiatorOf } from "../builds/start-build.ts";
import { batchNotFound, invalidInput, notOffered, projectNotFound, roleNotAssumable } from "../errors.ts";
import { type PageInput, page } from "../pages.ts";
import { findProject, projectAccess, requireProject } from "../projects/find-project.ts";
import { onAnything, passRole, requireAssumableRole } from "../projects/project-access.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import {
  type BuildOrigin,
  buildArn,
  buildKey,
  projectArn,
  projectKey,
  projectNameOf,
  recordsIn,
  scopeOf,
} from "../records.ts";
import type {
  BatchGetBuildBatchesInput,
  BatchGetBuildBatchesOutput,
  BuildBatch,
  BuildBatchFilter,
  DeleteBuildBatchInput,
  DeleteBuildBatchOutput,
  EnvironmentVariable,
  ListBuildBatchesForProjectInput,
  ListBuildBatchesForProjectOutput,
  ListBuildBatchesInput,
  ListBuildBatchesOutput,
  RetryBuildBatchInput,
  RetryBuildBatchOutput,
  StartBuildBatchInput,
  StartBuildBatchOutput,
  StopBuildBatchInput,
  StopBuildBatchOutput,
} from "../shapes.gen.ts";
import { effectiveBatchConfig } from "./batch-config.ts";
import {
  type BatchRecord,
  type BatchStatus,
  batchArn,
  batchKey,
  batchRecordsIn,
  batchShape,
  parseBatchId,
  putBatch,
} from "./batch-records.ts";
import type { BatchRunner } from "./batch-runner.ts";
import { notFailed, stillInProgress, tokenMismatch } from "./batch-texts.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const TOKEN_LIFE_MS = 5 * 60_000;
/** Ends that a retry is for. */
const FAILED: readonly (BatchStatus | undefined)[] = ["FAILED", "FAULT", "TIMED_OUT"];

/** Actions on batches are decided on the project. */
const onBatch = (context: OperationContext, action: string, idOrArn: string): AuthorizationRequest =>
  projectAccess(context, action, projectArn(scopeOf(idOrArn, context.scope), parseBatchId(idOrArn).projectName));

function findBatch({ store, scope }: OperationContext, idOrArn: string): BatchRecord | undefined {
  const { projectName, uuid } = parseBatchId(idOrArn);
  return batchRecordsIn(store).batches.get(buildKey(scopeOf(idOrArn, scope), projectName, uuid));
}

function requireBatch(context: OperationContext, idOrArn: string): BatchRecord {
  const record = findBatch(context, idOrArn);
  if (!record) throw batchNotFound(idOrArn);
  return record;
}

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
type AnyOperation = OperationDefinition<any, object>;

export const batchOperations = (runner: BuildRunner, batches: BatchRunner): readonly AnyOperation[] => [
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
      return [
        projectAccess(context, "StartBuildBatch", input.projectName, overrideKeys(input)),
        ...roles.flatMap((role) => (role === undefined ? [] : [passRole(role)])),
      ];
    },
    errors: [invalidInput, notOffered, projectNotFound, roleNotAssumable],
    run: async (input, context) => ({ buildBatch: await startBatch(input, context, batches) }),
  }),

  operation<RetryBuildBatchInput, RetryBuildBatchOutput>({
    name: "RetryBuildBatch",
    support: "supported",
    source: `${API}API_RetryBuildBatch.html`,
    authorize: (input, context) => [onBatch(context, "RetryBuildBatch", input.id ?? "")],
    errors: [invalidInput, batchNotFound, projectNotFound, roleNotAssumable],
    async run(input, context) {
      const { store, clock } = context;
      const old = requireBatch(context, input.id ?? "");
      const token = tokenOf("RetryBuildBatch", input, context);
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
        putToken(token, again, context);
        return again;
      });
      batches.start(record, session, context, project.concurrentBuildLimit);
      return { buildBatch: batchShape(record, store) };
    },
  }),

  operation<StopBuildBatchInput, StopBuildBatchOutput>({
    name: "StopBuildBatch",
    support: "supported",
    source: `${API}API_StopBuildBatch.html`,
    authorize: (input, context) => [onBatch(context, "StopBuildBatch", input.id)],
    errors: [invalidInput, batchNotFound],
    // AWS: stopping a finished batch is no error and changes nothing.
    async run(input, context) {
      const record = requireBatch(context, input.id);
      if (record.batch.complete !== true) await batches.stop(record);
      return { buildBatch: batchShape(findBatch(context, input.id) ?? record, context.store) };
    },
  }),

  operation<DeleteBuildBatchInput, DeleteBuildBatchOutput>({
    name: "DeleteBuildBatch",
    support: "supported",
    source: `${API}API_DeleteBuildBatch.html`,
    authorize: (input, context) => [onBatch(context, "DeleteBuildBatch", input.id)],
    errors: [invalidInput],
    async run(input, context) {
      const { store } = context;
      const record = findBatch(context, input.id);
      if (!record) throw invalidInput(`Build batch cannot be found: ${input.id}`);
      if (record.batch.complete !== true) throw invalidInput(stillInProgress(input.id));
      const { scope, settings } = record;
      const records = recordsIn(store);
      const uuids = record.groups.flatMap(({ current, prior }) =>
        [...prior, ...(current ? [current] : [])].flatMap(({ uuid }) => uuid ?? []),
      );
      const found = uuids.flatMap((uuid) => records.builds.get(buildKey(scope, settings.projectName, uuid)) ?? []);
      const deleted = found.filter(({ build }) => build.buildComplete === true);
      await store.write(() => {
        for (const build of deleted) deleteBuild(records, build);
        batchRecordsIn(store).batches.delete(batchKey(record));
        batchRecordsIn(store).active.delete(batchKey(record));
      });
      for (const { uuid } of [...deleted, record]) await runner.forget(uuid);
      return {
        statusCode: "BATCH_DELETED",
        buildsDeleted: deleted.map(({ uuid }) => buildArn(scope, `${settings.projectName}:${uuid}`)),
        buildsNotDeleted: found
          .filter((build) => !deleted.includes(build))
          .map(({ build }) => ({ id: build.arn ?? "", statusCode: "BUILD_IN_PROGRESS" })),
      };
    },
  }),

  operation<BatchGetBuildBatchesInput, BatchGetBuildBatchesOutput>({
    name: "BatchGetBuildBatches",
    support: "supported",
    source: `${API}API_BatchGetBuildBatches.html`,
    authorize: (input, context) => input.ids.map((id) => onBatch(context, "BatchGetBuildBatches", id)),
    errors: [invalidInput],
    run(input, context) {
      const ids = [...new Set(input.ids)];
      return {
        buildBatches: ids.flatMap((id) => {
          const record = findBatch(context, id);
          return record ? [batchShape(record, context.store)] : [];
        }),
        buildBatchesNotFound: ids.filter((id) => !findBatch(context, id)),
      };
    },
  }),

  operation<ListBuildBatchesInput, ListBuildBatchesOutput>({
    name: "ListBuildBatches",
    support: "supported",
    source: `${API}API_ListBuildBatches.html`,
    authorize: () => [onAnything("ListBuildBatches")],
    errors: [invalidInput],
    run: (input, context) => idPage(context, [context.scope.accountId, context.scope.region], input),
  }),

  operation<ListBuildBatchesForProjectInput, ListBuildBatchesForProjectOutput>({
    name: "ListBuildBatchesForProject",
    support: "supported",
    source: `${API}API_ListBuildBatchesForProject.html`,
    authorize: (input, context) => [projectAccess(context, "ListBuildBatchesForProject", input.projectName ?? "")],
    errors: [invalidInput, projectNotFound],
    run(input, context) {
      if (input.projectName === undefined) throw invalidInput("Invalid input: projectName must be set");
      if (!findProject(context, input.projectName)) requireProject(context, input.projectName);
      const scope = scopeOf(input.projectName, context.scope);
      return idPage(context, [scope.accountId, scope.region, projectNameOf(input.projectName)], input);
    },
  }),
];

/** Makes a batch and starts it: for StartBuildBatch, and for a webhook, whose event is the batch's `origin`. */
export async function startBatch(
  input: StartBuildBatchInput,
  context: OperationContext,
  batches: BatchRunner,
  origin: BuildOrigin = { variables: {} },
): Promise<BuildBatch> {
  const { store, scope, clock, ids } = context;
  const project = requireProject(context, input.projectName);
  const token = tokenOf("StartBuildBatch", input, context);
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
    initiator: origin.initiator ?? initiatorOf(context.principal),
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
    putToken(token, record, context);
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
  const merged = new Map<string, EnvironmentVariable>();
  for (const variable of [...settings.projectVariables, ...settings.overrideVariables])
    merged.set(variable.name, variable);
  return withoutUndefined<BuildBatch>({
    id,
    arn: batchArn(scope, id),
    startTime: nowMs,
    currentPhase: "SUBMITTED",
    buildBatchStatus: "IN_PROGRESS",
    sourceVersion: settings.sourceVersion,
    projectName: settings.projectName,
    source: settings.source,
    secondarySources: settings.secondarySources,
    secondarySourceVersions: settings.secondarySourceVersions,
    artifacts: { location: "" },
    secondaryArtifacts: [],
    cache: settings.cache,
    environment: { ...settings.environment, environmentVariables: [...merged.values()] },
    serviceRole: settings.serviceRole,
    logConfig: {
      cloudWatchLogs: settings.logsConfig?.cloudWatchLogs ?? { status: "ENABLED" },
      s3Logs: settings.logsConfig?.s3Logs ?? { status: "DISABLED", encryptionDisabled: false },
    },
    buildTimeoutInMinutes: settings.timeoutInMinutes,
    queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes,
    vpcConfig: settings.vpcConfig,
    complete: false,
    initiator,
    encryptionKey: settings.encryptionKey,
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

interface Token {
  readonly key: Key;
  readonly request: string;
}

function tokenOf(
  operationName: string,
  input: { readonly idempotencyToken?: string | undefined },
  { scope }: OperationContext,
): Token | undefined {
  if (input.idempotencyToken === undefined) return undefined;
  return {
    key: [scope.accountId, scope.region, operationName, input.idempotencyToken],
    request: JSON.stringify(input),
  };
}

/** The batch that an earlier call with the same token made or retried, within five minutes. */
function repetitionOf(token: Token | undefined, { store, clock }: OperationContext): BatchRecord | undefined {
  const known = token && batchRecordsIn(store).tokens.get(token.key);
  if (!token || !known || clock.nowMs() - known.atMs > TOKEN_LIFE_MS) return undefined;
  if (known.input !== token.request) throw invalidInput(tokenMismatch());
  return batchRecordsIn(store).batches.get(known.key);
}

function putToken(token: Token | undefined, record: BatchRecord, { store, clock }: OperationContext): void {
  if (!token) return;
  const { tokens } = batchRecordsIn(store);
  tokens.put(token.key, { key: batchKey(record), input: token.request, atMs: clock.nowMs() });
}

/** Ids of one page. AWS: newest first unless asked otherwise. */
function idPage(
  { store }: OperationContext,
  prefix: Key,
  input: PageInput & { readonly filter?: BuildBatchFilter | undefined },
): { ids: readonly string[]; nextToken?: string } {
  const status = input.filter?.status;
  const sign = input.sortOrder === "ASCENDING" ? 1 : -1;
  const found = batchRecordsIn(store)
    .batches.list(prefix)
    .map(({ value }) => value.batch)
    .filter(({ buildBatchStatus }) => status === undefined || buildBatchStatus === status)
    .sort(
      (a, b) =>
        sign * ((a.startTime ?? 0) - (b.startTime ?? 0) || (a.buildBatchNumber ?? 0) - (b.buildBatchNumber ?? 0)),
    );
  const { items, nextToken } = page(
    found.map(({ id }) => id ?? ""),
    input.nextToken,
    input.maxResults,
  );
  return { ids: items, ...(nextToken === undefined ? {} : { nextToken }) };
}
