/**
 * Folders and files whose name says which process made them, so that the next process can remove what a killed one left.
 * The name carries the process namespace, too: a folder may be shared with a container, whose numbers mean others.
 */
import { mkdtempSync, readlinkSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { debug } from "./log.ts";
import { isAlive, ownMark } from "./process-mark.ts";
import { removeFolder } from "./remove-folder.ts";

/** `<namespace>-<pid>-<start time>` of this process; zeros where there is no /proc. */
export function ownerName(): string {
  const namespace = pidNamespace();
  return `${namespace}-${process.pid}-${namespace === "0" ? "0" : ownMark().started}`;
}

/** A new folder `<prefix><owner>-XXXXXX` in `dir`, for this user only. */
export const makeOwnedFolder = (dir: string, prefix: string): string =>
  mkdtempSync(join(dir, `${prefix}${ownerName()}-`));

/** Names in `dir` of which the process that made them is gone. */
export async function orphansIn(dir: string, prefix: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => []);
  return names.filter((name) => name.startsWith(prefix) && isOrphan(name.slice(prefix.length)));
}

/**
 * Removes them, with `remove` where a plain removal is not enough; one that cannot be removed stays. Only this user's: in a
 * folder that all may write to, anybody can give a folder such a name, and move what is in it while it is being removed.
 */
export async function removeOrphans(
  dir: string,
  prefix: string,
  remove: (path: string) => Promise<void> = removeFolder,
): Promise<void> {
  for (const name of await orphansIn(dir, prefix)) {
    const path = join(dir, name);
    try {
      const stats = await lstat(path);
      if (stats.isDirectory() && (process.geteuid === undefined || stats.uid === process.geteuid())) await remove(path);
    } catch (error) {
      debug("store", () => `left behind: ${String(error)}`);
    }
  }
}

/** True for the name of a process, whatever comes after it, that is no longer there. */
export function isOrphan(name: string): boolean {
  const [, namespace, pid, started] = /^(\d+)-(\d+)-(\d+)(?:[-.]|$)/.exec(name) ?? [];
  if (pid === undefined || started === undefined || namespace !== pidNamespace()) return false;
  return namespace === "0" ? !isProcessAlive(Number(pid)) : !isAlive({ pid: Number(pid), started });
}

/** By its number alone. */
function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, of another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
