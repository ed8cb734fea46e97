/** Public face of build/buildspec: text in, located buildspec, failure and findings out. */

export { BATCH_IDENTIFIER, BATCH_KINDS, type BatchKind, COMPUTE_TYPES, ENVIRONMENT_TYPES } from "./batch-grammar.ts";
export type {
  BatchDimension,
  BatchEnvSection,
  BatchFanoutSection,
  BatchMatrixSection,
  BatchSection,
  BatchTaskSection,
} from "./batch-section.ts";
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
export { buildspecGrammar, MAX_REPORT_GROUPS } from "./buildspec-grammar.ts";
export {
  type BuildspecVersion,
  grammarAt,
  type KeyGrammar,
  keysOf,
  type SectionGrammar,
  type TextGrammar,
  type ValueGrammar,
} from "./grammar.ts";
export { buildspecSchema } from "./json-schema.ts";
export type { ParsedBuildspec } from "./parse-buildspec.ts";
export { maxBuildspecBytes, parameterNameIn, parseBuildspec } from "./parse-buildspec.ts";
