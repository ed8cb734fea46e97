/**
 * The real engines that tests of builds in containers may use: `KILN_TEST_DOCKER_HOST` and `KILN_TEST_PODMAN_HOST`. Each gets
 * the base images of a namespace; `release` takes them away. What is not there is said, and its tests are skipped.
 */
import { EngineClient, findEngine } from "../../src/engine-api/index.ts";
import { baseImages } from "../containers/base-images.ts";

export interface RealEngine {
  readonly kind: "docker" | "podman";
  /** The engine's environment: names it as users do. */
  readonly machine: NodeJS.ProcessEnv;
  readonly client: EngineClient;
  /** Busybox as root, with `sh` only. */
  readonly image: string;
  /** The same with ENTRYPOINT, USER and variables of its own. */
  readonly imageWithUser: string;
  release(): Promise<void>;
}

const VARIABLES = { docker: "KILN_TEST_DOCKER_HOST", podman: "KILN_TEST_PODMAN_HOST" } as const;

export async function realEngines(namespace: string): Promise<RealEngine[]> {
  const found: RealEngine[] = [];
  for (const kind of ["docker", "podman"] as const) {
    const engine = await openEngine(kind, namespace);
    if (typeof engine === "string") process.stderr.write(`builds in ${kind} containers are not tested: ${engine}\n`);
    else found.push(engine);
  }
  return found;
}

async function openEngine(kind: RealEngine["kind"], namespace: string): Promise<RealEngine | string> {
  const host = process.env[VARIABLES[kind]];
  if (host === undefined || host === "") return `${VARIABLES[kind]} is not set`;
  const machine = { ...process.env, DOCKER_HOST: host };
  const engine = await findEngine(machine, kind, AbortSignal.timeout(30_000));
  if (!engine) return `no ${kind} answers at ${host}`;
  const bases = await baseImages(namespace);
  if (bases === undefined) return "no static busybox";
  const client = new EngineClient(engine.address);
  const { status, text } = await client.text("POST", "/images/load?quiet=1", {
    headers: { "content-type": "application/x-tar" },
    body: bases,
  });
  if (status >= 400) return text;
  const names = ["base", "parent"].map((name) => `${namespace}/${name}:1`);
  return {
    kind,
    machine,
    client,
    image: `${namespace}/base:1`,
    imageWithUser: `${namespace}/parent:1`,
    async release() {
      for (const name of names) await client.text("DELETE", `/images/${encodeURIComponent(name)}`);
      client.close();
    },
  };
}
