/** The BuildKit clients of this machine, for tests: the docker CLI with buildx, with compose, and 20.10's own. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DockerSocket } from "../../src/docker-api/index.ts";
import type { DockerClient } from "./docker-fixture.ts";

const PLUGIN_FOLDERS = [
  join(homedir(), ".docker/cli-plugins"),
  "/usr/local/lib/docker/cli-plugins",
  "/usr/local/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
];

/** A plugin's file: named by a variable of the tests, or where docker looks. */
function findPlugin(name: string, variable: string): string | undefined {
  const named = process.env[variable];
  if (named !== undefined && named !== "") return named;
  return PLUGIN_FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

const onPath = (): string[] =>
  (process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => join(folder, "docker"))
    .filter((file) => existsSync(file));

const versionOf = (cli: string): number =>
  Number(/version (\d+)/.exec(execFileSync(cli, ["--version"], { encoding: "utf8" }))?.[1] ?? 0);

export interface BuildKitClients {
  /** `docker` with buildx. */
  readonly buildx: string | undefined;
  readonly compose: string | undefined;
  /** A docker CLI whose BuildKit client is its own, before 23. */
  readonly old: string | undefined;
  /** Says on standard error what is missing. */
  report(): void;
}

export function findBuildKitClients(): BuildKitClients {
  const [first] = onPath();
  const buildx = first && findPlugin("docker-buildx", "KILN_TEST_BUILDX");
  const compose = first && findPlugin("docker-compose", "KILN_TEST_COMPOSE");
  const old = onPath().find((cli) => versionOf(cli) < 23);
  return {
    buildx,
    compose,
    old,
    report() {
      for (const [name, found] of Object.entries({
        "the docker CLI with buildx (KILN_TEST_BUILDX)": buildx,
        "the docker CLI with compose (KILN_TEST_COMPOSE)": compose,
        "a docker CLI before 23": old,
      }))
        if (found === undefined) process.stderr.write(`${name} is not on this machine: its tests are skipped\n`);
    },
  };
}

export interface BuildKitClientOptions {
  /** Plugins by name: `docker-buildx`. */
  readonly plugins?: Readonly<Record<string, string | undefined>>;
  readonly cli?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** Kills it. */
  readonly signal?: AbortSignal;
  onError?(text: string): void;
}

/** A docker CLI of the machine at the socket, with a config folder of its own below `dir`. */
export async function buildKitDocker(
  socket: DockerSocket,
  dir: string,
  options: BuildKitClientOptions,
): Promise<DockerClient> {
  const plugins = join(dir, "cli-plugins");
  await rm(plugins, { recursive: true, force: true });
  await mkdir(plugins, { recursive: true });
  for (const [name, file] of Object.entries(options.plugins ?? {}))
    if (file !== undefined) await symlink(file, join(plugins, name));
  const cli = options.cli ?? onPath()[0] ?? "docker";
  return (args, { cwd = "/", stdin = "" } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(cli, [...args], {
        cwd,
        env: { PATH: process.env["PATH"], HOME: dir, ...socket.variables, DOCKER_CONFIG: dir, ...options.environment },
        stdio: ["pipe", "pipe", "pipe"],
      });
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => {
        err.push(chunk);
        options.onError?.(chunk.toString("utf8"));
      });
      child.on("error", reject);
      child.on("close", (code) =>
        resolve({
          code: code ?? -1,
          out: Buffer.concat(out).toString("utf8"),
          err: Buffer.concat(err).toString("utf8"),
        }),
      );
      options.signal?.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
      child.stdin.on("error", () => undefined);
      child.stdin.end(stdin);
    });
}
