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

/** How a value is written where it was found. */
export type LeakForm =
  | "raw"
  | "base64"
  | "base64url"
  | "url-encoded"
  | "json-escaped"
  | "xml-escaped"
  | "shell-quoted"
  | "hex"
  | "utf-16";

/** A secret by its names; never its value. */
export interface LeakedSecret {
  /** For people, e.g. "`DOCKER_PASSWORD` (parameter `/app/password`)". */
  readonly title: string;
  /** Variables of the build that have the value. */
  readonly variables: readonly string[];
  /** The parameter, as it was asked for. */
  readonly parameter?: string;
  /** The secret of Secrets Manager, as it was asked for. */
  readonly secretId?: string;
  readonly jsonKey?: string;
  /** By its looks: the build was not given it. It may be an example. */
  readonly isUnknown?: true;
}

/** Where a secret was found. `line` is 1-based. */
export type LeakPlace =
  | { readonly kind: "log"; readonly line: number }
  /** `artifact`: the identifier of a secondary artifact. `path`: members of archives follow `!/`. */
  | { readonly kind: "artifact"; readonly artifact?: string; readonly path: string; readonly line?: number }
  | { readonly kind: "report"; readonly group: string; readonly path: string; readonly line?: number }
  | { readonly kind: "cache"; readonly key?: string; readonly path: string; readonly line?: number }
  | { readonly kind: "exported-variable"; readonly name: string }
  | {
      readonly kind: "image";
      readonly reference: string;
      readonly digest: string;
      /** Environment, labels, entry point and the like are the config; `history` is what `docker history` prints. */
      readonly part: "manifest" | "config" | "history" | "layer";
      /** E.g. `Env TOKEN`, `Labels build.token`. */
      readonly member?: string;
      /** Digest of the layer, and the file in it. */
      readonly layer?: string;
      readonly path?: string;
      readonly line?: number;
      /** A later layer removes the file: whoever pulls the image has it all the same. */
      readonly isDeletedLater?: true;
      /** What made the layer or the setting, without values. */
      readonly instruction?: string;
    };

/** A secret of the build in what the build left behind. */
export interface Leak {
  readonly secret: LeakedSecret;
  readonly place: LeakPlace;
  readonly form: LeakForm;
  /** Line ends lie within. */
  readonly isWrapped?: true;
  /** At this place, in any form. */
  readonly occurrences: number;
  readonly message: string;
  readonly why: string;
  readonly fix: readonly string[];
  /** The line of the buildspec or of a Dockerfile that did it. */
  readonly at?: { readonly file: string; readonly line: number };
}

/** That leaks were looked for, and in what not. */
export interface LeakCheck {
  readonly secrets: number;
  readonly leaks: number;
  /** Bytes that were searched, archives and layers unpacked. */
  readonly bytes: number;
  readonly durationMs: number;
  /** Secrets that are not looked for, each with the reason. */
  readonly notSearched: readonly string[];
  /** Outputs that were not looked into, each with the reason. */
  readonly notLookedAt: readonly string[];
}

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
  /** A secret was found in what the build left behind; after its last phase, before `build-finished`. */
  | (Base & { readonly type: "leak" } & Leak)
  /** After the leaks, if any: only of a build that was given secrets. */
  | (Base & { readonly type: "leak-check" } & LeakCheck)
  | (Base & { readonly type: "phase-finished"; readonly phase: BuildPhase })
  | (Base & {
      readonly type: "build-finished";
      readonly buildStatus: BuildStatus;
      readonly phases: readonly BuildPhase[];
    });
