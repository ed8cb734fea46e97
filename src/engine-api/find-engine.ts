/**
 * Finds a Docker or Podman API on this machine, in the order in which clients look: DOCKER_HOST, the usual sockets.
 * Each candidate is asked `GET /_ping`; why one did not answer is in the debug log.
 * Gap: `tcp://` with TLS and `ssh://` hosts are left out; contexts of the docker CLI are not read.
 */
import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { debug } from "../core/log.ts";

export interface Engine {
  readonly kind: "docker" | "podman";
  readonly socketPath: string;
  /** e.g. `Docker 28.0.1 at /var/run/docker.sock` */
  readonly description: string;
}

const PING_TIMEOUT_MS = 2000;

export async function findEngine(
  environment: NodeJS.ProcessEnv,
  wanted: "auto" | "docker" | "podman",
  signal: AbortSignal,
): Promise<Engine | undefined> {
  for (const socketPath of candidates(environment)) {
    try {
      const version = JSON.parse(await get(socketPath, "/version", signal)) as {
        Version?: string;
        Components?: { Name?: string }[];
      };
      const isPodman = version.Components?.some((component) => /podman/i.test(component.Name ?? "")) ?? false;
      const kind = isPodman ? "podman" : "docker";
      if (wanted !== "auto" && wanted !== kind) continue;
      return {
        kind,
        socketPath,
        description: `${isPodman ? "Podman" : "Docker"} ${version.Version ?? ""} at ${socketPath}`,
      };
    } catch (error) {
      debug("docker", () => `no engine at ${socketPath}: ${(error as Error).message}`);
    }
  }
  return undefined;
}

function candidates(environment: NodeJS.ProcessEnv): string[] {
  const host = environment["DOCKER_HOST"] ?? "";
  const runtimeDir = environment["XDG_RUNTIME_DIR"];
  const home = environment["HOME"] ?? homedir();
  return [
    ...(host.startsWith("unix://") ? [host.slice("unix://".length)] : []),
    "/var/run/docker.sock",
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, "docker.sock")]),
    join(home, ".docker/run/docker.sock"),
    join(home, ".colima/docker.sock"),
    join(home, ".orbstack/run/docker.sock"),
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, "podman/podman.sock")]),
    "/run/podman/podman.sock",
  ];
}

function get(socketPath: string, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: PING_TIMEOUT_MS, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${response.statusCode}`)),
      );
      response.on("error", reject);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.on("error", reject);
    asked.end();
  });
}
