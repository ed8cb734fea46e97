/** What CodeBuild keeps: projects, builds, and small things beside them. Keys start with account and region. */

import type { BuildPhase as RunPhase } from "../../build/run/events.ts";
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { Collection, Key, Store } from "../../store/store.ts";
import type {
  Build,
  EnvironmentVariable,
  LogsConfig,
  Project,
  ProjectArtifacts,
  ProjectCache,
  ProjectEnvironment,
  ProjectSource,
  ProjectSourceVersion,
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
}

/** What made a build, besides its settings: a webhook's event, a batch. RetryBuild keeps it. */
export interface BuildOrigin {
  /** `CODEBUILD_…` variables that the event or the batch brings, e.g. `CODEBUILD_WEBHOOK_EVENT`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly buildBatchArn?: string | undefined;
  /** Default: the caller's name. */
  readonly initiator?: string | undefined;
}

/** A process, so that another can tell whether it still lives: a process id alone is used again. */
export interface ProcessMark {
  readonly pid: number;
  /** The operating system's start time of that process, or "" where it is not to be had. */
  readonly started: string;
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
}

export const recordsIn = (store: Store): CodeBuildRecords => ({
  projects: store.collection("codebuild.projects"),
  builds: store.collection("codebuild.builds"),
  numbers: store.collection("codebuild.numbers"),
  stops: store.collection("codebuild.stops"),
  tokens: store.collection("codebuild.tokens"),
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

/** Project and uuid of a build given by id or ARN. */
export function parseBuildId(idOrArn: string): { readonly projectName: string; readonly uuid: string } {
  const resource = parseArn(idOrArn)?.resource;
  const id = resource?.startsWith("build/") ? resource.slice("build/".length) : idOrArn;
  const colon = id.indexOf(":");
  return colon === -1 ? { projectName: id, uuid: "" } : { projectName: id.slice(0, colon), uuid: id.slice(colon + 1) };
}

/** The build as BatchGetBuilds returns it. */
export function buildShape(record: BuildRecord): Build {
  const phases = record.phases.map(({ startTimeMs, endTimeMs, ...rest }) => ({
    ...rest,
    startTime: startTimeMs,
    ...(endTimeMs === undefined ? {} : { endTime: endTimeMs }),
  }));
  return { ...record.build, phases };
}
