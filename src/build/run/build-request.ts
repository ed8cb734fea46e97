/**
 * What a run needs and what it gives back. The service `codebuild` makes the request from a build record and hands in
 * the outside world as dependencies; nothing here knows where records, sockets or endpoints come from.
 */
import type { AwsScope } from "../../core/arn.ts";
import type { AwsCaller } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import type { Result } from "../../core/result.ts";
import type { Engine } from "../../engines/engine.ts";
import type { BuildPlan } from "../plan/index.ts";
import type { BuildEvent, BuildPhase, BuildStatus, PhaseContext } from "./events.ts";

export interface BuildSource {
  /** CodeBuild's source type, e.g. `GITHUB`, `NO_SOURCE`. */
  readonly type: string;
  /** `file:///folder` for a folder of this machine, a clone URL for git sources. */
  readonly location?: string | undefined;
  /** Path, whole text, or S3 ARN; absent or empty means `buildspec.yml`. */
  readonly buildspec?: string | undefined;
  readonly gitCloneDepth?: number | undefined;
  readonly gitSubmodulesConfig?: { readonly fetchSubmodules: boolean } | undefined;
  readonly insecureSsl?: boolean | undefined;
  readonly auth?: { readonly type: string; readonly resource?: string | undefined } | undefined;
  /** Set for secondary sources. */
  readonly sourceIdentifier?: string | undefined;
  /** Commit, branch, tag, `pr/<n>`, or an S3 version id; secondary sources only, the primary's is the request's. */
  readonly sourceVersion?: string | undefined;
}

/** Where artifacts go: the project's `artifacts` or one of its `secondaryArtifacts`, with CreateProject's members. */
export interface ArtifactsTarget {
  readonly type: string;
  /** Bucket. `file:///folder` is a folder of this machine. */
  readonly location?: string | undefined;
  readonly path?: string | undefined;
  readonly namespaceType?: string | undefined;
  readonly name?: string | undefined;
  readonly packaging?: string | undefined;
  readonly overrideArtifactName?: boolean | undefined;
  readonly encryptionDisabled?: boolean | undefined;
  readonly artifactIdentifier?: string | undefined;
  readonly bucketOwnerAccess?: string | undefined;
}

/** The project's `cache`, with CreateProject's members. */
export interface CacheTarget {
  readonly type: string;
  readonly location?: string | undefined;
  readonly modes?: readonly string[] | undefined;
  readonly cacheNamespace?: string | undefined;
}

/** Where the whole log goes besides CloudWatch Logs. */
export interface S3LogsTarget {
  /** `bucket/prefix` or an ARN. */
  readonly location?: string | undefined;
  readonly encryptionDisabled?: boolean | undefined;
  readonly bucketOwnerAccess?: string | undefined;
}

export interface BuildRequest {
  /** `<project>:<uuid>` */
  readonly buildId: string;
  readonly uuid: string;
  readonly buildArn: string;
  readonly buildNumber: number;
  readonly projectName: string;
  readonly projectArn: string;
  readonly scope: AwsScope;
  /** ARN of the service role. */
  readonly serviceRole: string;
  readonly initiator: string;
  readonly startTimeMs: number;
  readonly image: string;
  readonly privilegedMode: boolean;
  readonly encryptionKey: string;
  readonly source: BuildSource;
  readonly sourceVersion?: string | undefined;
  readonly secondarySources: readonly BuildSource[];
  readonly artifacts: ArtifactsTarget;
  readonly secondaryArtifacts: readonly ArtifactsTarget[];
  readonly cache: CacheTarget;
  readonly environmentType: string;
  readonly computeType: string;
  /** `CODEBUILD_…` variables of the webhook event or the batch that made the build. */
  readonly variables: Readonly<Record<string, string>>;
  /** Absent when S3 logs are disabled. */
  readonly s3Logs?: S3LogsTarget | undefined;
  /** Absent when CloudWatch Logs are disabled. */
  readonly logs?: { readonly groupName: string; readonly streamName: string } | undefined;
  readonly timeoutMs: number;
  readonly queuedTimeoutMs: number;
  /** AWS's grammar only. */
  readonly strict: boolean;
}

export type LoadedPlan =
  | { readonly kind: "plan"; readonly plan: BuildPlan; readonly warnings?: readonly string[] }
  | { readonly kind: "failure"; readonly failure: PhaseContext };

/** The docker side of a build, as far as the run is concerned. */
export interface BuildDocker {
  readonly variables: Readonly<Record<string, string>>;
  readonly pathPrefix: readonly string[];
  /** `docker`, `podman`, `embedded` or `none`; for people. */
  readonly backend: string;
  close(): Promise<void>;
}

export interface BuildDockerRequest {
  readonly buildId: string;
  readonly workDir: string;
  readonly privileged: boolean;
  readonly signal: AbortSignal;
  onPushed(reference: string, digest: string): void;
  onNotice(text: string): void;
}

export interface RunDependencies {
  /** The engine for the image, or why there is none. */
  readonly engine: Result<Engine, string>;
  /** Calls as the service role (session `AWSCodeBuild-<uuid>`). */
  readonly role: AwsCaller;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Buildspec text → plan; `file` is the name people know it by. */
  loadPlan(text: string, file: string): LoadedPlan;
  openDocker?: (request: BuildDockerRequest) => Promise<BuildDocker>;
  /** Empty, private folder of this build. */
  readonly workDir: string;
  /** Private folder for the saved environment, which holds secrets: in memory where the machine has such a place. */
  readonly privateDir: string;
  /** Where artifacts are put. */
  readonly artifactsDir: string;
  /** `AWS_CONTAINER_CREDENTIALS_FULL_URI` and its token. */
  readonly credentials: { readonly uri: string; readonly token: string };
  readonly endpointUrl: string;
  /** The machine's environment (PATH, HOME, version managers); default `process.env`. */
  readonly machine?: Readonly<Record<string, string | undefined>>;
  /** Receives every event in order. A returned promise holds back the build's output. */
  emit(event: BuildEvent): void | Promise<void>;
  /** The log stream exists now and may be written to. */
  onLogStreamReady?(): void;
  /** Aborts when StopBuild asks for it. */
  readonly signal: AbortSignal;
}

export interface BuildResult {
  readonly buildStatus: BuildStatus;
  readonly phases: readonly BuildPhase[];
  readonly exportedVariables: readonly { readonly name: string; readonly value: string }[];
  readonly resolvedSourceVersion?: string;
  /** Set when artifacts were collected. */
  readonly artifactsLocation?: string;
}
