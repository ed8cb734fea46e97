/**
 * Public face of build/run: executes a plan and tells what happens. What runs builds is loaded with the first build: it is
 * half of all modules, and an endpoint that only answers requests starts sooner and smaller without it.
 */
import type { BuildRequest, BuildResult, RunDependencies } from "./build-request.ts";
import type { BuildEnvironmentOpener } from "./open-build-environment.ts";

export type { Engine, EngineName, ImageSupply, SuppliedImage } from "../../engines/engine.ts";
export { bucketArn, encryptionOf, plannedLocation } from "./artifacts/destination.ts";
export type { BuildOutput, OutputFile, PreparedBuild } from "./build-output.ts";
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
export { chooseEngine, isCuratedImage, type NoEngine, noEngineText } from "./choose-engine.ts";
export type { BuildEvent, BuildPhase, BuildStatus, PhaseContext, PhaseType } from "./events.ts";
export { expandEvent } from "./expand-events.ts";
export type { SecretSet } from "./mask.ts";
export type { BuildEnvironmentOpener, CommandResult, OpenEnvironment } from "./open-build-environment.ts";
export type {
  RawTestCase,
  ReportExport,
  ReportGroupHandle,
  ReportHandle,
  ReportSink,
} from "./reports/report-sink.ts";
export { s3FailureText } from "./s3-failure.ts";
export { bucketAndPrefix } from "./s3-location.ts";
export type { BuildspecLocation } from "./sources/index.ts";

/** Runs the build to its end. Rejects only on a bug. */
export async function runBuild(request: BuildRequest, dependencies: RunDependencies): Promise<BuildResult> {
  const loaded = await import("./run-build.ts");
  return loaded.runBuild(request, dependencies);
}

/** Opens a build's environment without running its phases. */
export async function buildEnvironmentOpener(
  request: BuildRequest,
  dependencies: RunDependencies,
): Promise<BuildEnvironmentOpener> {
  const loaded = await import("./open-build-environment.ts");
  return new loaded.BuildEnvironmentOpener(request, dependencies);
}
