/**
 * One known cause of build failures. Each lives in causes/<id>.ts; causes/index.ts holds the order in which they are
 * asked. A cause only reads; it may name parameters, roles and files, never a value.
 */
import type { Fix } from "../core/diagnostics.ts";
import type { BuildFacts } from "./build-facts.ts";
import type { Confidence, ProjectField } from "./diagnosis.ts";
import type { Failure } from "./failures.ts";

export interface Cause {
  /** `topic/kebab`; also the file's name, with `-` for `/`. */
  readonly id: string;
  /** Documentation URLs of the behaviour. */
  readonly sources: readonly string[];
  /** What is known when this failure has this cause, else undefined. */
  match(failure: Failure, facts: BuildFacts): Finding | undefined;
}

export interface Finding {
  /** One sentence, lower-case start, no final full stop. */
  readonly cause: string;
  readonly file?: string;
  readonly line?: number;
  readonly field?: ProjectField;
  readonly evidence: readonly string[];
  readonly why?: string;
  readonly fix?: Fix;
  readonly alternatives?: readonly Fix[];
  /** Further lines of the same failure that follow from the cause. */
  readonly consequences?: readonly string[];
  readonly confidence: Confidence;
  readonly next?: string;
  /** How to see that it is gone, where prove.ts cannot say it from the fix. */
  readonly prove?: string;
  /** True when the finding only says where to look. */
  readonly isUndiagnosed?: boolean;
}
