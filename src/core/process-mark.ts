/**
 * Which process it was: its number, which the machine gives to others once it has ended, and when it started. What one
 * process leaves for others to find (records, files) names its owner so. Linux reads /proc, elsewhere `ps` is asked.
 */
import { execFileSync } from "node:child_process";
import { readProcess } from "./process-table.ts";

export interface ProcessMark {
  readonly pid: number;
  /** As the system tells it; empty where it does not. */
  readonly started: string;
}

export const ownMark = (): ProcessMark => ({ pid: process.pid, started: "", ...markOf(process.pid) });

/** Of the process that has the number now. */
export function markOf(pid: number): ProcessMark | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, started };
}

/** Whether it still runs: a process that has ended and that nobody has asked about (a zombie) does not. */
export function isAlive(mark: ProcessMark): boolean {
  const started = startOf(mark.pid);
  return started !== undefined && (mark.started === "" || started === mark.started);
}

/** Undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    const found = readProcess(pid);
    return found?.isZombie === false ? found.started : undefined;
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
