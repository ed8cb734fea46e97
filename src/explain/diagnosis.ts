/**
 * What `kiln explain` answers: the first cause of a failed build, where it is, how to fix it, what followed from it.
 * Made by explain-build.ts, printed by render.ts, put as `diagnosis` into the JSON of `kiln run` and `kiln explain`.
 * Three outcomes: `no-problem`, `problem` (a cause is known) and `undiagnosed` (the next best step is named instead).
 */
import type { Fix } from "../core/diagnostics.ts";

export type Outcome = "no-problem" | "problem" | "undiagnosed";

/** A setting of the project, or of StartBuild where it overrides one. */
export interface ProjectField {
  /** As CreateProject names it, e.g. `source.location`. */
  readonly path: string;
  readonly value?: string;
}

/** What went wrong beside it and failed no phase: a cache that may not be read, a retry that may not start. */
export interface SideFinding {
  readonly code: string;
  /** One sentence. */
  readonly cause: string;
  readonly file?: string;
  readonly line?: number;
  readonly field?: ProjectField;
  readonly evidence: readonly string[];
  readonly fix?: Fix;
  readonly next?: string;
}

/** `certain`: the service's own words say so; `likely`: read from a tool's output; `possible`: one of several causes. */
export type Confidence = "certain" | "likely" | "possible";

export interface Diagnosis {
  readonly outcome: Outcome;
  /** One sentence. */
  readonly cause: string;
  /** Id of the cause, e.g. `iam/parameter-read-denied`. */
  readonly code: string;
  /** Phase that failed first, e.g. `DOWNLOAD_SOURCE`. */
  readonly phase?: string;
  /** Path relative to the workspace, normally the buildspec. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  readonly field?: ProjectField;
  /** Lines as they stand in the log, the API answer or the policy decision. */
  readonly evidence: readonly string[];
  readonly why?: string;
  readonly fix?: Fix;
  /** Other ways, e.g. a broader managed policy; each title says how it differs. */
  readonly alternatives: readonly Fix[];
  /** Later failures that this cause explains, one sentence each. */
  readonly consequences: readonly string[];
  /** Also with a build that succeeded. */
  readonly alsoSeen: readonly SideFinding[];
  readonly confidence: Confidence;
  /** The next best step; always set when `undiagnosed`. */
  readonly next?: string;
  /** A command or step that shows that the cause is gone; always set unless there is no problem. */
  readonly prove?: string;
  /** Documentation URLs. */
  readonly sources: readonly string[];
}
