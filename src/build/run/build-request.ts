/**
 * What a run needs and what it gives back. The service `codebuild` makes the request from a build record and hands in
 * the outside world as dependencies; nothing here knows where records, sockets or endpoints come from.
 */
import type { AwsScope } from "../../core/arn.ts";
import type { AwsCaller } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import type { Result } from "../../core/result.ts";
import type { DockerSocket } from "../../docker-api/docker-api.ts";
import type { Engine, ImageSupply, ProvisionedEnvironment } from "../../engines/engine.ts";
import type { BuildPlan } from "../plan/index.ts";
import type { BuildOutput, PreparedBuild } from "./build-output.ts";
import type { BuildEvent, BuildPhase, BuildStatus, PhaseContext } from "./events.ts";
import type { ReportSink } from "./reports/report-sink.ts";

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

/** Default `NONE`. */
export type BucketOwnerAccess = "NONE" | "READ_ONLY" | "FULL";

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
  readonly bucketOwnerAccess?: BucketOwnerAccess | undefined;
}

/** Artifacts that were stored, with BatchGetBuilds' members. */
export interface StoredArtifacts {
  /** ARN of the object (ZIP) or of what its files' keys begin with (NONE); `file:///…` on this machine. */
  readonly location: string;
  /** ZIP only. */
  readonly md5sum?: string;
  readonly sha256sum?: string;
  readonly artifactIdentifier?: string;
  readonly overrideArtifactName?: boolean;
  readonly encryptionDisabled?: boolean;
  readonly bucketOwnerAccess?: BucketOwnerAccess;
}

/** The project's `cache`, with CreateProject's members. */
export interface CacheTarget {
  readonly type: string;
  readonly location?: string | undefined;
  readonly modes?: readonly string[] | undefined;
  readonly cacheNamespace?: string | undefined;
  /** Grows with each InvalidateProjectCache: what was cached before is not found any more. Default 0. */
  readonly generation?: number | undefined;
}

/** Where the whole log goes besides CloudWatch Logs. */
export interface S3LogsTarget {
  /** `bucket/prefix` or an ARN. */
  readonly location?: string | undefined;
  readonly encryptionDisabled?: boolean | undefined;
  readonly bucketOwnerAccess?: BucketOwnerAccess | undefined;
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
  /** Who asks the image's registry; default CODEBUILD. */
  readonly imagePullCredentialsType?: string | undefined;
  /** Name or ARN of the secret with user name and password for the image's registry. */
  readonly registryCredential?: string | undefined;
  readonly encryptionKey: string;
  readonly source: BuildSource;
  readonly sourceVersion?: string | undefined;
  readonly secondarySources: readonly BuildSource[];
  readonly artifacts: ArtifactsTarget;
  readonly secondaryArtifacts: readonly ArtifactsTarget[];
  readonly cache: CacheTarget;
  readonly environmentType: string;
  readonly computeType: string;
  /** `bucket/key` or ARN of a certificate for git servers (PEM or zip). */
  readonly certificate?: string | undefined;
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
  /** A sandbox opens also where the source has no buildspec. */
  readonly opensWithoutBuildspec?: boolean;
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
  readonly forContainer: DockerSocket["forContainer"];
  close(): Promise<void>;
}

export interface BuildDockerRequest {
  readonly buildId: string;
  readonly workDir: string;
  readonly privileged: boolean;
  /** Where commands see other files than this machine's: see `ProvisionedEnvironment.sharedPath`. */
  readonly sharedPath?: ProvisionedEnvironment["sharedPath"];
  readonly signal: AbortSignal;
  onPushed(reference: string, digest: string): void;
  onNotice(text: string): void;
}

