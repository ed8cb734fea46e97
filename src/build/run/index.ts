/** Public face of build/run: executes a plan and tells what happens. */

export type { Engine, EngineName } from "../../engines/engine.ts";
export { bucketArn, plannedLocation } from "./artifacts/destination.ts";
export { encryptionOf } from "./artifacts/store-artifacts.ts";
export type {
  BuildDocker,
  BuildDockerRequest,
  BuildRequest,
  BuildResult,
  BuildSource,
  LoadedPlan,
  RunDependencies,
  StoredArtifacts,
} from "./build-request.ts";
export { chooseEngine, isCuratedImage } from "./choose-engine.ts";
export type { BuildEvent, BuildPhase, BuildStatus, PhaseContext, PhaseType } from "./events.ts";
export { expandEvent } from "./expand-events.ts";
export type { SecretSet } from "./mask.ts";
export { BuildEnvironmentOpener, type CommandResult, type OpenEnvironment } from "./open-build-environment.ts";
export type {
  RawTestCase,
  ReportExport,
  ReportGroupHandle,
  ReportHandle,
  ReportSink,
} from "./reports/report-sink.ts";
export type { SecretReference } from "./resolve-variables.ts";
export { runBuild } from "./run-build.ts";
export { bucketAndPrefix, s3FailureText } from "./s3-failure.ts";
export type { BuildspecLocation } from "./sources/index.ts";
