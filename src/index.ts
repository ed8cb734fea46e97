/**
 * Public API: Kiln as a library, for test suites and tools. Every test file loads it, so it holds only what a start needs;
 * the parser of buildspecs is `kiln/buildspec`.
 */

import type { CheckInput } from "./check/index.ts";
import type { Diagnostic } from "./core/diagnostics.ts";

export { DEFAULT_PORT, type Kiln, type KilnOptions, startKiln } from "./app.ts";
export type { Decision, EvaluationInput } from "./authorize/decision.ts";
export { evaluate as evaluatePolicy } from "./authorize/index.ts";
export type { BuildEvent } from "./build/run/events.ts";
export { createFolderWorkspace } from "./check/tree/folder-workspace.ts";
export type {
  ClientConfig,
  ClockState,
  Fault,
  FaultInput,
  FaultKind,
  Keep,
  KeysState,
  ResetOptions,
  Snapshot,
  Testing,
} from "./control/library.ts";
export type { AwsCaller } from "./core/aws.ts";
export type { Diagnostic } from "./core/diagnostics.ts";
export { AwsError, KilnError } from "./core/errors.ts";

/** The findings about a buildspec and the files around it. The checker is loaded with the first call: tests need none. */
export async function checkBuildspec(input: CheckInput): Promise<Diagnostic[]> {
  const { check } = await import("./check/index.ts");
  return check(input);
}
