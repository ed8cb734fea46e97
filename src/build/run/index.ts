/** Public face of build/run: executes a plan and tells what happens. */

export type { Engine, EngineName } from "../../engines/engine.ts";
export type {
  BuildDocker,
  BuildDockerRequest,
  BuildRequest,
  BuildResult,
  BuildSource,
  LoadedPlan,
  RunDependencies,
} from "./build-request.ts";
export type { BuildspecLocation } from "./buildspec-location.ts";
export { chooseEngine, isCuratedImage } from "./choose-engine.ts";
export type { BuildEvent, BuildPhase, BuildStatus, PhaseContext, PhaseType } from "./events.ts";
export { expandEvent } from "./expand-events.ts";
export type { SecretSet } from "./mask.ts";
export type { SecretReference } from "./resolve-variables.ts";
export { runBuild } from "./run-build.ts";
