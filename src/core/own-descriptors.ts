/**
 * Open files that this process was given by whoever started it: the system hands them on to every child, and one of a folder
 * would lead a command out of its root folder or its view of the machine. Such a child gets /dev/null in their place.
 * Source: https://docs.kernel.org/filesystems/proc.html (fdinfo), open(2) O_CLOEXEC
 */
import type { StdioOptions } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync } from "node:fs";

const CLOSES_ON_EXEC = 0o2000000;

let found: { readonly inherited: readonly number[]; readonly nothing: number } | undefined;

/** The streams of a child, with nothing in place of what it would be handed besides. */
export function onlyStreams(streams: readonly (number | "ignore" | "pipe")[]): StdioOptions {
  found ??= { inherited: inheritable(), nothing: openSync("/dev/null", "r+") };
  const { inherited, nothing } = found;
  const whole: (number | "ignore" | "pipe")[] = [...streams];
  for (const fd of inherited) {
    // "ignore" leaves what has a number above 2 as it is.
    while (whole.length <= fd) whole.push("ignore");
    if (whole[fd] === "ignore") whole[fd] = nothing;
  }
  return whole;
}

/** Above 2, and not closed for children; what this process opens itself always is. */
function inheritable(): number[] {
  if (!existsSync("/proc/self/fd")) return [];
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => {
      if (fd <= 2) return false;
      try {
        const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "";
        return (Number.parseInt(flags, 8) & CLOSES_ON_EXEC) === 0;
      } catch {
        // The one that the list was read with.
        return false;
      }
    });
}
