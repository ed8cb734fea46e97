/**
 * Two endpoints, and the CLI, on one state folder, all writing: nothing is lost or corrupt, nobody waits long for the
 * others, and whoever is killed takes nothing from those that go on. The longest waits are printed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBuilt, kiln, MAIN, temporaryFolder } from "../cli/kiln-process.ts";
import { AcknowledgedWrites } from "./acknowledged-writes.ts";
import { faultsOf } from "./state-check.ts";

const RUN_MS = 3_000;
/** No write and no turn of an event loop may take longer, on a machine that does much else … */
const LONGEST_MS = 5_000;
/** … or than so many ordinary writes there and then: who waits longer has been left waiting. */
const LONGEST_TIMES = 50;

interface Endpoint {
  readonly url: string;
  readonly child: ChildProcess;
  /** Ends it; the longest that its event loop was kept, in milliseconds. */
  stop(): Promise<number>;
}

/** A Kiln by the library: the command refuses to be the second on a folder. */
async function startEndpoint(stateDir: string): Promise<Endpoint> {
  const script = `
    const { startKiln } = await import(${JSON.stringify(pathToFileURL(join(dirname(MAIN), "index.js")).href)});
    const { monitorEventLoopDelay } = await import("node:perf_hooks");
    const kiln = await startKiln({ stateDir: ${JSON.stringify(stateDir)}, port: 0 });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    process.once("SIGTERM", async () => {
      process.stdout.write(delay.max / 1e6 + "\\n");
      await kiln.close();
    });
    process.stdout.write(kiln.url + "\\n");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => ((await lines.next()).value as string | undefined) ?? "";
  return {
    url: await line(),
    child,
    async stop() {
      const ended = once(child, "close");
      child.kill("SIGTERM");
      const longest = Number(await line());
      expect(await ended).toEqual([0, null]);
      return longest;
    },
  };
}

describe.skipIf(!isBuilt)("two endpoints on one state folder", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stateDir = "";
  let endpoints: readonly Endpoint[] = [];
  beforeEach(async () => {
    folder = temporaryFolder();
    stateDir = join(folder.path, ".kiln");
    endpoints = await Promise.all([startEndpoint(stateDir), startEndpoint(stateDir)]);
  });
  afterEach(() => {
    for (const { child } of endpoints) child.kill("SIGKILL");
    folder.remove();
  });

  /** Runs writers on both, and commands beside them, until the time is over. */
  async function writeOnAll(all: readonly AcknowledgedWrites[], withCommands: boolean): Promise<readonly unknown[][]> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), RUN_MS);
    const commands = async (): Promise<void> => {
      for (let n = 0; withCommands && !stop.signal.aborted; n++) {
        const { exitCode, err } = await kiln(folder.path, ["params", "put", `/cli/${n}`, "value"]);
        expect([exitCode, exitCode === 0 ? "" : err]).toEqual([0, ""]);
      }
    };
    const [...written] = await Promise.all([
      ...all.map((writes, n) => writes.run(endpoints[n]?.url ?? "", { signal: stop.signal })),
      commands(),
    ]);
    clearTimeout(timer);
    return written.flatMap((one) => (one ? [[...one.reasons]] : []));
  }

  it("lose nothing and do not keep each other waiting, with the command line between them", async () => {
    const all = ["a", "b"].map((name) => new AcknowledgedWrites(name));
    for (const [n, writes] of all.entries()) await writes.prepare(endpoints[n]?.url ?? "");
    expect(await writeOnAll(all, true)).toEqual([[], []]);
    const [first, second] = endpoints as [Endpoint, Endpoint];
    // Each sees what the other has acknowledged.
    expect(await all[0]?.check(second.url)).toEqual([]);
    expect(await all[1]?.check(first.url)).toEqual([]);
    const longestWrites = all.map((writes) => writes.longestMs);
    const longestTurns = [await first.stop(), await second.stop()];
    const meanMs = Math.max(...all.map((writes) => writes.meanMs));
    process.stderr.write(
      `longest write: ${longestWrites.map(Math.round).join(" and ")} ms, longest turn of an event loop: ${longestTurns.map(Math.round).join(" and ")} ms, a write on the average: ${Math.round(meanMs)} ms\n`,
    );
    const limitMs = Math.max(LONGEST_MS, LONGEST_TIMES * meanMs);
    for (const ms of [...longestWrites, ...longestTurns]) expect(ms).toBeLessThan(limitMs);
    expect(await faultsOf(stateDir)).toEqual([]);
  }, 120_000);

  it("go on when the other is killed in the middle of its writes", async () => {
    const all = ["a", "b"].map((name) => new AcknowledgedWrites(name));
    for (const [n, writes] of all.entries()) await writes.prepare(endpoints[n]?.url ?? "");
    const [first, second] = endpoints as [Endpoint, Endpoint];
    const timer = setTimeout(() => second.child.kill("SIGKILL"), RUN_MS / 2);
    const [ofFirst, ofSecond = []] = await writeOnAll(all, false);
    clearTimeout(timer);
    expect(ofFirst).toEqual([]);
    expect(ofSecond.length).toBeGreaterThan(0);
    expect(await all[0]?.check(first.url)).toEqual([]);
    expect(await all[1]?.check(first.url)).toEqual([]);
    await first.stop();
    expect(await faultsOf(stateDir)).toEqual([]);
  }, 120_000);
});
