/** What every way of taking a source needs and gives back, and which source types are git's. */
import type { AwsScope } from "../../../core/arn.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import type { Clock } from "../../../core/clock.ts";
import type { BuildSource, RunDependencies } from "../build-request.ts";
import type { CredentialFiles } from "./credential-files.ts";
import type { Git } from "./git.ts";

/** One source of a build, about to be taken. */
export interface WantedSource {
  readonly source: BuildSource;
  /** Undefined for the default; never empty. */
  readonly version: string | undefined;
  /** Undefined for the primary source. */
  readonly identifier: string | undefined;
  /** Where it goes; does not exist yet. */
  readonly srcDir: string;
}

/** What a source is taken with. */
export interface SourceTools {
  readonly git: Git;
  /** File of the certificates that git trusts; undefined for the machine's own. */
  readonly caBundle: string | undefined;
  readonly role: AwsCaller;
  readonly scope: AwsScope;
  readonly projectName: string;
  /** Folder of the build for what belongs to sources and lies outside of them. */
  readonly scratchDir: string;
  /** Cached repositories of the project; undefined without LOCAL_SOURCE_CACHE. */
  readonly mirrorDir: string | undefined;
  readonly clock: Clock;
  readonly credentials: CredentialFiles;
  /** Credentials imported for the source's kind of server. */
  readonly imported: RunDependencies["sourceCredentials"];
  readonly authorizeAsRole: RunDependencies["authorizeAsRole"];
  readonly signal: AbortSignal;
}

export interface TakenSource {
  /** Commit id, or a pipeline's revision. */
  readonly resolvedVersion?: string;
  /** `CODEBUILD_SOURCE_REPO_URL`, where it is not the source's location. */
  readonly repoUrl?: string;
  /** `CODEBUILD_SOURCE_VERSION`, where it is not what was asked for. */
  readonly version?: string;
  /** What was taken, in one line. */
  readonly notice?: string;
  /** What is not in it although one would expect it. */
  readonly warnings?: readonly string[];
}

const GIT_SOURCES: ReadonlySet<string> = new Set([
  "CODECOMMIT",
  "GITHUB",
  "GITHUB_ENTERPRISE",
  "GITLAB",
  "GITLAB_SELF_MANAGED",
  "BITBUCKET",
]);

export const isGitSource = (type: string): boolean => GIT_SOURCES.has(type);
