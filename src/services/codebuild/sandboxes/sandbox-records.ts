/**
 * How sandboxes and their commands are kept, and AWS's shapes of them. Id `<project>:<uuid>`, ARN `…:sandbox/<id>`.
 * A live sandbox's status is the name of its phase. AWS's names of the last phase and of the statuses are not published
 * with the model (the members are plain strings); unverified.
 */
import { type AwsScope, arnIn, parseArn } from "../../../core/arn.ts";
import type { Key } from "../../../store/store.ts";
import { sortable } from "../builds/build-index.ts";
import type { BuildRecord, BuildSettings, CodeBuildRecords, SandboxRecord } from "../records.ts";
import { parseBuildId, scopeOf } from "../records.ts";
import type { CommandExecution, LogsLocation, PhaseContext, Sandbox, SandboxSessionPhase } from "../shapes.gen.ts";

/** How a sandbox can end. */
export type SandboxEnd = "STOPPED" | "FAILED" | "TIMED_OUT" | "FAULT";
const ENDS: ReadonlySet<string> = new Set<SandboxEnd>(["STOPPED", "FAILED", "TIMED_OUT", "FAULT"]);

/** The phase in which commands run. */
export const RUN_SANDBOX = "RUN_SANDBOX";

export const sandboxArn = (scope: AwsScope, id: string): string => arnIn(scope, "codebuild", `sandbox/${id}`);

/** The id of a sandbox given by id or ARN. */
export function sandboxIdOf(idOrArn: string): string {
  const resource = parseArn(idOrArn)?.resource;
  return resource?.startsWith("sandbox/") ? resource.slice("sandbox/".length) : idOrArn;
}

export function sandboxKey(idOrArn: string, callers: AwsScope): Key {
  const { accountId, region } = scopeOf(idOrArn, callers);
  const { projectName, uuid } = parseBuildId(sandboxIdOf(idOrArn));
  return [accountId, region, projectName, uuid];
}

export const keyOfSandbox = ({ scope, settings, uuid }: SandboxRecord): Key => [
  scope.accountId,
  scope.region,
  settings.projectName,
  uuid,
];

export const isOver = ({ sandbox }: SandboxRecord): boolean => ENDS.has(sandbox.status ?? "");

/** AWS's shape. */
export const sandboxShape = ({ sandbox, phases }: SandboxRecord): Sandbox => ({
  ...sandbox,
  currentSession: { ...sandbox.currentSession, phases },
});

/** A sandbox as the build that build/run takes its request from. */
export const asBuild = (record: SandboxRecord): BuildRecord => ({
  scope: record.scope,
  uuid: record.uuid,
  settings: record.settings,
  origin: { variables: {} },
  build: {
    id: record.sandbox.id,
    arn: record.sandbox.arn,
    buildNumber: 0,
    startTime: record.sandbox.startTime,
    initiator: "sandbox",
  },
  phases: [],
  owner: record.owner,
  workDir: record.workDir,
  privateDir: record.privateDir,
});

export function newSandbox(
  settings: BuildSettings,
  about: { readonly scope: AwsScope; readonly uuid: string; readonly nowMs: number; readonly logs: LogsLocation },
): Pick<SandboxRecord, "sandbox" | "phases"> {
  const { scope, uuid, nowMs, logs } = about;
  const id = `${settings.projectName}:${uuid}`;
  return {
    sandbox: {
      id,
      arn: sandboxArn(scope, id),
      projectName: settings.projectName,
      requestTime: nowMs,
      startTime: nowMs,
      status: "QUEUED",
      source: settings.source,
      ...(settings.sourceVersion === undefined ? {} : { sourceVersion: settings.sourceVersion }),
      secondarySources: settings.secondarySources,
      secondarySourceVersions: settings.secondarySourceVersions,
      environment: { ...settings.environment, environmentVariables: settings.projectVariables },
      timeoutInMinutes: settings.timeoutInMinutes,
      queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes,
      ...(settings.vpcConfig ? { vpcConfig: settings.vpcConfig } : {}),
      ...(settings.logsConfig ? { logConfig: settings.logsConfig } : {}),
      encryptionKey: settings.encryptionKey,
      serviceRole: settings.serviceRole,
      currentSession: { id: uuid, currentPhase: "QUEUED", status: "QUEUED", startTime: nowMs, logs },
    },
    phases: [
      { phaseType: "SUBMITTED", phaseStatus: "SUCCEEDED", startTime: nowMs, endTime: nowMs, durationInSeconds: 0 },
      { phaseType: "QUEUED", phaseStatus: "IN_PROGRESS", startTime: nowMs },
    ],
  };
}

/** The open phase ended well and the next began. */
export function enterPhase(record: SandboxRecord, phaseType: string, nowMs: number): SandboxRecord {
  if (record.phases.at(-1)?.phaseType === phaseType) return record;
  const session = { ...record.sandbox.currentSession, currentPhase: phaseType, status: phaseType };
  return {
    ...record,
    sandbox: { ...record.sandbox, status: phaseType, currentSession: session },
    phases: [...closed(record.phases, "SUCCEEDED", nowMs), { phaseType, phaseStatus: "IN_PROGRESS", startTime: nowMs }],
  };
}

/** The sandbox is over. A stopped one ran well until then. */
export function endSandbox(
  record: SandboxRecord,
  status: SandboxEnd,
  nowMs: number,
  context?: PhaseContext,
): SandboxRecord {
  const isRunning = record.sandbox.currentSession?.currentPhase === RUN_SANDBOX;
  const phaseStatus = status === "STOPPED" && isRunning ? "SUCCEEDED" : status;
  const session = { ...record.sandbox.currentSession, currentPhase: "COMPLETED", status, endTime: nowMs };
  return {
    ...record,
    sandbox: { ...record.sandbox, status, endTime: nowMs, currentSession: session },
    phases: [...closed(record.phases, phaseStatus, nowMs, context), { phaseType: "COMPLETED", startTime: nowMs }],
  };
}

function closed(
  phases: readonly SandboxSessionPhase[],
  phaseStatus: SandboxSessionPhase["phaseStatus"],
  nowMs: number,
  context?: PhaseContext,
): SandboxSessionPhase[] {
  const open = phases.at(-1);
  if (open?.phaseStatus !== "IN_PROGRESS") return [...phases];
  return [
    ...phases.slice(0, -1),
    {
      ...open,
      phaseStatus,
      endTime: nowMs,
      durationInSeconds: Math.floor((nowMs - (open.startTime ?? nowMs)) / 1000),
      ...(context ? { contexts: [context] } : {}),
    },
  ];
}

/** Writes a command that waits for its turn, behind the others of the sandbox. Inside `Store.write`. */
export function addExecution(records: CodeBuildRecords, sandbox: Key, execution: CommandExecution): void {
  const id = execution.id ?? "";
  const last = records.executionOrder.list(sandbox, { reverse: true, limit: 1 })[0];
  const place = sortable(Number(last?.key.at(-2) ?? 0) + 1);
  records.executions.put([...sandbox, id], execution);
  records.executionOrder.put([...sandbox, place, id], id);
  records.waitingExecutions.put([...sandbox, place, id], id);
}
