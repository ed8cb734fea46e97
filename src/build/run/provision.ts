/**
 * QUEUED and PROVISIONING, for a build and for a sandbox alike: the log stream as the role, then the build's docker, then
 * the place its commands run in: on this machine, or in a container of the project's image.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
 */
import { err, ok, type Result } from "../../core/result.ts";
import type { BuildEnvironment, Engine, ProvisionedEnvironment } from "../../engines/engine.ts";
import type { BuildLog } from "./build-log.ts";
import type { BuildDocker, BuildRequest, RunDependencies } from "./build-request.ts";
import { limitsOf } from "./compute-limits.ts";
import type { PhaseContext } from "./events.ts";
import { createLogStream } from "./log-stream.ts";

/** QUEUED: the failure of the phase, or undefined. */
export async function leaveQueue(
  request: BuildRequest,
  dependencies: RunDependencies,
): Promise<PhaseContext | undefined> {
  const refused = await createLogStream(dependencies.role, request);
  if (!refused && request.logs) dependencies.onLogStreamReady?.();
  return refused;
}

/** What a build has before its sources. */
export interface Provisioned {
  readonly engine: Engine;
  readonly environment: ProvisionedEnvironment;
  readonly docker: BuildDocker | undefined;
}

/** PROVISIONING. `onDocker` is told as soon as there is something to close, whatever follows. */
export async function provisionBuild(input: {
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  onDocker(docker: BuildDocker): void;
  onEnvironment(environment: ProvisionedEnvironment): void;
}): Promise<Result<Provisioned, PhaseContext>> {
  const { request, dependencies, log, signal } = input;
  const { engine, engineNotice, openDocker, workDir } = dependencies;
  if (engineNotice !== undefined) log.notice("info", engineNotice);
  if (!engine.ok) {
    return err({
      statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
      message: `Unable to pull customer's container image. ${engine.error}`,
    });
  }
  // A container has no socket of this machine to be kept from.
  const isNeeded = request.privilegedMode || !engine.value.provision;
  let place: ProvisionedEnvironment | undefined;
  const docker = await (isNeeded ? openDocker : undefined)?.({
    buildId: request.buildId,
    workDir,
    privileged: request.privilegedMode,
    ...(engine.value.provision ? { sharedPath: async (asked) => place?.sharedPath?.(asked) } : {}),
    signal,
    onPushed: (reference, digest) => log.imagePushed(reference, digest),
    onNotice: (text) => log.notice("info", text),
  });
  if (docker) input.onDocker(docker);
  const environment = await provisionEnvironment(engine.value, docker, input);
  if (!environment.ok) return environment;
  place = environment.value;
  input.onEnvironment(environment.value);
  return ok({ engine: engine.value, environment: environment.value, docker });
}

async function provisionEnvironment(
  engine: Engine,
  docker: BuildDocker | undefined,
  { request, dependencies, log, signal }: Parameters<typeof provisionBuild>[0],
): Promise<Result<ProvisionedEnvironment, PhaseContext>> {
  if (!engine.provision) return ok(thisMachine(engine, dependencies.endpointUrl));
  const images = await dependencies.images?.(request);
  const limits = limitsOf(request.environmentType, request.computeType);
  const dockerHost = request.privilegedMode ? docker?.variables["DOCKER_HOST"] : undefined;
  const cacheName = cacheVolumeOf(request, dependencies.cacheDir);
  return engine.provision(
    {
      buildId: request.buildId,
      image: request.image,
      workDir: dependencies.workDir,
      privateDir: dependencies.privateDir,
      ...(images ? { images } : {}),
      ...(limits ? { limits } : {}),
      ...(dockerHost?.startsWith("unix://") ? { dockerSocket: dockerHost.slice("unix://".length) } : {}),
      ...(cacheName === undefined ? {} : { cacheName }),
      endpointUrl: dependencies.endpointUrl,
      onNotice: (level, text) => log.notice(level, text),
    },
    signal,
  );
}

/** Nothing to make: commands see this machine. */
function thisMachine(engine: Engine, endpointUrl: string): ProvisionedEnvironment {
  let opened: BuildEnvironment | undefined;
  return {
    endpointUrl,
    toEnvironmentPath: (path) => opened?.outside?.toEnvironmentPath(path) ?? path,
    toHostPath: (path) => opened?.outside?.toHostPath(path) ?? path,
    outside: {
      realFolder: async (path) => opened?.outside?.realFolder(path),
      get: async (path, signal) => opened?.outside?.get(path, signal),
    },
    async open(spec, signal) {
      opened = await engine.open(spec, signal);
      return opened;
    },
    async close() {
      const environment = opened;
      opened = undefined;
      await environment?.close();
    },
  };
}

/** The project's folder for LOCAL_CUSTOM_CACHE in the engine; one that a state in memory would leave there is not made. */
function cacheVolumeOf({ cache, scope, projectName }: BuildRequest, cacheDir: string | undefined): string | undefined {
  if (cacheDir === undefined || cache.type !== "LOCAL" || cache.modes?.includes("LOCAL_CUSTOM_CACHE") !== true) {
    return undefined;
  }
  const name = projectName.replace(/[^A-Za-z0-9_.-]/g, "-");
  return `kiln-cache-${scope.accountId}-${scope.region}-${name}-${cache.generation ?? 0}`;
}
