/**
 * Chooses what answers the build's docker: nothing without privilegedMode, an engine of this machine behind Kiln's proxy,
 * or the embedded builder. Called by the build runner once per build.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Clock, systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { type Ids, systemIds } from "../core/ids.ts";
import { LayerStore } from "../images/layer-store.ts";
import { writeDockerWrapper } from "./cli/wrapper.ts";
import type { DockerSocket, DockerSocketRequest } from "./docker-api.ts";
import { detectIsolation } from "./embedded/namespace.ts";
import { startEmbeddedServer } from "./embedded/server.ts";
import { findEngine } from "./proxy/find-engine.ts";
import { startProxy } from "./proxy/proxy.ts";

/** Longest path a unix socket can have, in bytes, on the systems Kiln runs on. */
const MAX_SOCKET_PATH_BYTES = 100;
const DEFAULT_SOCKET = "/var/run/docker.sock";

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
  const hasCli = hasDockerCli(ports.environment["PATH"]);
  // Without privilegedMode a daemon of this machine must not answer: then the machine's own CLI is put aside too.
  const usesOwnCli = !hasCli || (!request.privileged && existsSync(DEFAULT_SOCKET));
  const pathPrefix = usesOwnCli ? [await writeDockerWrapper(join(dockerDir, "bin"), request.privileged)] : [];
  const variables = { DOCKER_CONFIG: join(dockerDir, "config"), DOCKER_CLI_HINTS: "false" };
  if (!request.privileged) {
    return { dockerHost: undefined, variables, pathPrefix, backend: "none", close: async () => undefined };
  }
  const { socketPath, release } = await socketPathFor(dockerDir, ports.ids);
  const dockerHost = `unix://${socketPath}`;
  const wanted = request.backend ?? "auto";
  try {
    const engine = wanted === "embedded" ? undefined : await findEngine(ports.environment, wanted, request.signal);
    if (engine) {
      const proxy = await startProxy({ request, engine, socketPath });
      request.onNotice(`docker: ${engine.description}, pushes go to Kiln's registry`);
      return {
        dockerHost,
        variables: { ...variables, DOCKER_HOST: dockerHost },
        pathPrefix,
        backend: engine.kind,
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
    const server = await startEmbeddedServer(
      {
        request,
        store,
        isolation: await detectIsolation(store),
        transfer: { store, registryUrl, rootKey, signal, mappedImage: request.mappedImage },
        clock: ports.clock,
        ids: ports.ids,
      },
      socketPath,
    );
    return {
      dockerHost,
      variables: { ...variables, DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: "0" },
      pathPrefix,
      backend: "embedded",
      close: () => server.close().finally(release),
    };
  } catch (error) {
    await release();
    throw error;
  }
}

function hasDockerCli(path: string | undefined): boolean {
  return (path ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, "docker")));
}

/** In the build's folder, or below the system's temporary folder when that path is too long for a socket. */
async function socketPathFor(dir: string, ids: Ids): Promise<{ socketPath: string; release(): Promise<void> }> {
  const near = join(dir, "docker.sock");
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES)
    return { socketPath: near, release: () => rm(near, { force: true }) };
  const far = await mkdtemp(join(tmpdir(), `kiln-${ids.bytes(2).toString("hex")}-`));
  return { socketPath: join(far, "docker.sock"), release: () => rm(far, { recursive: true, force: true }) };
}
