/** Nothing of a build stays: no process, mount, socket or folder, also when RUN is cut off or Kiln itself is killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { openDockerFixture, smallDocker, staticBusybox } from "../../test/support/docker-fixture.ts";
import { LayerStore } from "../images/index.ts";
import { detectIsolation } from "./embedded/isolation.ts";

const dir = await mkdtemp(join(tmpdir(), "kiln-leaks-"));
const isolation = await detectIsolation(await LayerStore.open(dir));
await rm(dir, { recursive: true, force: true });
const usable = isolation.kind !== "none" && (await staticBusybox()) !== undefined;
/** Compiled sources: a process of its own cannot run the TypeScript ones. */
const compiled = fileURLToPath(new URL("../../dist/docker-api/index.js", import.meta.url));

/** Processes of which the command line holds `mark`. */
function processesWith(mark: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(mark) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Mount namespaces other than this one in which a folder is mounted or used. */
function namespacesWith(folder: string): string[] {
  const own = readlinkSync("/proc/self/ns/mnt");
  const found = readdirSync("/proc").flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || readlinkSync(`/proc/${name}/ns/mnt`) === own) return [];
      return readFileSync(`/proc/${name}/mountinfo`, "utf8").includes(folder) ? [name] : [];
    } catch {
      return [];
    }
  });
  return readFileSync("/proc/self/mountinfo", "utf8").includes(folder) ? ["self", ...found] : found;
}

const dockerfile = (user: string, seconds: string): string =>
  `FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nUSER ${user}\nRUN sleep ${seconds} & (trap '' TERM HUP INT; sleep ${seconds}) & echo started; sleep ${seconds}\n`;

describe.skipIf(!usable)("after a build of the embedded builder", { timeout: 180_000 }, () => {
  // Another user than root: changing it takes from a process its order to die with its parent. One id only: root alone.
  const users = isolation.kind === "root" ? ["0", "65534:65534"] : ["0"];

  it.each(users)("nothing stays of an aborted RUN of user %s", async (user) => {
    const abort = new AbortController();
    const at = await openDockerFixture({ signal: abort.signal });
    const mark = `31415.${user.length}${process.pid}`;
    const cwd = await at.context({ Dockerfile: dockerfile(user, mark) });
    const building = smallDocker(at.socket)(["build", "."], { cwd });
    await vi.waitFor(() => expect(processesWith(mark).length).toBeGreaterThanOrEqual(3), { timeout: 60_000 });
    expect(namespacesWith(at.dir).length).toBeGreaterThan(0);
    abort.abort();
    expect((await building).code).not.toBe(0);
    await at.socket.close();
    expect(processesWith(mark)).toEqual([]);
    expect(namespacesWith(at.dir)).toEqual([]);
    expect(await readdir(join(at.dir, "images/tmp"))).toEqual([]);
    expect(existsSync(join(at.dir, "work/docker/docker.sock"))).toBe(false);
    await at.close();
  });

  it.skipIf(!existsSync(compiled)).each(users)("nothing lives on of user %s when Kiln is killed", async (user) => {
    const at = await openDockerFixture();
    const folder = await mkdtemp(join(tmpdir(), "kiln-killed-"));
    let kiln: ChildProcess | undefined;
    try {
      await mkdir(join(folder, "work"));
      const script = join(folder, "kiln.mjs");
      await writeFile(script, serverScript(folder, at.registry.url));
      const started = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
      kiln = started;
      const variables = JSON.parse(
        await new Promise<string>((resolve) =>
          started.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())),
        ),
      ) as Record<string, string>;
      const mark = `27182.${user.length}${process.pid}`;
      const cwd = await at.context({ Dockerfile: dockerfile(user, mark) });
      const client = smallDocker({ ...at.socket, variables });
      const building = client(["build", "."], { cwd });
      await vi.waitFor(() => expect(processesWith(mark).length).toBeGreaterThanOrEqual(3), { timeout: 60_000 });
      expect((await readdir(join(folder, "images/tmp"))).length).toBeGreaterThan(0);
      started.kill("SIGKILL");
      await building;
      // The process that holds the namespace ends a moment after the ones inside it.
      await vi.waitFor(() => expect([...processesWith(mark), ...namespacesWith(folder)]).toEqual([]), {
        timeout: 60_000,
      });
      await LayerStore.open(join(folder, "images"));
      expect(await readdir(join(folder, "images/tmp"))).toEqual([]);
    } finally {
      kiln?.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
      await at.close();
    }
  });
});

function serverScript(folder: string, registryUrl: string): string {
  const request = {
    ...{ buildId: "killed:1", workDir: join(folder, "work"), imageStoreDir: join(folder, "images"), registryUrl },
    ...{ rootKey: { accessKeyId: "test", secretAccessKey: "test" }, privileged: true, pushForReal: false },
    ...{ scope: { region: "us-east-1", accountId: "000000000000" }, backend: "embedded" },
  };
  return `import { openDockerSocket } from ${JSON.stringify(compiled)};
const none = () => undefined;
const request = { ...${JSON.stringify(request)}, signal: new AbortController().signal, onPushed: none, onNotice: none };
const socket = await openDockerSocket(request);
console.log(JSON.stringify(socket.variables));
setInterval(none, 1000);
`;
}
