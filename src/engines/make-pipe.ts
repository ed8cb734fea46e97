/**
 * Makes the pipe of output-pipe.ts: a named one with `mkfifo`, or, where a stripped image of Linux has no such program, one
 * that a shell makes (`|`) and that is opened through /proc, where pipes open like files:
 * https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, existsSync, openSync, unlinkSync } from "node:fs";
import { KilnError } from "../core/errors.ts";
import { debug } from "../core/log.ts";
import { findProgram } from "./run-as.ts";

export interface PipeEnds {
  /** Where further ends are opened, by this process only. */
  readonly path: string;
  /** Both do not block. */
  readonly readFd: number;
  readonly writeFd: number;
  /** Removes the name; the ends are the caller's. */
  remove(): void;
}

/** Makes a pipe whose name is `path` where that can be. */
export type MakePipe = (path: string) => Promise<PipeEnds>;

export const makePipe: MakePipe = async (path) => {
  const mkfifo = findProgram("mkfifo");
  if (mkfifo === undefined) return makePipeWithoutMkfifo();
  execFileSync(mkfifo, ["-m", "600", path], { stdio: "ignore" });
  const ends = openEnds(path);
  // A command may put something else at the name.
  const further = process.platform === "linux" && existsSync("/proc/self/fd") ? `/proc/self/fd/${ends.writeFd}` : path;
  return { path: further, ...ends, remove: () => unlinkSync(path) };
};

/** Rejects with `KILN_E_NO_MKFIFO` where this cannot be, either. */
export async function makePipeWithoutMkfifo(shell = "sh"): Promise<PipeEnds> {
  try {
    const ends = await pipeOfShell(shell);
    return { path: `/proc/self/fd/${ends.writeFd}`, ...ends, remove: () => {} };
  } catch (error) {
    debug("engine", () => `no pipe through /proc: ${String(error)}`);
    throw new KilnError({
      code: "KILN_E_NO_MKFIFO",
      message: "the engine `host` needs the program `mkfifo`, and there is none on PATH",
      fix: ["install coreutils or busybox"],
      exitCode: 4,
    });
  }
}

function openEnds(path: string): { readonly readFd: number; readonly writeFd: number } {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { readFd, writeFd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

/**
 * Both sides wait for the end of the shell's input. The right one keeps the pipe at 4 (redirections move 0 to and fro) and
 * says who it is. Only what every shell has built in.
 */
const SCRIPT =
  "exec 3<&0; read -r line | { exec 4<&0; read -r pid rest </proc/self/stat; echo $pid; read -r line <&3; }";

async function pipeOfShell(program: string): Promise<{ readonly readFd: number; readonly writeFd: number }> {
  const shell = spawn(program, ["-c", SCRIPT], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    const answer: unknown[] = await Promise.race([once(shell.stdout, "data"), once(shell, "exit").then(() => [])]);
    return openEnds(`/proc/${Number(String(answer[0]))}/fd/4`);
  } finally {
    shell.stdin.on("error", () => {});
    shell.stdin.end();
  }
}
