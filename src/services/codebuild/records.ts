/** What CodeBuild keeps: projects, builds, and small things beside them. Keys start with account and region. */

import type { BuildPhase as RunPhase } from "../../build/run/events.ts";
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { ProcessMark } from "../../core/process-mark.ts";
import type { Collection, Key, Store } from "../../store/store.ts";
import type { StateChangeEvent } from "./events/state-change.ts";
import { appendEvents } from "./events/state-change-log.ts";
import type {
  Build,
  CommandExecution,
  EnvironmentVariable,
  Fleet,
  LogsConfig,
  Project,
  ProjectArtifacts,
  ProjectCache,
  ProjectEnvironment,
  ProjectSource,
  ProjectSourceVersion,
  Sandbox,
  SandboxSessionPhase,
  VpcConfig,
} from "./shapes.gen.ts";

/** Everything a build was started with: the project's settings with StartBuild's overrides applied. RetryBuild reuses it. */
export interface BuildSettings {
  readonly projectName: string;
  readonly source: ProjectSource;
  readonly sourceVersion?: string | undefined;
  readonly secondarySources: readonly ProjectSource[];
  readonly secondarySourceVersions: readonly ProjectSourceVersion[];
  readonly artifacts: ProjectArtifacts;
  readonly secondaryArtifacts: readonly ProjectArtifacts[];
  readonly cache: ProjectCache;
  /** Without variables: those are the two lists below. */
  readonly environment: ProjectEnvironment;
  readonly projectVariables: readonly EnvironmentVariable[];
  readonly overrideVariables: readonly EnvironmentVariable[];
  readonly serviceRole: string;
  readonly timeoutInMinutes: number;
  readonly queuedTimeoutInMinutes: number;
  readonly encryptionKey: string;
  readonly logsConfig?: LogsConfig | undefined;
  /** Builds that may follow a failed one by themselves. */
  readonly autoRetryLimit?: number | undefined;
  /** Kept and shown: the build runs in this machine's network. */
  readonly vpcConfig?: VpcConfig | undefined;
  /** Kept and said to have no effect. */
  readonly debugSessionEnabled?: boolean | undefined;
}

/** What made a build, besides its settings: a webhook's event, a batch. RetryBuild keeps it. */
export interface BuildOrigin {
  /** `CODEBUILD_…` variables that the event or the batch brings, e.g. `CODEBUILD_WEBHOOK_EVENT`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly buildBatchArn?: string | undefined;
  /** Default: the caller's name. */
  readonly initiator?: string | undefined;
  /** Which build of a fan-out it is, counted from 0. */
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  /** Set when the build came after a failed one by itself; RetryBuild by a person starts anew. */
  readonly autoRetry?: AutoRetry | undefined;
}

/** How a build came after another by itself (auto-retry.ts). */
export interface AutoRetry {
  readonly limit: number;
  /** 1 for the first retry. */
  readonly number: number;
  /** ARN of the build before. */
  readonly previous: string;
}

export interface BuildRecord {
  readonly scope: AwsScope;
  readonly uuid: string;
  readonly settings: BuildSettings;
  readonly origin: BuildOrigin;
  /** AWS's shape, without `phases`. */
  readonly build: Build;
  readonly phases: readonly RunPhase[];
  /** The process that runs it. */
  readonly owner: ProcessMark;
  readonly workDir: string;
  readonly privateDir: string;
}

export interface StartToken {
  readonly uuid: string;
  readonly projectName: string;
  /** The input, to tell a repetition from another request under the same token. */
  readonly input: string;
  readonly atMs: number;
}

export interface CodeBuildRecords {
  readonly projects: Collection<Project>;
  readonly builds: Collection<BuildRecord>;
  /** Last build number of a project; outlives the project. */
  readonly numbers: Collection<number>;
  /** StopBuild was asked of a build that another process runs. */
  readonly stops: Collection<true>;
  readonly tokens: Collection<StartToken>;
  /** Builds that are not over, with the builds' keys: counting them must not read every build. */
  readonly active: Collection<ActiveBuild>;
  /** Build ids in the order of their start, and of their number in the project (build-index.ts). */
  readonly byTime: Collection<string>;
  readonly byNumber: Collection<string>;
  readonly fleets: Collection<Fleet>;
  /** Resource policies, by account, region and ARN. */
  readonly policies: Collection<ResourcePolicyRecord>;
  readonly sandboxes: Collection<SandboxRecord>;
  /** Sandbox ids in the order of their start. */
  readonly sandboxesByTime: Collection<string>;
  /** By the sandbox's key and the command's id. */
  readonly executions: Collection<CommandExecution>;
  /** Ids of a sandbox's commands in order, and of those that wait. */
  readonly executionOrder: Collection<string>;
  readonly waitingExecutions: Collection<string>;
  /** Appends to the log of events (events/state-change-log.ts). Inside `Store.write`. */
  appendEvents(events: readonly StateChangeEvent[]): void;
}

