/**
 * Chooses what answers the build's docker: nothing without privilegedMode, an engine of this machine behind Kiln's proxy,
 * or the embedded builder. Called by the build runner once per build.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Clock, systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { type Ids, systemIds } from "../core/ids.ts";
import { makeOwnedFolder, removeOrphans } from "../core/owned-folders.ts";
import { findEngine } from "../engine-api/find-engine.ts";
import { LayerStore } from "../images/layer-store.ts";
import { type GuardOptions, writeDockerGuard, writeDockerWrapper } from "./cli/wrapper.ts";
import type { ContainerCli, DockerSocket, DockerSocketRequest } from "./docker-api.ts";
import { detectIsolation } from "./embedded/isolation.ts";
import { startEmbeddedServer } from "./embedded/server.ts";
import { startProxy } from "./proxy/proxy.ts";
import { LABEL } from "./proxy/session.ts";

/** Longest path a unix socket can have, in bytes, on the systems Kiln runs on. */
const MAX_SOCKET_PATH_BYTES = 100;
/** Of folders for sockets in the system's temporary folder. */
const FAR_PREFIX = "kiln-docker-";
const BUILDX_TIMEOUT_MS = 30_000;

export async function openDockerSocket(
  request: DockerSocketRequest,
  ports: { readonly clock: Clock; readonly ids: Ids; readonly environment: NodeJS.ProcessEnv } = {
    clock: systemClock,
    ids: systemIds,
    environment: process.env,
  },
): Promise<DockerSocket> {
  const dockerDir = join(request.workDir, "docker");
  await mkdir(dockerDir, { recursive: true, mode: 0o700 });
  const machineCli = findDockerCli(ports.environment["PATH"]);
  const binDir = join(dockerDir, "bin");
  const containerBinDir = join(dockerDir, "container-bin");
  const configDir = join(dockerDir, "config");
  const variables = { DOCKER_CONFIG: configDir, DOCKER_CLI_HINTS: "false" };
  if (!request.privileged) {
    // The machine's own CLI would log in to the real registry by itself when no daemon answers; ours never connects.
    // For what opens the API itself: a socket that nobody listens at, though the machine may have an engine.
    const nowhere = `unix://${join(dockerDir, "no-daemon.sock")}`;
    return {
      dockerHost: undefined,
      variables: { ...variables, DOCKER_HOST: nowhere },
      pathPrefix: [await writeDockerWrapper(binDir, false)],
      backend: "none",
      forContainer: async () => ({ variables: {}, pathPrefix: [] }),
      close: async () => undefined,
    };
  }
  /** The build's `docker`. */
  const pathWith = async (options: GuardOptions): Promise<string[]> => {
    if (machineCli === undefined) return [await writeDockerWrapper(binDir, true)];
    // Pushes that are meant go where the machine's CLI sends them.
    if (request.pushForReal && !options.buildsWithSmallDocker) return [];
    return [await writeDockerGuard(binDir, machineCli, { ...options, refusesNothing: request.pushForReal })];
  };
  /** The guard before the docker CLI of a container; its folder is the build's, and the build sends it there. */
  const inContainer = async (cli: ContainerCli, options: GuardOptions): Promise<string[]> => {
    if (request.pushForReal && options.label === undefined) return [];
    return [await writeDockerGuard(containerBinDir, cli.path, { ...options, refusesNothing: request.pushForReal })];
  };
  const { socketPath, release } = await socketPathFor(dockerDir);
  const dockerHost = `unix://${socketPath}`;
  const wanted = request.backend ?? "auto";
  const cliEnvironment = { ...ports.environment, DOCKER_HOST: dockerHost, DOCKER_CONFIG: configDir };
  try {
    await linkPlugins(ports.environment, configDir);
    const engine = wanted === "embedded" ? undefined : await findEngine(ports.environment, wanted, request.signal);
    if (engine) {
      const proxy = await startProxy({ request, engine, socketPath });
      // Docker's CLI without buildx refuses to build when told to use BuildKit; Podman has none.
      const hasBuildKit = engine.kind === "docker" && (await hasBuildx(machineCli, cliEnvironment));
      const label = `${LABEL}=${request.buildId}`;
      const builder = hasBuildKit ? "BuildKit" : "the classic builder (no buildx here)";
      const target = request.pushForReal ? "the registries they name" : "Kiln's registry";
      request.onNotice(`docker: ${engine.description}, builds with ${builder}, pushes go to ${target}`);
      return {
        dockerHost,
        variables: { ...variables, DOCKER_HOST: dockerHost, ...(!hasBuildKit && { DOCKER_BUILDKIT: "0" }) },
        // With BuildKit it is the only place where the build's label can be added.
        pathPrefix: await pathWith(hasBuildKit ? { label } : {}),
        backend: engine.kind,
        forContainer: async (cli) => {
          const buildsWithBuildKit = engine.kind === "docker" && cli.hasBuildx;
          return {
            variables: buildsWithBuildKit ? {} : { DOCKER_BUILDKIT: "0" },
            pathPrefix: await inContainer(cli, buildsWithBuildKit ? { label } : {}),
          };
        },
        close: () => proxy.close().finally(release),
      };
    }
    if (wanted === "docker" || wanted === "podman") {
      throw new KilnError({
        code: "KILN_E_NO_ENGINE",
        message: `no ${wanted} engine answers on this machine`,
        fix: [`start ${wanted}, or set DOCKER_HOST to its socket`, "or use the embedded builder"],
        exitCode: 4,
      });
    }
    const store = await LayerStore.open(request.imageStoreDir);
    const { registryUrl, rootKey, signal } = request;
    const network = { pushes: request.pushForReal, pulls: request.pullForReal ?? false };
    const server = await startEmbeddedServer(
      {
        request,
        store,
        isolation: await detectIsolation(store),
        transfer: { store, registryUrl, rootKey, signal, mappedImage: request.mappedImage, network },
        clock: ports.clock,
        ids: ports.ids,
      },
      socketPath,
    );
    return {
      dockerHost,
      variables: { ...variables, DOCKER_HOST: dockerHost },
      // Without buildx the machine's CLI has the classic builder's words; on CodeBuild they are BuildKit's.
      pathPrefix: await pathWith({
        pushes: "kiln",
        buildsWithSmallDocker: !(await hasBuildx(machineCli, cliEnvironment)),
      }),
      backend: "embedded",
      forContainer: async (cli) => ({ variables: {}, pathPrefix: await inContainer(cli, { pushes: "kiln" }) }),
      close: () => server.close().finally(release),
    };
  } catch (error) {
    await release();
    throw error;
  }
}

