/**
 * What a batch will do, before it does it: its builds, what each waits for, what each changes. Plain data, printable
 * (`kiln plan --graph`), kept in the batch's record; made by plan-batch.ts, carried out by services/codebuild.
 */
import type { BatchKind } from "../buildspec/index.ts";

export interface BatchPlan {
  readonly kind: BatchKind;
  readonly buildspecFile: string;
  /** Running builds are stopped as soon as one fails. */
  readonly fastFail: boolean;
  /** In file order; a matrix counts its last dimension fastest. Each stands for one build. */
  readonly tasks: readonly BatchTask[];
  /** What the section asks for and Kiln does otherwise; one line each, for people. */
  readonly notes: readonly string[];
}

export interface BatchTask {
  readonly identifier: string;
  /** Path of the buildspec; absent: the one that holds the batch. */
  readonly buildspec?: string;
  /** Identifiers that must have ended well (or may fail) before this one starts. */
  readonly dependsOn: readonly string[];
  readonly ignoreFailure: boolean;
  readonly debugSession: boolean;
  /** What differs from the project's environment. */
  readonly environment: TaskEnvironment;
  readonly variables: readonly { readonly name: string; readonly value: string }[];
  /** Only under `build-fanout`: which part of the test files is this build's. Index from 0. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** 1-based line of the buildspec. */
  readonly line: number;
}

export interface TaskEnvironment {
  readonly computeType?: string;
  /** Name of a fleet. */
  readonly fleet?: string;
  readonly image?: string;
  readonly privilegedMode?: boolean;
  readonly type?: string;
}

/** The project's `buildBatchConfig.restrictions`. */
export interface BatchRestrictions {
  /** Default 100. */
  readonly maximumBuildsAllowed?: number | undefined;
  readonly computeTypesAllowed?: readonly string[] | undefined;
  readonly fleetsAllowed?: readonly string[] | undefined;
}
