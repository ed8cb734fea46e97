/** Public face of build/plan: what a run will do, before it does it. */
export type {
  BuildPlan,
  PlannedArtifacts,
  PlannedCommand,
  PlannedPhase,
  PlannedVariable,
  VariableSource,
} from "./build-plan.ts";
export type { EnvironmentVariable, PlanInput, PlanProject, StartBuildOverrides } from "./plan-build.ts";
export { planBuild, shellOf } from "./plan-build.ts";
export type { RequiredPermission } from "./required-permissions.ts";
export { requiredPermissions } from "./required-permissions.ts";
