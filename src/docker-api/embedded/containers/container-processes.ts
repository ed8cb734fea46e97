/** The processes of a running container, as this machine sees them. */
import { readdir, readlink } from "node:fs/promises";
import { constants } from "node:os";
import { childrenOf } from "../../../core/process-table.ts";
import { ApiError } from "../api.ts";

/** Ids of all processes in the process namespace of `initPid`, but for the first, which is ours. */
export async function processesOf(initPid: number): Promise<number[]> {
  const namespace = await readlink(`/proc/${initPid}/ns/pid`).catch(() => undefined);
  if (namespace === undefined) return [];
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === initPid) continue;
    if ((await readlink(`/proc/${name}/ns/pid`).catch(() => undefined)) === namespace) found.push(Number(name));
  }
  return found;
}

/** The command that a shell of ours waits for: its child, below `script` where there is a terminal. */
export function commandBelow(initPid: number, hasTty: boolean): number | undefined {
  const [child] = childrenOf(initPid);
  return hasTty && child !== undefined ? (childrenOf(child)[0] ?? child) : child;
}

/** A signal's name or number as docker takes it; undefined is no signal. */
export function signalOf(text: string): NodeJS.Signals {
  const name = /^\d+$/.test(text)
    ? Object.entries(constants.signals).find(([, number]) => number === Number(text))?.[0]
    : `SIG${text.toUpperCase().replace(/^SIG/, "")}`;
  if (name === undefined || !(name in constants.signals)) throw new ApiError(400, `Invalid signal: ${text}`);
  return name as NodeJS.Signals;
}
