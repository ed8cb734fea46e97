/** Public face of build/plan: what a run will do, before it does it. */
export type {
  BuildPlan,
  PlannedArtifacts,
  PlannedCommand,
  PlannedPhase,
  PlannedReport,
  PlannedVariable,
  VariableOrigin,
  VariableSource,
} from "./build-plan.ts";
export {
  type CuratedImage,
  curatedImage,
  curatedNames,
  LAMBDA_RUNTIMES,
  maintainedRuntimes,
  type Runtimes,
} from "./curated-images.ts";
export { type OnFailure, parseOnFailure } from "./on-failure.ts";
export type { EnvironmentVariable, PlanInput, PlanProject, StartBuildOverrides } from "./plan-build.ts";
export { planBuild } from "./plan-build.ts";
export type { RoleSettings } from "./project-permissions.ts";
export type { RequiredPermission } from "./required-permissions.ts";
export { requiredPermissions } from "./required-permissions.ts";
export { type RuntimeSelection, type SelectedRuntime, selectRuntimes } from "./runtime-selection.ts";
export type { S3Settings } from "./s3-permissions.ts";
export { parseSecretReference, type SecretReference } from "./secret-reference.ts";
export { shellOf } from "./shell-of.ts";
