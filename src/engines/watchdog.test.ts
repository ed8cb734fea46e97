import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readProcess } from "../core/process-table.ts";
import { BUILD_MARK, findProcesses } from "./process-sweep.ts";
import { startWatchdog, type Watchdog, watchdogCommand } from "./watchdog.ts";

// Told from that of another run on this machine: the watchdog ends whatever carries it.
const buildId = `p:watchdog-test-${process.pid}`;

describe("the watchdog", () => {
  let folder = "";
  let privateDir = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-watchdog-"));
    privateDir = join(folder, "private");
    await mkdir(privateDir);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A process in a session of its own, and the promise of its end. */
  function start(script: string, env: Record<string, string>, cwd = "/") {
    const child = spawn("sh", ["-c", `${script}\necho`], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { child, ended: once(child, "exit") };
  }

  /** The watchdog itself, on a pipe that the test can end as a killed Kiln would. */
  function watch(): { child: ChildProcess; ended: Promise<unknown[]> } {
    const { file, args, options } = watchdogCommand({ buildId, workDir: folder, privateDir });
    const child = spawn(file, args, options);
    return { child, ended: once(child, "exit") };
  }

  it("ends what is marked, below the folder, in the running group, or descends from it, when the pipe ends", async () => {
    const marked = start("sleep 300", { [BUILD_MARK]: buildId });
    const below = start("sleep 300", {}, folder);
    const group = start("env -i sleep 300", {});
    const other = start("sleep 300", { [BUILD_MARK]: `other-${buildId}` });
    const watchdog = watch();
    watchdog.child.stdin?.end(`group ${group.child.pid}\n`);
    await Promise.all([marked.ended, below.ended, group.ended, watchdog.ended]);
    expect(await findProcesses({ buildId, workDir: folder })).toEqual([]);
    expect(existsSync(privateDir)).toBe(false);
    expect(other.child.exitCode ?? other.child.signalCode).toBeNull();
    process.kill(-(other.child.pid ?? 0), "SIGKILL");
    await other.ended;
  });

  it("leaves a group that it was told to forget", async () => {
    const group = start("env -i sleep 300", {});
    const watchdog = watch();
    watchdog.child.stdin?.end(`group ${group.child.pid}\ngroup\n`);
    await watchdog.ended;
    expect(group.child.exitCode ?? group.child.signalCode).toBeNull();
    process.kill(-(group.child.pid ?? 0), "SIGKILL");
    await group.ended;
  });

  it.runIf(existsSync("/proc/self/stat"))("leaves a group whose number has become another program's", async () => {
    const [theirs, other] = [start("env -i sleep 300", {}), start("env -i sleep 300", {})];
    const pids = [theirs, other].map(({ child }) => child.pid ?? 0);
    const members = pids.map((pid) => readProcess(pid)?.started);
    for (const [pid, started] of [
      [pids[0], members[0]],
      [pids[1], `${members[1]}0`],
    ] as const) {
      const watchdog = watch();
      watchdog.child.stdin?.end(`group ${pid} ${pid}:${started}\n`);
      await watchdog.ended;
    }
    await theirs.ended;
    expect(other.child.exitCode ?? other.child.signalCode).toBeNull();
    process.kill(-(other.child.pid ?? 0), "SIGKILL");
    await other.ended;
  });

  it("ends what does not listen to SIGTERM", async () => {
    const deaf = start("trap '' TERM; echo ready; while :; do sleep 300; done", { [BUILD_MARK]: buildId });
    await once(deaf.child.stdout as NodeJS.ReadableStream, "data");
    const watchdog = watch();
    watchdog.child.stdin?.end();
    await Promise.all([deaf.ended, watchdog.ended]);
    expect(deaf.child.signalCode).toBe("SIGKILL");
  });

  it("touches nothing and goes away when it is told goodbye", async () => {
    const marked = start("sleep 300", { [BUILD_MARK]: buildId });
    const watchdog: Watchdog = startWatchdog({ buildId, workDir: folder, privateDir });
    await watchdog.dismiss();
    expect(existsSync(privateDir)).toBe(true);
    expect(marked.child.exitCode ?? marked.child.signalCode).toBeNull();
    process.kill(-(marked.child.pid ?? 0), "SIGKILL");
    await marked.ended;
  });

  it("is not taken for a process of the build", async () => {
    const watchdog = startWatchdog({ buildId, workDir: folder, privateDir });
    expect(await findProcesses({ buildId, workDir: folder })).toEqual([]);
    await watchdog.dismiss();
  });
});
