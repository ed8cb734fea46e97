/** For tests of docker-api/: a registry, a Docker socket of the embedded builder, a docker client, a static busybox. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { promisify } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { systemIds } from "../../src/core/ids.ts";
import { runDockerCli } from "../../src/docker-api/cli/docker-cli.ts";
import { type DockerSocket, type DockerSocketRequest, openDockerSocket } from "../../src/docker-api/index.ts";
import { removeTree } from "../../src/images/remove-tree.ts";
import { type RegistryFixture, SCOPE, startRegistry } from "./registry-fixture.ts";

const run = promisify(execFile);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a docker command; `cwd` is the fixture's context unless told. */
export type DockerClient = (
  args: readonly string[],
  options?: { readonly stdin?: string; readonly cwd?: string },
) => Promise<Ran>;

export interface DockerFixture {
  readonly registry: RegistryFixture;
  readonly socket: DockerSocket;
  readonly dir: string;
  readonly pushed: { readonly reference: string; readonly digest: string }[];
  readonly notices: string[];
  /** Writes a fresh context folder and returns it. */
  context(files: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

export async function openDockerFixture(
  options: Partial<DockerSocketRequest> = {},
  environment: NodeJS.ProcessEnv = process.env,
): Promise<DockerFixture> {
  const dir = await mkdtemp(join(tmpdir(), "kiln-docker-"));
  const registry = await startRegistry();
  const pushed: { reference: string; digest: string }[] = [];
  const notices: string[] = [];
  await mkdir(join(dir, "work"));
  const request: DockerSocketRequest = {
    buildId: "test:1",
    workDir: join(dir, "work"),
    registryUrl: registry.url,
    rootKey: { accessKeyId: "test", secretAccessKey: "test" },
    scope: SCOPE,
    imageStoreDir: join(dir, "images"),
    privileged: true,
    pushForReal: false,
    signal: new AbortController().signal,
    onPushed: (reference, digest) => void pushed.push({ reference, digest }),
    onNotice: (text) => void notices.push(text),
    backend: "embedded",
    ...options,
  };
  const socket = await openDockerSocket(request, { clock: systemClock, ids: systemIds, environment });
  let count = 0;
  return {
    registry,
    socket,
    dir,
    pushed,
    notices,
    async context(files) {
      const folder = join(dir, "work", `context-${++count}`);
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), text);
      }
      const busybox = await staticBusybox();
      if (busybox !== undefined) await copyFile(busybox, join(folder, "busybox"));
      return folder;
    },
    async close() {
      await socket.close();
      await registry.close();
      // As an ordinary user with a range of ids, layers hold files of other users.
      await removeTree(dir);
    },
  };
}

/** The docker CLI of this machine as a build finds it, or undefined. */
export function realDocker(
  socket: DockerSocket,
  environment: Readonly<Record<string, string>> = {},
): DockerClient | undefined {
  const onPath = (process.env["PATH"] ?? "").split(":").find((folder) => existsSync(join(folder, "docker")));
  if (onPath === undefined) return undefined;
  const found = socket.pathPrefix[0] ?? onPath;
  return (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(join(found, "docker"), [...args], {
        cwd: options.cwd ?? "/",
        env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...socket.variables, ...environment },
        stdio: ["pipe", "pipe", "pipe"],
      });
      let out = "";
      let err = "";
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
      });
      child.stderr.on("data", (chunk: Buffer) => {
        err += chunk.toString();
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code: code ?? -1, out, err }));
      child.stdin.on("error", () => undefined);
      child.stdin.end(options.stdin ?? "");
    });
}

let busybox: Promise<string | undefined> | undefined;

/** Debian's busybox-static, kept in the temporary folder between runs; undefined where it cannot be had. */
export function staticBusybox(): Promise<string | undefined> {
  busybox ??= fetchBusybox();
  return busybox;
}

async function fetchBusybox(): Promise<string | undefined> {
  const kept = join(tmpdir(), "kiln-test-busybox-static");
  if (existsSync(kept)) return kept;
  const dir = await mkdtemp(join(tmpdir(), "kiln-busybox-"));
  try {
    await run("apt-get", ["download", "busybox-static"], { cwd: dir });
    const [deb] = await readdir(dir);
    await run("dpkg-deb", ["-x", join(dir, deb ?? ""), join(dir, "x")]);
    const copy = `${kept}.${process.pid}`;
    await cp(join(dir, "x/bin/busybox"), copy);
    await chmod(copy, 0o755);
    await rename(copy, kept);
    return kept;
  } catch (error) {
    process.stderr.write(`tests that need busybox-static are skipped: ${(error as Error).message.split("\n")[0]}\n`);
    return undefined;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Kiln's small docker CLI, in this process. */
export function smallDocker(socket: DockerSocket): DockerClient {
  return async (args, options = {}) => {
    const collect = (): { stream: PassThrough; text: () => string } => {
      const chunks: Buffer[] = [];
      const stream = new PassThrough();
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
    };
    const [out, err] = [collect(), collect()];
    const code = await runDockerCli(args, {
      stdin: Readable.from([options.stdin ?? ""], { objectMode: false }),
      stdout: out.stream,
      stderr: err.stream,
      environment: { HOME: "/nonexistent", ...socket.variables },
      workingDirectory: options.cwd ?? "/",
    });
    await new Promise((resolve) => setImmediate(resolve));
    return { code, out: out.text(), err: err.text() };
  };
}
