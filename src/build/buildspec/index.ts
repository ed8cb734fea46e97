/** Public face of build/buildspec: text in, located buildspec, failure and findings out. */
export type {
  BatchDimension,
  BatchEnvSection,
  BatchFanoutSection,
  BatchKind,
  BatchMatrixSection,
  BatchSection,
  BatchTaskSection,
} from "./batch-section.ts";
export { BATCH_KINDS } from "./batch-section.ts";
export type {
  Artifacts,
  Buildspec,
  BuildspecEnv,
  BuildspecFailure,
  Cache,
  Located,
  Phase,
  PhaseName,
  Report,
  SsmReference,
  Variable,
} from "./buildspec.ts";
export { PHASE_NAMES } from "./buildspec.ts";
export type { ParsedBuildspec } from "./parse-buildspec.ts";
export { maxBuildspecBytes, parameterNameIn, parseBuildspec } from "./parse-buildspec.ts";
