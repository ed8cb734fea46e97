/**
 * Temporary folders whose name says which process made them, so that the next process can remove what a killed one left.
 * The name carries the process namespace, too: a state folder may be shared with a container, whose numbers mean others.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "./remove-tree.ts";

/** `<namespace>-<pid>-<start time>` of this process; zeros where there is no /proc. */
export const ownerName = (): string => `${pidNamespace()}-${process.pid}-${startTimeOf(process.pid) ?? "0"}`;

/** A new folder `<prefix><owner>-XXXXXX` in `dir`. */
export const makeOwnedFolder = (dir: string, prefix: string): Promise<string> =>
  mkdtemp(join(dir, `${prefix}${ownerName()}-`));

/** Names in `dir` of which the process that made them is gone. */
export async function orphansIn(dir: string, prefix: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => []);
  return names.filter((name) => name.startsWith(prefix) && isOrphan(name.slice(prefix.length)));
}

export async function removeOrphans(dir: string, prefix: string): Promise<void> {
  for (const name of await orphansIn(dir, prefix)) await removeTree(join(dir, name));
}

function isOrphan(name: string): boolean {
  const [, namespace, pid, started] = /^(\d+)-(\d+)-(\d+)(?:[-.]|$)/.exec(name) ?? [];
  if (pid === undefined || namespace !== pidNamespace()) return false;
  if (namespace !== "0") return startTimeOf(Number(pid)) !== started;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}

/** proc_pid_stat(5), field 22; the second field may hold blanks and parentheses. */
function startTimeOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
