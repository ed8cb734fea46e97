/**
 * The process that holds a build's view of the machine: first of its process namespace, alive as long as the build.
 *
 * Root: `unshare` (mounts, processes, IPC) → the script mounts the view and makes it the root → a user namespace in which
 * every id is itself, with a mount namespace of its own. In it nothing of the mounts can be undone (they are locked), no
 * device made, no kernel setting changed, whatever a build does to the programs that start its next command.
 * Ordinary user: a user namespace as root, for mounting only → a second one, with the process namespace, in which the user
 * has the own id again: programs behave as outside, and no right over the mounts is left.
 *
 * It reads from a pipe that only Kiln writes to: when Kiln ends, however it ends, the pipe does, then this process, and
 * with it the kernel ends all others and takes the mounts away. Its namespaces and its root folder are held open, too, and
 * reached by that: were it ended from outside, its number could be another program's by the time it is used.
 * Sources: user_namespaces(7), pid_namespaces(7), mount_namespaces(7) on locked mounts, unshare(1), nsenter(1).
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { Clock } from "../../core/clock.ts";
import { endNamespace } from "../../core/end-namespace.ts";
import { onlyStreams } from "../../core/own-descriptors.ts";
import { childrenOf } from "../../core/process-table.ts";
import { findProgram } from "../run-as.ts";
import { SCRIPT_NAME } from "./view-folder.ts";

export interface HeldView {
  /** The root folder of the view, for this process. */
  readonly root: string;
  /** Words before a program that is to start in the view, in this folder of it. */
  entry(workingDirectory: string): readonly string[];
  /** False once it ended, or `end` was called: nothing can be started in the view. */
  isAlive(): boolean;
  /** Ends it, and with it all there is. Resolves when nothing is left. */
  end(): Promise<void>;
}

const UNSHARE = ["--mount", "--pid", "--ipc", "--fork", "--kill-child=SIGKILL"];

/** What the script of the view becomes. Bash can tell the kernel that nobody asks for the ends of orphans; not every `sh` can. */
export function holdingCommand(isRoot: boolean): string {
  const shell = findProgram("bash") ?? "sh";
  const hold = `${shell} -c 'echo ready; read -r go; trap "" CHLD; exec cat >/dev/null'`;
  if (isRoot) return `unshare --user --mount -- ${hold}`;
  const own = `--map-user=${process.getuid?.()} --map-group=${process.getgid?.()}`;
  return `unshare --user ${own} ${UNSHARE.join(" ")} --mount-proc=/proc -- ${hold}`;
}

/** Starts the script in `dir`. Rejects with the first line of what went wrong. */
export async function holdView(dir: string, isRoot: boolean, clock: Clock, signal: AbortSignal): Promise<HeldView> {
  signal.throwIfAborted();
  const flags = isRoot ? UNSHARE : ["--user", "--map-root-user", "--mount"];
  const child = spawn("unshare", [...flags, "--", "sh", SCRIPT_NAME], {
    cwd: dir,
    // Neither the build's variables nor the user's: the programs of the set-up are this machine's own.
    env: { PATH: SYSTEM_PATH, LC_ALL: "C" },
    // Process 1 of the view: what it holds open, commands reach through /proc/1/fd.
    stdio: onlyStreams(["pipe", "pipe", "pipe"]),
    detached: true,
  }) as ChildProcessWithoutNullStreams;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  const kill = (): void => void endNamespace(child);
  const held: number[] = [];
  const letGo = (): void => held.splice(0).forEach(closeSync);
  signal.addEventListener("abort", kill, { once: true });
  try {
    await becomesReady(child);
    const pid = onlyChildOf(child.pid ?? 0);
    if (isRoot) for (const ids of ["uid_map", "gid_map"]) writeFileSync(`/proc/${pid}/${ids}`, sameIds(ids));
    child.stdin.on("error", () => {});
    child.stdin.write("go\n");
    const nsenter = findProgram("nsenter", SYSTEM_PATH) ?? "nsenter";
    knowsFolder ??= spawnSync(nsenter, ["--help"], { encoding: "utf8" }).stdout?.includes("--wdns") ?? false;
    const hold = (name: string): string => {
      const descriptor = openSync(`/proc/${pid}/${name}`, "r");
      held.push(descriptor);
      return `/proc/${process.pid}/fd/${descriptor}`;
    };
    const [user, mount, ids, ipc, root] = [...["user", "mnt", "pid", "ipc"].map((name) => `ns/${name}`), "root"].map(
      hold,
    );
    // Only while it is that child's child is its number its own: what was opened meanwhile is this view's.
    if (onlyChildOf(child.pid ?? 0) !== pid) throw new Error("the first process of the namespace ended");
    const spaces = [`--user=${user}`, `--mount=${mount}`, `--pid=${ids}`, `--ipc=${ipc}`, "--preserve-credentials"];
    return {
      root: root as string,
      entry: (workingDirectory) => [nsenter, ...spaces, ...inFolder(workingDirectory)],
      isAlive: () => held.length > 0 && child.exitCode === null && child.signalCode === null,
      async end() {
        // First: whoever is the last to let go takes the mounts away, and may wait for the disk.
        letGo();
        child.stdin.end();
        const timer = clock.after(END_MS, kill);
        await ended;
        timer.cancel();
      },
    };
  } catch (error) {
    letGo();
    kill();
    await ended;
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Whether nsenter changes into a folder of the view by itself (util-linux 2.38). */
let knowsFolder: boolean | undefined;

/** The path is one of the view: on this machine a link in it, which a command may have made, would lead out. */
const inFolder = (path: string): string[] =>
  knowsFolder ? [`--wdns=${path}`, "--"] : ["--", "env", `--chdir=${path}`, "--"];

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Reading the end of a pipe and ending what runs takes milliseconds. */
const END_MS = 2000;

function becomesReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let problem = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      problem += chunk.toString();
    });
    child.stdout?.once("data", () => resolve());
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const line = problem.split("\n").find((one) => one.trim() !== "");
      reject(new Error(line ?? `unshare ended with ${signal ?? `exit status ${code}`}`));
    });
  });
}

/** Every id of this process's own user namespace is itself in the next one. */
const sameIds = (map: string): string =>
  readFileSync(`/proc/self/${map}`, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [inside, , count] = line.trim().split(/\s+/);
      return `${inside} ${inside} ${count}\n`;
    })
    .join("");

function onlyChildOf(parent: number): number {
  const [child] = childrenOf(parent);
  if (child === undefined) throw new Error("the first process of the namespace is not to be found in /proc");
  return child;
}