function findDockerCli(path: string | undefined): string | undefined {
  const folders = (path ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "docker")).find((file) => existsSync(file));
}

/** The user's own plugins (buildx, compose), which the CLI looks for below DOCKER_CONFIG; the build has another one. */
async function linkPlugins(environment: NodeJS.ProcessEnv, configDir: string): Promise<void> {
  const own = join(environment["DOCKER_CONFIG"] || join(environment["HOME"] ?? homedir(), ".docker"), "cli-plugins");
  if (!existsSync(own)) return;
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  await symlink(own, join(configDir, "cli-plugins"));
}

/** Whether the CLI has the buildx plugin, asked of the CLI: plugins lie in several folders. */
async function hasBuildx(machineCli: string | undefined, environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (machineCli === undefined) return false;
  const options = { env: environment, timeout: BUILDX_TIMEOUT_MS };
  return new Promise((resolve) => {
    execFile(machineCli, ["buildx", "version"], options, (error) => resolve(error === null));
  });
}

/** In the build's folder, or below the system's temporary folder when that path is too long for a socket. */
async function socketPathFor(dir: string): Promise<{ socketPath: string; release(): Promise<void> }> {
  const near = join(dir, "docker.sock");
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES)
    return { socketPath: near, release: () => rm(near, { force: true }) };
  await removeOrphans(tmpdir(), FAR_PREFIX);
  const far = makeOwnedFolder(tmpdir(), FAR_PREFIX);
  return { socketPath: join(far, "docker.sock"), release: () => rm(far, { recursive: true, force: true }) };
}
