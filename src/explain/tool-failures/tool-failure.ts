/**
 * What one failed tool said: the sentence for a person, the few lines that carry it and the place in the user's code.
 * Made by read-tool-failure.ts from the readers in tools/, used by causes/tool-failed.ts and docker-step-failed.ts.
 */
import type { CommandFix } from "../../core/diagnostics.ts";
import type { ToolLog } from "./tool-log.ts";

export type ToolFailureKind =
  | "authentication"
  | "command-not-found"
  | "compile-error"
  | "configuration"
  | "crash"
  | "dependency-conflict"
  | "dependency-not-found"
  | "deployment"
  | "disk-full"
  | "file-not-found"
  | "lint"
  | "lock-out-of-date"
  | "network"
  | "out-of-memory"
  | "permission"
  | "rate-limit"
  | "runtime-error"
  | "service-error"
  | "syntax"
  | "terminated"
  | "test-failure"
  | "tls"
  | "usage"
  | "version-mismatch";

/** A place in the user's code, with the path as the tool wrote it. */
export interface CodePlace {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

interface Said {
  readonly kind: ToolFailureKind;
  /** One sentence, lower-case start, no final full stop; names of the log in backticks. */
  readonly headline: string;
  readonly place?: CodePlace;
  readonly why?: string;
  readonly next?: string;
  readonly fix?: CommandFix;
}

export interface ToolFailure extends Said {
  /** As a person calls it: `pip`, `aws`, `pytest`. */
  readonly tool: string;
  /** At most five lines of the output, in order, as they stand there (without colours). */
  readonly lines: readonly string[];
  /** What ran the tool and failed because of it, innermost first: `make target \`test\` (Makefile:12)`. */
  readonly within: readonly string[];
}

/**
 * `verdict`: the tool ended and says why. `symptom`: a trace or a message that a program may also survive; it counts when
 * no tool gave a verdict. `wrapper`: only says that something inside it failed.
 */
export type Rank = "verdict" | "symptom" | "wrapper";

/** What a reader found; `at`, `from`, `to` and `lines` are indexes of lines of the log. */
export interface Reading extends Said {
  readonly tool?: string;
  readonly rank: Rank;
  /** Where the failure is said: of several verdicts the first counts. */
  readonly at: number;
  /** What the tool printed; readings of others inside it are parts of it. Both ends count; default: only `at`. */
  readonly from?: number;
  readonly to?: number;
  readonly lines: readonly number[];
  readonly within?: readonly string[];
  /** What it passed on of the tool inside: these lines, without `strip`. The tool inside is the cause when it is known. */
  readonly inner?: { readonly lines: readonly number[]; readonly strip: RegExp; readonly command?: string };
}

export interface ToolReader {
  readonly tool: string;
  /** The reader is asked when the output holds one of these; a cheap screen. */
  readonly marks: readonly string[];
  read(log: ToolLog): Reading | undefined;
}

export const MAX_LINES = 5;