export interface RunDependencies {
  /** The engine for the image, or why there is none. */
  readonly engine: Result<Engine, string>;
  /** One line for people about the engine. */
  readonly engineNotice?: string;
  /** Calls as the service role (session `AWSCodeBuild-<uuid>`). */
  readonly role: AwsCaller;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Buildspec text → plan; `file` is the name people know it by. */
  loadPlan(text: string, file: string): LoadedPlan;
  openDocker?: (request: BuildDockerRequest) => Promise<BuildDocker>;
  /** Where the image of a build in a container comes from; absent: from the engine alone. */
  images?: (request: BuildRequest) => Promise<ImageSupply>;
  /** Empty, private folder of this build. */
  readonly workDir: string;
  /** Private folder for the saved environment, which holds secrets: in memory where the machine has such a place. */
  readonly privateDir: string;
  /** Folder for artifacts that go to no bucket; does not exist yet. */
  readonly artifactsDir: string;
  /** Where test and coverage reports go; absent: none are made. */
  readonly reports?: ReportSink;
  /** Caches of this machine, shared by all builds of the state; absent: type LOCAL keeps nothing. */
  readonly cacheDir?: string;
  /** Kiln's own folder, from which no build gets a file; absent: it is in memory. */
  readonly stateDir?: string;
  /** Decides actions of the role that are no API call of the build (`s3:PutBucketAcl`). Throws AwsError. */
  authorizeAsRole?(
    requests: readonly { readonly action: string; readonly resource: string; readonly resourceText?: string }[],
    about: { readonly service: "codebuild" | "s3"; readonly operation: string },
  ): Promise<void>;
  /**
   * Credentials imported for a source's kind of server (ImportSourceCredentials); sources with an `auth` of their own are
   * not asked about. Rejects with an AwsError where they cannot be had.
   */
  sourceCredentials?(
    source: BuildSource,
  ): Promise<{ readonly username: string; readonly password: string } | undefined>;
  /** `AWS_CONTAINER_CREDENTIALS_FULL_URI` and its token. */
  readonly credentials: { readonly uri: string; readonly token: string };
  readonly endpointUrl: string;
  /** The machine's environment (PATH, HOME, version managers); default `process.env`. */
  readonly machine?: Readonly<Record<string, string | undefined>>;
  /** Receives every event in order. A returned promise holds back the build's output. */
  emit(event: BuildEvent): void | Promise<void>;
  /** The log stream exists now and may be written to. */
  onLogStreamReady?(): void;
  /** Writes the whole log to S3, after its last line; what to say when that is not possible. */
  storeLog?(): Promise<PhaseContext | undefined>;
  /** The build waited longer than `queuedTimeoutMs`: it ends TIMED_OUT in QUEUED and runs nothing. */
  readonly queueTimedOut?: boolean;
  /** Tells the secret parts of the role's credentials, now and after each renewal: they are hidden in the log. */
  onRoleSecrets?(listener: (values: readonly string[]) => void): void;
  /** The variables have their values, and the sources are there. */
  onPrepared?(build: PreparedBuild): void;
  /** Artifacts, a report or a cache were stored. */
  onOutput?(output: BuildOutput): void;
  /** How much of what commands print is kept; default 512 Mi characters. */
  readonly maxOutputLength?: number;
  /** Aborts when StopBuild asks for it. */
  readonly signal: AbortSignal;
}

export interface BuildResult {
  readonly buildStatus: BuildStatus;
  /** The build failed under `on-failure: RETRY…` with a message that it names: so many builds may follow it. */
  readonly retry?: { readonly maximum: number };
  readonly phases: readonly BuildPhase[];
  readonly exportedVariables: readonly { readonly name: string; readonly value: string }[];
  readonly resolvedSourceVersion?: string;
  /** Commits of the secondary sources that have one, else the versions asked for. */
  readonly secondarySourceVersions?: readonly { readonly sourceIdentifier: string; readonly sourceVersion: string }[];
  /** Set when artifacts were stored. */
  readonly artifacts?: StoredArtifacts;
  readonly secondaryArtifacts: readonly StoredArtifacts[];
}
