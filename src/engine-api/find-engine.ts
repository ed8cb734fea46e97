/**
 * Finds a Docker or Podman API, in the order in which clients look: DOCKER_HOST, the docker CLI's context, the usual
 * sockets. Each candidate is asked `GET /_ping`; why one was not taken is kept for `kiln doctor`.
 * Sources: https://docs.docker.com/reference/cli/docker/#environment-variables and containers' own clients' orders.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { debug } from "../core/log.ts";
import { err, ok, type Result } from "../core/result.ts";
import { currentContext } from "./docker-contexts.ts";
import { type EngineAddress, formatEngineAddress, parseEngineAddress, readTlsFolder } from "./engine-address.ts";
import { EngineClient } from "./engine-client.ts";

export interface Engine {
  readonly kind: "docker" | "podman";
  readonly address: EngineAddress;
  /** e.g. `Docker 28.0.1 at /var/run/docker.sock` */
  readonly description: string;
}

/** A place that was looked at. */
export interface EngineCandidate {
  /** What names it: `DOCKER_HOST`, `docker context x`, `usual socket`. */
  readonly source: string;
  /** As its source writes it. */
  readonly address: string;
  readonly found: Result<Engine, string>;
}

const USUAL_TIMEOUT_MS = 2000;
/** What a person names is meant: an engine on a busy machine takes its time. */
const NAMED_TIMEOUT_MS = 10_000;
/** Another machine may have to be logged in to. */
const REMOTE_TIMEOUT_MS = 20_000;

/** The first engine of the wanted kind. */
export async function findEngine(
  environment: NodeJS.ProcessEnv,
  wanted: "auto" | "docker" | "podman",
  signal: AbortSignal,
): Promise<Engine | undefined> {
  for (const place of places(environment)) {
    const { found, source, address } = await look(place, signal);
    if (found.ok && (wanted === "auto" || wanted === found.value.kind)) return found.value;
    debug(
      "docker",
      () => `no engine at ${address} (${source}): ${found.ok ? `it is ${found.value.kind}` : found.error}`,
    );
    signal.throwIfAborted();
  }
  return undefined;
}

/** Every place, in order, with the engine there or why there is none. */
export async function lookForEngines(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<EngineCandidate[]> {
  return Promise.all(places(environment).map((place) => look(place, signal)));
}

const USUAL = "usual socket";

interface Place {
  readonly source: string;
  readonly text: string;
  readonly address: Result<EngineAddress, string>;
}

function places(environment: NodeJS.ProcessEnv): Place[] {
  const runtimeDir = environment["XDG_RUNTIME_DIR"];
  const home = environment["HOME"] || homedir();
  const sockets = [
    "/var/run/docker.sock",
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, "docker.sock")]),
    join(home, ".docker/run/docker.sock"),
    join(home, ".colima/docker.sock"),
    join(home, ".orbstack/run/docker.sock"),
    join(home, ".rd/docker.sock"),
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, "podman/podman.sock")]),
    "/run/podman/podman.sock",
  ];
  return [
    ...named(environment),
    ...sockets.map((socketPath) => ({
      source: USUAL,
      text: socketPath,
      address: ok({ kind: "unix" as const, socketPath }),
    })),
  ];
}

/** What the user names. The CLI's rule: DOCKER_HOST wins over any context. */
function named(environment: NodeJS.ProcessEnv): Place[] {
  const host = environment["DOCKER_HOST"];
  if (host) return [{ source: "DOCKER_HOST", text: host, address: parseEngineAddress(host, tlsOf(environment)) }];
  const context = currentContext(environment);
  if (!context) return [];
  const { name, address } = context;
  const text = address.ok ? formatEngineAddress(address.value) : name;
  return [{ source: `docker context ${name}`, text, address }];
}

/** Any value but an empty one turns it on; `DOCKER_TLS` alone encrypts, whoever answers. */
function tlsOf(environment: NodeJS.ProcessEnv) {
  const verifies = Boolean(environment["DOCKER_TLS_VERIFY"]);
  if (!verifies && !environment["DOCKER_TLS"]) return undefined;
  const home = environment["DOCKER_CONFIG"] || join(environment["HOME"] || homedir(), ".docker");
  return readTlsFolder(environment["DOCKER_CERT_PATH"] || home, verifies);
}

async function look({ source, text, address }: Place, signal: AbortSignal): Promise<EngineCandidate> {
  const given = { source, address: text };
  if (!address.ok) return { ...given, found: err(address.error) };
  const localMs = source === USUAL ? USUAL_TIMEOUT_MS : NAMED_TIMEOUT_MS;
  const timeoutMs = address.value.kind === "unix" ? localMs : REMOTE_TIMEOUT_MS;
  try {
    return { ...given, found: ok(await ask(address.value, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))) };
  } catch (error) {
    return { ...given, found: err(reason(error)) };
  }
}

async function ask(address: EngineAddress, signal: AbortSignal): Promise<Engine> {
  const client = new EngineClient(address);
  try {
    const { isPodman, version } = (await ping(client, signal)) ?? (await askVersion(client, signal));
    return {
      kind: isPodman ? "podman" : "docker",
      address,
      description: `${isPodman ? "Podman" : "Docker"} ${version} at ${formatEngineAddress(address)}`,
    };
  } finally {
    client.close();
  }
}

interface Asked {
  readonly isPodman: boolean;
  readonly version: string;
}

/** As the `Server` header has it. For `/version` Podman asks the package manager: half a second, and many on a busy machine. */
async function ping(client: EngineClient, signal: AbortSignal): Promise<Asked | undefined> {
  const response = await client.send("GET", "/_ping", { signal });
  await finished(response.resume());
  const [, server, version = ""] = /^(Docker|Libpod)\/(\S+)/.exec(String(response.headers["server"] ?? "")) ?? [];
  return response.statusCode === 200 && server !== undefined ? { isPodman: server === "Libpod", version } : undefined;
}

/** What stands before an engine may not pass that header on. */
async function askVersion(client: EngineClient, signal: AbortSignal): Promise<Asked> {
  const { status, text } = await client.text("GET", "/version", { signal });
  if (status !== 200) throw new Error(`status ${status}`);
  const { Version: version = "", Components: components } = JSON.parse(text) as {
    Version?: string;
    Components?: { Name?: string }[];
  };
  return { isPodman: components?.some(({ Name }) => /podman/i.test(Name ?? "")) ?? false, version };
}

/** For people. */
function reason(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such socket";
  if (code === "ECONNREFUSED") return "nothing answers there";
  if (code === "EACCES") return "this user may not open it";
  if (code === "ENOTFOUND") return "there is no such host";
  if (name === "AbortError" || name === "TimeoutError") return "no answer in time";
  return message;
}
