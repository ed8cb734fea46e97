/** Tells whether the process that owns a build still lives. Linux reads /proc, elsewhere `ps` is asked. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ProcessMark } from "../records.ts";

export const ownMark = (): ProcessMark => ({ pid: process.pid, started: startOf(process.pid) ?? "" });

export function isAlive(mark: ProcessMark): boolean {
  const started = startOf(mark.pid);
  return started !== undefined && (mark.started === "" || started === mark.started);
}

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
