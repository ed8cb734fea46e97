/** Tells whether the process that owns a build still lives. Linux reads /proc, elsewhere `ps` is asked. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ProcessMark } from "../records.ts";

export const ownMark = (): ProcessMark => ({ pid: process.pid, started: startOf(process.pid) ?? "" });

export function isAlive(mark: ProcessMark): boolean {
  const started = startOf(mark.pid);
  return started !== undefined && (mark.started === "" || started === mark.started);
}

/** Why nobody runs what a record says is running: its process is gone, or the state was set back (control API). */
export const whyLeft = (what: string, owner: ProcessMark): string =>
  isAlive(owner)
    ? `the state was set back to a moment when ${what}`
    : `Kiln was interrupted while ${what} (process ${owner.pid} ended)`;

/** Start time of a process as the system tells it, or undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      const text = readFileSync(`/proc/${pid}/stat`, "latin1");
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : fields[19];
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
