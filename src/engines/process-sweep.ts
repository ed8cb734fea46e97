/**
 * Finds and ends what a build left behind: processes that carry the build's mark in their environment, run below its
 * folder, print to a file there, or descend from one that does, even after they left the process group (`setsid`, daemons).
 * Linux reads /proc; elsewhere `ps` is asked (environment marks and descent only).
 */
import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { sep } from "node:path";
import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { parseStat, readProcess, sendSignal } from "../core/process-table.ts";

/** Name of the variable every command of a build carries; its value is the build id. */
export const BUILD_MARK = "KILN_BUILD_ID";

export interface SweepTarget {
  readonly buildId: string;
  /** Processes whose current directory is here or below belong to the build, too. */
  readonly workDir: string;
}

interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly marked: boolean;
  /** Where it is known (core/process-table.ts). */
  readonly started?: string;
}

/** Process ids that belong to the build, children first. Never this process or its ancestors. */
export const findProcesses = async (target: SweepTarget): Promise<number[]> =>
  (await processesOf(target)).map(({ pid }) => pid);

async function processesOf(target: SweepTarget): Promise<Seen[]> {
  const all = process.platform === "linux" ? await readProc(target) : await readPs(target);
  const byPid = new Map(all.map((seen) => [seen.pid, seen]));
  const ours = new Set<number>([process.pid]);
  for (let up = byPid.get(process.pid)?.parent; up !== undefined && up > 0; up = byPid.get(up)?.parent) ours.add(up);

  const belongs = (seen: Seen): boolean => {
    for (let at: Seen | undefined = seen; at && !ours.has(at.pid); at = byPid.get(at.parent)) {
      if (at.marked) return true;
    }
    return false;
  };
  return all.filter((seen) => !ours.has(seen.pid) && belongs(seen)).sort((a, b) => b.pid - a.pid);
}

/** Ends every process of the build with SIGKILL, and looks again until none is left. Returns how many there were. */
export async function sweep(target: SweepTarget, clock: Clock): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < 50; round++) {
    const found = await processesOf(target);
    if (found.length === 0) break;
    for (const { pid, started } of found) {
      ended.add(pid);
      // Looking takes a while: the number may be another program's by now.
      if (started === undefined || readProcess(pid)?.started === started) sendSignal(pid, "SIGKILL");
    }
    await sleep(clock, 5);
  }
  return ended.size;
}

async function readProc(target: SweepTarget): Promise<Seen[]> {
  const mark = Buffer.from(`${BUILD_MARK}=${target.buildId}\0`);
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const seen = await Promise.all(
    names.map(async (name): Promise<Seen | undefined> => {
      try {
        const { pid, parent, started, isZombie } = parseStat(await readFile(`/proc/${name}/stat`, "latin1"));
        if (isZombie) return undefined;
        const environment = await readFile(`/proc/${name}/environ`).catch(() => Buffer.alloc(0));
        const marked =
          hasMark(environment, mark) ||
          (await leadsBelow(`/proc/${name}/cwd`, target.workDir)) ||
          // A daemon without environment in `/` mostly still holds the build's output.
          (await leadsBelow(`/proc/${name}/fd/1`, target.workDir)) ||
          (await leadsBelow(`/proc/${name}/fd/2`, target.workDir));
        return { pid, parent, started, marked };
      } catch {
        return undefined;
      }
    }),
  );
  return seen.filter((one) => one !== undefined);
}

async function leadsBelow(link: string, folder: string): Promise<boolean> {
  const path = await readlink(link).catch(() => "");
  return path === folder || path.startsWith(folder + sep);
}

const hasMark = (environment: Buffer, mark: Buffer): boolean => {
  const at = environment.indexOf(mark);
  return at === 0 || (at > 0 && environment[at - 1] === 0) || environment.includes(Buffer.concat([Buffer.of(0), mark]));
};

function readPs(target: SweepTarget): Promise<Seen[]> {
  const mark = `${BUILD_MARK}=${target.buildId}`;
  return new Promise((resolve) => {
    execFile("ps", ["-A", "-E", "-ww", "-o", "pid=,ppid=,command="], { maxBuffer: 2 ** 26 }, (_error, text) => {
      const rows = text.split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s(.*)$/.exec(line));
      resolve(
        rows.flatMap((row) =>
          row ? [{ pid: Number(row[1]), parent: Number(row[2]), marked: ` ${row[3]} `.includes(` ${mark} `) }] : [],
        ),
      );
    });
  });
}