export interface ActiveBuild {
  /** Set for builds that take their place from a fleet. */
  readonly fleetArn?: string;
}

export interface ResourcePolicyRecord {
  readonly arn: string;
  /** As it was given. */
  readonly text: string;
  readonly modifiedMs: number;
}

export interface SandboxRecord {
  readonly scope: AwsScope;
  readonly uuid: string;
  readonly settings: BuildSettings;
  /** AWS's shape, without the session's `phases`. */
  readonly sandbox: Sandbox;
  readonly phases: readonly SandboxSessionPhase[];
  /** The process that has it open. */
  readonly owner: ProcessMark;
  readonly workDir: string;
  readonly privateDir: string;
}

export const recordsIn = (store: Store): CodeBuildRecords => ({
  projects: store.collection("codebuild.projects"),
  builds: store.collection("codebuild.builds"),
  numbers: store.collection("codebuild.numbers"),
  stops: store.collection("codebuild.stops"),
  tokens: store.collection("codebuild.tokens"),
  active: store.collection("codebuild.active"),
  byTime: store.collection("codebuild.byTime"),
  byNumber: store.collection("codebuild.byNumber"),
  fleets: store.collection("codebuild.fleets"),
  policies: store.collection("codebuild.policies"),
  sandboxes: store.collection("codebuild.sandboxes"),
  sandboxesByTime: store.collection("codebuild.sandboxesByTime"),
  executions: store.collection("codebuild.executions"),
  executionOrder: store.collection("codebuild.executionOrder"),
  waitingExecutions: store.collection("codebuild.waitingExecutions"),
  appendEvents: (events) => appendEvents(store, events),
});

export const projectKey = (scope: AwsScope, name: string): Key => [scope.accountId, scope.region, name];
export const buildKey = (scope: AwsScope, projectName: string, uuid: string): Key => [
  scope.accountId,
  scope.region,
  projectName,
  uuid,
];

export const projectArn = (scope: AwsScope, name: string): string => arnIn(scope, "codebuild", `project/${name}`);
export const buildArn = (scope: AwsScope, buildId: string): string => arnIn(scope, "codebuild", `build/${buildId}`);

/** Name of a project given by name or ARN. */
export const projectNameOf = (nameOrArn: string): string => {
  const resource = parseArn(nameOrArn)?.resource;
  return resource?.startsWith("project/") ? resource.slice("project/".length) : nameOrArn;
};

/** The account and region an ARN names; a name or id means the caller's. */
export function scopeOf(nameOrArn: string, scope: AwsScope): AwsScope {
  const arn = parseArn(nameOrArn);
  if (!arn || arn.accountId === "" || arn.region === "") return scope;
  return { partition: arn.partition, region: arn.region, accountId: arn.accountId };
}

/** Where the project of a name or ARN is kept. */
export const projectAt = (nameOrArn: string, scope: AwsScope): { readonly scope: AwsScope; readonly name: string } => ({
  scope: scopeOf(nameOrArn, scope),
  name: projectNameOf(nameOrArn),
});

export interface RunId {
  readonly projectName: string;
  readonly uuid: string;
}

/** Project and uuid of a build given by id or ARN. */
export const parseBuildId = (idOrArn: string): RunId => parseRunId("build", idOrArn);

/** The same for a batch, whose ARN says `build-batch/`. */
export const parseBatchId = (idOrArn: string): RunId => parseRunId("build-batch", idOrArn);

function parseRunId(kind: string, idOrArn: string): RunId {
  const resource = parseArn(idOrArn)?.resource;
  const id = resource?.startsWith(`${kind}/`) ? resource.slice(kind.length + 1) : idOrArn;
  const colon = id.indexOf(":");
  return colon === -1 ? { projectName: id, uuid: "" } : { projectName: id.slice(0, colon), uuid: id.slice(colon + 1) };
}

/** The build as BatchGetBuilds returns it. */
export const buildShape = ({ build, phases }: BuildRecord): Build => ({ ...build, phases: phases.map(phaseShape) });

/** A phase of a build or a batch with AWS's names of its times. */
export function phaseShape<P extends { readonly startTimeMs: number; readonly endTimeMs?: number }>(phase: P) {
  const { startTimeMs, endTimeMs, ...rest } = phase;
  return { ...rest, startTime: startTimeMs, ...(endTimeMs === undefined ? {} : { endTime: endTimeMs }) };
}
