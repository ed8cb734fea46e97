/**
 * Everything an explanation may look at, gathered by the caller (cli/, services' console); no values of parameters or
 * secrets are in it. The build is in BatchGetBuilds' shape, so an AWS build can be explained as well as Kiln's own.
 */
import type { DecisionRecord } from "../authorize/decision.ts";
import type { Buildspec } from "../build/buildspec/buildspec.ts";
import type { BuildPlan } from "../build/plan/build-plan.ts";
import type { BuildEvent } from "../build/run/events.ts";
import type { Workspace } from "../check/tree/workspace.ts";

export interface SourceRecord {
  readonly type?: string;
  readonly location?: string;
  readonly buildspec?: string;
  readonly sourceIdentifier?: string;
  readonly reportBuildStatus?: boolean;
  readonly auth?: { readonly type?: string; readonly resource?: string };
}

export interface ArtifactsRecord {
  readonly location?: string;
  readonly artifactIdentifier?: string;
}

/** The members of `codebuild:Build` that explanations read; names are AWS's. */
export interface BuildRecord {
  readonly id?: string;
  readonly arn?: string;
  readonly projectName?: string;
  readonly buildStatus?: string;
  readonly serviceRole?: string;
  readonly timeoutInMinutes?: number;
  readonly queuedTimeoutInMinutes?: number;
  readonly buildBatchArn?: string;
  readonly source?: SourceRecord;
  /** The primary source's. */
  readonly sourceVersion?: string;
  readonly secondarySources?: readonly SourceRecord[];
  /** `location` is the ARN of what was, or would be, stored. */
  readonly artifacts?: ArtifactsRecord;
  readonly secondaryArtifacts?: readonly ArtifactsRecord[];
  readonly cache?: { readonly type?: string; readonly location?: string };
  readonly encryptionKey?: string;
  readonly logs?: {
    readonly groupName?: string;
    readonly streamName?: string;
    readonly s3Logs?: { readonly status?: string; readonly location?: string };
  };
  /** Epoch milliseconds. */
  readonly startTime?: number;
  readonly initiator?: string;
  /** A project's. */
  readonly webhook?: { readonly branchFilter?: string };
  readonly vpcConfig?: { readonly vpcId?: string; readonly subnets?: readonly string[] };
  readonly fileSystemLocations?: readonly {
    readonly identifier?: string;
    readonly location?: string;
    readonly mountPoint?: string;
  }[];
  readonly environment?: {
    readonly imagePullCredentialsType?: string;
    readonly environmentVariables?: readonly { readonly name?: string; readonly type?: string }[];
    readonly image?: string;
    readonly type?: string;
    readonly computeType?: string;
    readonly privilegedMode?: boolean;
    readonly certificate?: string;
  };
  readonly phases?: readonly {
    readonly phaseType?: string;
    readonly phaseStatus?: string;
    /** Epoch milliseconds. */
    readonly startTime?: number;
    readonly endTime?: number;
    readonly contexts?: readonly { readonly statusCode?: string; readonly message?: string }[];
  }[];
}

/** A parameter without its value. */
export interface ParameterFacts {
  readonly name: string;
  readonly version: number;
  readonly type: string;
  readonly lastModifiedMs: number;
  /** Earlier versions, oldest first, when the caller could read them. */
  readonly history?: readonly { readonly version: number; readonly lastModifiedMs: number }[];
}

/** An error that a call of AWS's answered, as a tool printed it. */
export interface ApiError {
  /** E.g. `InvalidInputException`; empty when only the text is known. */
  readonly code: string;
  /** E.g. `CreateProject`. */
  readonly operation?: string;
  readonly message: string;
}

export interface BuildFacts {
  readonly build: BuildRecord;
  /** No build of Kiln's: read from files that were saved from AWS, so AWS's own commands help. */
  readonly isSaved?: boolean;
  /** One of several readings of a text that nothing marks as AWS's: counts only when a cause knows it. */
  readonly isGuess?: boolean;
  /** Of a project that could not be made, or a build that could not be started. */
  readonly apiError?: ApiError;

  /** In order; empty when nothing but the build record is known. */
  readonly events: readonly BuildEvent[];
  readonly buildspec?: Buildspec;
  readonly plan?: BuildPlan;
  /** Policy decisions of the build's session, in order. */
  readonly decisions: readonly DecisionRecord[];
  readonly workspace?: Workspace;
  readonly parameters: readonly ParameterFacts[];
  /** Start of the newest build of this project that succeeded, in epoch milliseconds. */
  readonly lastSuccess?: { readonly buildId: string; readonly startMs: number };
}
