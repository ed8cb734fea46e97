/**
 * Ends what runs in a process namespace by its first process, which the kernel lets take all others along. The program
 * that has made the namespace (`unshare --fork`) is the parent: it asks how that one ended, complains, and ends. Killing
 * the parent instead (`--kill-child`) would leave the first process to the machine's own, which in a container may
 * never ask, so that its entry and its number stay taken.
 * Sources: unshare(1), pid_namespaces(7), proc_pid_status(5) (NSpid)
 */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { childrenOf, sendSignal } from "./process-table.ts";

/** The kernel's part takes milliseconds, but waits for the end of what has a parent outside, which may be late to ask. */
const LATE_MS = 2000;

/**
 * `child` is the parent, or what becomes it: killed itself where there is no first process yet, or where that is late.
 * False when it had ended.
 */
export function endNamespace(child: ChildProcess): boolean {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
  const first = childrenOf(child.pid).find(isFirst);
  if (first === undefined || !sendSignal(first, "SIGKILL")) {
    return child.kill("SIGKILL");
  }
  const late = setTimeout(() => child.kill("SIGKILL"), LATE_MS);
  late.unref();
  child.once("exit", () => clearTimeout(late));
  return true;
}

/** Its number in the innermost namespace that it is in. */
function isFirst(pid: number): boolean {
  try {
    return /^NSpid:.*\s1$/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}
