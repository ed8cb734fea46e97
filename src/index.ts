/** Public API: Kiln as a library, for test suites and tools. */

export { DEFAULT_PORT, type Kiln, type KilnOptions, startKiln } from "./app.ts";
export type { Decision, EvaluationInput } from "./authorize/decision.ts";
export { evaluate as evaluatePolicy } from "./authorize/index.ts";
export { parseBuildspec } from "./build/buildspec/index.ts";
export type { BuildEvent } from "./build/run/events.ts";
export { check as checkBuildspec, createFolderWorkspace } from "./check/index.ts";
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
