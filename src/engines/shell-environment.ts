/**
 * Commands of a build in a shell, one at a time, each in a process group of its own: what the engines `host` and
 * `sandbox` share. HOME, TMPDIR and the output pipe lie inside the build's work folder; the environment is a minimal base
 * (host-variables.ts) plus the build's variables. A command ends when its shell ends; what it left running in the
 * background is hung up (SIGHUP, so `nohup … &` lives on), and `close` ends all of it. When Kiln itself is killed, the
 * watchdog (watchdog.ts) does. Where a shell starts, and how all that a build runs is ended, is the engine's `ShellPlace`.
 */
import { spawn } from "node:child_process";
import { closeSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Clock, sleep, systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { type HeldPath, holdEntry, holdPath } from "../core/held-path.ts";
import { type Ids, systemIds } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { onlyStreams } from "../core/own-descriptors.ts";
import { allProcesses, type ProcessEntry, readProcess, sendSignal } from "../core/process-table.ts";
import type { BuildEnvironment, CommandSpec, EnvironmentSpec, UserProblem } from "./engine.ts";
import { hostVariables, reachLoopbackDirectly } from "./host-variables.ts";
import { type MakePipe, makePipe } from "./make-pipe.ts";
import type { Outcome } from "./outcome.ts";
import { type OutputPipe, openOutputPipe } from "./output-pipe.ts";
import { BUILD_MARK } from "./process-sweep.ts";
import { findProgram, RunAs, type SystemUser, type UserStart, userProblem } from "./run-as.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

export interface ShellOptions {
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** The machine's environment; default `process.env`. */
  readonly machine?: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL of a cancelled command. */
  readonly graceMs?: number;
  /** How the pipe of the output is made. */
  readonly makePipe?: MakePipe;
}

/** A program about to be started, as `spawn` takes it. */
export interface ShellStart extends UserStart {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface ShellPlace {
  /** Makes of a start on this machine one in this place. */
  enter(start: ShellStart): ShellStart;
  /** The user of that name there. */
  findUser(name: string): Promise<SystemUser | undefined>;
  /** Ends every process of the build, whatever it did to get away. */
  endProcesses(): Promise<void>;
  /**
   * The first process of a command's group starts the shell and waits for it: it is to end by itself, after the shell.
   * Ended before, it would leave the shell to the machine's first process, which may never ask how it ended.
   */
  readonly hasStandIn: boolean;
  /** Files that commands see and this machine does not have there. */
  readonly outside?: BuildEnvironment["outside"];
  /** Ends every process, and takes the place away. */
  close(): Promise<void>;
}

/** Opens an environment in the place that `makePlace` makes; it gets the base of every command's environment. */
export async function openShellEnvironment(
  spec: EnvironmentSpec,
  options: ShellOptions,
  makePlace: (base: Readonly<Record<string, string>>, clock: Clock) => ShellPlace | Promise<ShellPlace>,
): Promise<BuildEnvironment> {
  const { clock = systemClock, ids = systemIds, graceMs = 2000 } = options;
  const watchdog = startWatchdog(spec);
  let place: ShellPlace | undefined;
  try {
    const home = join(spec.workDir, "home");
    const temporary = join(spec.workDir, "tmp");
    await Promise.all([mkdir(home, { recursive: true }), mkdir(temporary, { recursive: true })]);
    const base = {
      ...reachLoopbackDirectly({
        ...hostVariables(options.machine ?? process.env, { home, temporary, pathPrefix: spec.pathPrefix }),
        ...spec.variables,
      }),
      [BUILD_MARK]: spec.buildId,
    };
    // At once: one of them mostly waits for programs.
    const making = Promise.resolve(makePlace(base, clock));
    making.catch(() => {});
    const opening = openOutputPipe(join(spec.workDir, "output.fifo"), options.makePipe ?? makePipe);
    opening.catch(() => {});
    try {
      place = await making;
    } catch (error) {
      await opening.then((pipe) => pipe.close());
      throw error;
    }
    const pipe = await opening;
    return new ShellEnvironment({ spec, base, pipe, watchdog, place, clock, ids, graceMs });
  } catch (error) {
    await place?.close();
    await watchdog.dismiss();
    throw error;
  }
}

/** Between the end of a command and the hang-up of what it left: `nohup x &` as last words needs a moment to start. */
const NOHUP_MS = 50;
/** Asking how the shell ended, and ending. */
const STAND_IN_MS = 500;

interface Parts {
  readonly spec: EnvironmentSpec;
  readonly base: Readonly<Record<string, string>>;
  readonly pipe: OutputPipe;
  readonly watchdog: Watchdog;
  readonly place: ShellPlace;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly graceMs: number;
}

class ShellEnvironment implements BuildEnvironment {
  readonly #parts: Parts;
  /** The process group of the command that runs. */
  #running: number | undefined;
  /** Groups of commands that left processes behind, and those: the number of an empty one may become another program's. */
  readonly #left = new Map<number, readonly ProcessEntry[]>();
  /** Folders of scripts, and where they really are. */
  readonly #scriptFolders = new Map<string, string>();
  readonly #shells = new Map<string, string>();
  readonly #runAs: RunAs;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#runAs = new RunAs(parts.spec.workDir, (name) => parts.place.findUser(name));
  }

  get outside(): BuildEnvironment["outside"] {
    return this.#parts.place.outside;
  }

  userProblem(user: string): Promise<UserProblem | undefined> {
    return userProblem(user, (name) => this.#parts.place.findUser(name));
  }

  toEnvironmentPath(hostPath: string): string {
    return hostPath;
  }

  async run(command: CommandSpec): Promise<Outcome> {
    if (command.signal.aborted) return { kind: "cancelled" };
    const { pipe, ids } = this.#parts;
    const script = await this.#writeScript(command);
    // A receiver that fails (no space for the log) ends the command, and then the run.
    const broken = new AbortController();
    pipe.receive((chunk) => {
      if (broken.signal.aborted) return;
      try {
        const held = command.onOutput(chunk);
        if (held instanceof Promise) return held.catch((error: unknown) => broken.abort(error));
      } catch (error) {
        broken.abort(error);
      }
    });
    const signal = AbortSignal.any([command.signal, broken.signal]);
    const outcome = await this.#spawn({ ...command, signal }, script).finally(() => script.close());
    await pipe.endOfCommand(`\0kiln-end-${ids.alphanumeric(16)}\0`);
    pipe.receive(() => {});
    broken.signal.throwIfAborted();
    return outcome;
  }

  /** The script, to be closed by the caller. */
  async #writeScript({ scriptPath, script }: CommandSpec): Promise<HeldPath> {
    const folder = dirname(scriptPath);
    if (!this.#scriptFolders.has(folder)) {
      await mkdir(folder, { recursive: true });
      this.#scriptFolders.set(folder, realpathSync(folder));
    }
    const held = this.#scriptFolder(folder);
    try {
      const file = join(held.path, basename(scriptPath));
      // A new file: a shell that still runs in the background keeps its own. ext4 also flushes a file that is cut and
      // written again. At once: a busy machine takes longer to change threads than to write a small file.
      rmSync(file, { force: true });
      writeFileSync(file, script, { mode: 0o700, flag: "wx" });
      const written = holdEntry(file);
      if (!written) throw new Error(`${scriptPath} was removed as soon as it was written`);
      return written;
    } finally {
      held.close();
    }
  }

  /** A command may have put a link in its place, and then a script would be written wherever that leads. */
  #scriptFolder(folder: string): HeldPath {
    const held = holdPath(folder);
    if (held?.realPath === this.#scriptFolders.get(folder)) return held as HeldPath;
    held?.close();
    const now = held === undefined ? "is gone" : `now leads to ${held.realPath}`;
    throw new KilnError({
      code: "KILN_E_SCRIPT_FOLDER",
      message: `the folder for the scripts of commands, ${folder}, ${now}`,
      why: "a command of the build has removed or replaced it",
      fix: ["leave that folder to Kiln"],
      exitCode: 1,
    });
  }

  async #spawn(command: CommandSpec, script: HeldPath): Promise<Outcome> {
    const { base, pipe, watchdog, place, clock } = this.#parts;
    const asUser = await this.#runAs.prepare(command, [pipe.path, script.path]);
    const plain = { file: this.#shell(command.shell), args: [command.scriptPath] };
    const env = { ...(command.bringsVariables ? withoutCarried(base) : base), ...command.variables };
    const start = { ...(asUser ? asUser(plain) : plain), cwd: command.workingDirectory, env };
    const { file, args, ...how } = place.enter(start);
    const output = pipe.openForChild();
    const child = (() => {
      try {
        return spawn(file, args, { ...how, detached: true, stdio: onlyStreams(["ignore", output, output]) });
      } finally {
        closeSync(output);
      }
    })();
    const group = child.pid;
    debug("engine", () => `${command.shell} ${command.scriptPath} pid ${group}`);
    this.#running = group;
    if (group !== undefined)
      watchdog.watchGroup(
        group,
        [readProcess(group)].flatMap((one) => one ?? []),
      );

    let ended = false;
    const hasEnded = (): boolean => ended;
    let cancelling: Promise<void> | undefined;
    const onAbort = (): void => {
      cancelling ??= this.#cancel(group, hasEnded);
    };
    const outcome = await new Promise<Outcome>((resolve) => {
      child.once("error", (error) => resolve({ kind: "failed-to-start", message: error.message }));
      child.once("exit", (exitCode, signal) => {
        ended = true;
        resolve(signal ? { kind: "signalled", signal } : { kind: "exited", exitCode: exitCode ?? 0 });
      });
      command.signal.addEventListener("abort", onAbort, { once: true });
      if (command.signal.aborted) onAbort();
    });
    ended = true;
    command.signal.removeEventListener("abort", onAbort);
    if (cancelling !== undefined) {
      await cancelling.finally(() => {
        this.#running = undefined;
        watchdog.forgetGroup();
      });
      return { kind: "cancelled" };
    }
    // AWS: background jobs of a command are killed when it ends, unless `nohup`, which may not have come to ignoring yet.
    if (group !== undefined && signalGroup(group, 0)) {
      await sleep(clock, NOHUP_MS);
      signalGroup(group, "SIGHUP");
      const left = membersOf(group);
      this.#left.set(group, left);
      watchdog.watchGroup(group, left);
    } else watchdog.forgetGroup();
    this.#running = undefined;
    return outcome;
  }

  /** The shell's program: looked up once, and wherever a command may have pointed PATH. */
  #shell(name: string): string {
    let file = this.#shells.get(name);
    if (file === undefined) {
      file = findProgram(name, this.#parts.base["PATH"]) ?? name;
      this.#shells.set(name, file);
    }
    return file;
  }

  /** SIGTERM, a grace period while the shell still runs, SIGKILL, then everything that got away. */
  async #cancel(group: number | undefined, hasEnded: () => boolean): Promise<void> {
    const { clock, graceMs, place } = this.#parts;
    if (group !== undefined) {
      let isTold = false;
      for (let waitedMs = 0; waitedMs < graceMs && !hasEnded(); waitedMs += 10) {
        // The stand-in may not have come to starting the shell.
        if (!isTold) isTold = place.hasStandIn ? signalMembers(group, "SIGTERM") : signalGroup(group, "SIGTERM");
        await sleep(clock, 10);
      }
      if (place.hasStandIn && !hasEnded()) {
        await place.endProcesses();
        // It stopped with a shell that was stopped.
        if (!hasEnded()) sendSignal(group, "SIGCONT");
        for (let waitedMs = 0; waitedMs < STAND_IN_MS && !hasEnded(); waitedMs += 10) await sleep(clock, 10);
      }
      signalGroup(group, "SIGKILL");
    }
    await place.endProcesses();
  }

  async close(): Promise<void> {
    const { place, pipe, watchdog } = this.#parts;
    if (this.#running !== undefined) signalGroup(this.#running, "SIGKILL");
    for (const [group, left] of this.#left) {
      // While one of them is there the group never was empty. Where there is no /proc that is not to be known.
      const now = left.map(({ pid }) => readProcess(pid));
      const isTheirs = now.some((one, index) => one?.group === group && one.started === left[index]?.started);
      if (isTheirs || readProcess(process.pid) === undefined) signalGroup(group, "SIGKILL");
    }
    try {
      await place.close();
    } finally {
      pipe.close();
      await watchdog.dismiss();
    }
  }
}

/** What a shell script cannot bring with it: the mark, and names that are no shell variable's. */
const withoutCarried = (base: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(base).filter(([name]) => name === BUILD_MARK || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)),
  );

/** False when the group is empty. */
const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => sendSignal(-group, signal);

/** None where there is no /proc. */
const membersOf = (group: number): ProcessEntry[] => allProcesses().filter((one) => one.group === group);

/** All but the first process of a group. False when there is none. */
function signalMembers(group: number, signal: NodeJS.Signals): boolean {
  const members = membersOf(group).filter(({ pid, isZombie }) => pid !== group && !isZombie);
  for (const { pid } of members) sendSignal(pid, signal);
  return members.length > 0;
}
