/** UPLOAD_ARTIFACTS: artifacts, then reports, then the cache, in CodeBuild's order. */
import { ok, type Result } from "../../core/result.ts";
import { collectArtifacts } from "./artifacts.ts";
import type { BuildLog } from "./build-log.ts";
import type { BuildRequest, RunDependencies } from "./build-request.ts";
import type { ReadyBuild } from "./download-source.ts";
import type { PhaseContext } from "./events.ts";

export interface UploadInput {
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly build: ReadyBuild;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
}

export interface Uploaded {
  readonly artifactsLocation?: string;
}

export async function uploadArtifacts(input: UploadInput): Promise<Result<Uploaded, PhaseContext>> {
  const { request, dependencies, build, log, signal } = input;
  const { artifacts } = build.plan;
  if (!artifacts) return ok({});
  if (request.artifacts.type === "NO_ARTIFACTS") {
    log.notice("info", "the project's artifacts type is NO_ARTIFACTS: the buildspec's `artifacts` are not collected");
    return ok({});
  }
  const targetDir = dependencies.artifactsDir;
  const collected = await collectArtifacts({
    artifacts,
    srcDir: build.srcDir,
    targetDir,
    signal,
    log: (text) => log.container(text),
    expand: (text) => build.session.expand(text),
  });
  if (!collected.ok) return collected;
  log.notice("info", `artifacts: ${collected.value} file${collected.value === 1 ? "" : "s"} in ${targetDir}`);
  return ok({ artifactsLocation: targetDir });
}
