/**
 * The processes of this machine as Linux's /proc shows them, read at once: between reading and a signal there is no turn
 * in which a number could become another program's. Elsewhere there are none to read.
 * Source: proc_pid_stat(5), proc_pid_status(5)
 */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Process group. */
  readonly group: number;
  /** Clock ticks after the machine's start: with the number it names one process and no other. */
  readonly started: string;
  /** It has ended, and its parent has not asked how: it holds its number, and nothing else. */
  readonly isZombie: boolean;
}

/** Undefined when there is no such process. */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

/** Every process; one that comes or goes meanwhile may be missing. */
export function allProcesses(): ProcessEntry[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
  } catch {
    return [];
  }
}

/** `/proc/<pid>/stat`; the second field, a program's name, may hold blanks and parentheses. */
export function parseStat(text: string): ProcessEntry {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, group] = fields;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(parent),
    group: Number(group),
    started: fields[19] ?? "",
    isZombie: state === "Z" || state === "X",
  };
}

/** The processes that a process has started, by whichever of its threads, and whose end it has not asked about. */
export function childrenOf(parent: number): number[] {
  try {
    const threads = readdirSync(`/proc/${parent}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${parent}/task/${thread}/children`, "utf8"));
    return lists.flatMap((text) => text.split(" ").filter((word) => word !== "")).map(Number);
  } catch {
    // It is gone, one of its threads is, or the kernel has no such list.
    return allProcesses().flatMap((one) => (one.parent === parent ? one.pid : []));
  }
}

/** False when it is gone, or not ours to end. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
