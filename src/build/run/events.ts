/**
 * What happens in a build, as a stream of plain JSON objects in order. Text is already masked.
 * Read by build/report (terminal, plain, JSON, CodeBuild's log lines), by services/codebuild and by the console.
 */

export type PhaseType =
  | "SUBMITTED"
  | "QUEUED"
  | "PROVISIONING"
  | "DOWNLOAD_SOURCE"
  | "INSTALL"
  | "PRE_BUILD"
  | "BUILD"
  | "POST_BUILD"
  | "UPLOAD_ARTIFACTS"
  | "FINALIZING"
  | "COMPLETED";

export type BuildStatus = "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "FAULT" | "TIMED_OUT" | "STOPPED";

export interface PhaseContext {
  readonly statusCode: string;
  readonly message: string;
}

/** One phase as BatchGetBuilds returns it, times in epoch milliseconds. */
export interface BuildPhase {
  readonly phaseType: PhaseType;
  readonly phaseStatus?: BuildStatus;
  readonly startTimeMs: number;
  readonly endTimeMs?: number;
  readonly durationInSeconds?: number;
  readonly contexts?: readonly PhaseContext[];
}

export interface CacheOutcome {
  readonly kind: "restored" | "missed" | "saved" | "skipped";
  readonly store: "S3" | "LOCAL";
  /** The evaluated `cache.key`; for LOCAL the cached folder as written; absent for a project's one cache in S3. */
  readonly key?: string;
  /** The key that was found, which a fallback key may have led to. */
  readonly matchedKey?: string;
  /** Of the archive; not set for LOCAL, where nothing is copied. */
  readonly bytes?: number;
  readonly files?: number;
  readonly durationMs: number;
  /** Why not, for `missed` and `skipped`. */
  readonly reason?: string;
}

/** A report that was made; its ARN leads to its test cases or coverages. */
export type ReportOutcome = {
  /** Name of the report group. */
  readonly group: string;
  readonly reportArn: string;
  /** E.g. `JUNITXML`. */
  readonly format: string;
  readonly status: "SUCCEEDED" | "FAILED" | "INCOMPLETE";
  /** Report files that were read. */
  readonly files: number;
} & (
  | { readonly reportType: "TEST"; readonly total: number; readonly statusCounts: Readonly<Record<string, number>> }
  | {
      readonly reportType: "CODE_COVERAGE";
      readonly lineCoveragePercentage: number;
      readonly branchCoveragePercentage: number;
    }
);

interface Base {
  readonly buildId: string;
  readonly atMs: number;
}

export type BuildEvent =
  | (Base & {
      readonly type: "build-started";
      readonly buildNumber: number;
      readonly projectName: string;
      readonly image: string;
      readonly engine: string;
      readonly serviceRole: string;
    })
  | (Base & { readonly type: "phase-started"; readonly phaseType: PhaseType })
  /** A `[Container] …` line without its prefix, or raw command output. `text` has no line end. */
  | (Base & { readonly type: "log"; readonly kind: "container" | "output"; readonly text: string })
  /** Kiln's own remark (never part of AWS's log), e.g. a runtime version that differs. */
  | (Base & { readonly type: "notice"; readonly level: "info" | "warning"; readonly text: string })
  | (Base & {
      readonly type: "command-started";
      readonly phaseType: PhaseType;
      readonly command: string;
      /** 1-based line in the buildspec. */
      readonly line: number;
    })
  | (Base & {
      readonly type: "command-finished";
      readonly phaseType: PhaseType;
      readonly command: string;
      readonly line: number;
      readonly exitStatus: number;
      readonly durationMs: number;
      /** The command's directory when it started. */
      readonly workingDirectory: string;
    })
  /** What became of the cache: one before the commands for each restore, one after them for each save. */
  | (Base & { readonly type: "cache" } & CacheOutcome)
  | (Base & { readonly type: "report" } & ReportOutcome)
  | (Base & { readonly type: "image-pushed"; readonly reference: string; readonly digest: string })
  | (Base & { readonly type: "phase-finished"; readonly phase: BuildPhase })
  | (Base & {
      readonly type: "build-finished";
      readonly buildStatus: BuildStatus;
      readonly phases: readonly BuildPhase[];
    });
