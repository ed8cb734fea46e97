/**
 * What `kiln explain` answers: the first cause of a failed build, where it is, how to fix it, what followed from it.
 * Made by explain-build.ts, printed by render.ts, put as `diagnosis` into the JSON of `kiln run` and `kiln explain`.
 * Three outcomes: `no-problem`, `problem` (a cause is known) and `undiagnosed` (the next best step is named instead).
 */
import type { Fix } from "../core/diagnostics.ts";

export type Outcome = "no-problem" | "problem" | "undiagnosed";

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
  /** Lines as they stand in the log, the API answer or the policy decision. */
  readonly evidence: readonly string[];
  readonly why?: string;
  readonly fix?: Fix;
  /** Other ways, e.g. a broader managed policy; each title says how it differs. */
  readonly alternatives: readonly Fix[];
  /** Later failures that this cause explains, one sentence each. */
  readonly consequences: readonly string[];
  readonly confidence: Confidence;
  /** The next best step; always set when `undiagnosed`. */
  readonly next?: string;
  /** Documentation URLs. */
  readonly sources: readonly string[];
}
