/**
 * The engine `host`: commands run in a shell on this machine, with the user's rights, in a process group of their own.
 * HOME, TMPDIR and the output pipe lie inside the build's work folder; the environment is a minimal base
 * (host-variables.ts) plus the build's variables. A command ends when its shell ends; what it left running in the
 * background is hung up (SIGHUP, so `nohup … &` lives on), and `close` ends all of it. When Kiln itself is killed, the
 * watchdog (watchdog.ts) does.
 */
import { spawn } from "node:child_process";
import { closeSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, sleep, systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { type Ids, systemIds } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import type { BuildEnvironment, CommandSpec, Engine, EnvironmentSpec, UserProblem } from "./engine.ts";
import { hostVariables, reachLoopbackDirectly } from "./host-variables.ts";
import { type MakePipe, makePipe } from "./make-pipe.ts";
import type { Outcome } from "./outcome.ts";
import { type OutputPipe, openOutputPipe } from "./output-pipe.ts";
import { BUILD_MARK, sweep } from "./process-sweep.ts";
import { findProgram, RunAs, userProblem } from "./run-as.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

export interface HostEngineOptions {
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** The machine's environment; default `process.env`. */
  readonly machine?: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL of a cancelled command. */
  readonly graceMs?: number;
  /** How the pipe of the output is made. */
  readonly makePipe?: MakePipe;
}

export function createHostEngine(options: HostEngineOptions = {}): Engine {
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? systemIds;
  const machine = options.machine ?? process.env;
  return {
    name: "host",
    capabilities: { usesHostTools: true, runAs: process.getuid?.() === 0 },
    async reclaim(left) {
      await sweep(left, clock);
    },
    async open(spec, signal) {
      signal.throwIfAborted();
      if (process.platform === "win32") {
        throw new KilnError({
          code: "KILN_E_ENGINE_PLATFORM",
          message: "the engine `host` needs Linux or macOS",
          fix: ["run Kiln inside WSL"],
          exitCode: 4,
        });
      }
      const watchdog = startWatchdog(spec);
      const home = join(spec.workDir, "home");
      const temporary = join(spec.workDir, "tmp");
      try {
        await Promise.all([mkdir(home, { recursive: true }), mkdir(temporary, { recursive: true })]);
        const base = {
          ...reachLoopbackDirectly({
            ...hostVariables(machine, { home, temporary, pathPrefix: spec.pathPrefix }),
            ...spec.variables,
          }),
          [BUILD_MARK]: spec.buildId,
        };
        const pipe = await openOutputPipe(join(spec.workDir, "output.fifo"), options.makePipe ?? makePipe);
        const graceMs = options.graceMs ?? 2000;
        return new HostEnvironment(spec, base, pipe, watchdog, { clock, ids, graceMs });
      } catch (error) {
        await watchdog.dismiss();
        throw error;
      }
    },
  };
}

/** Between the end of a command and the hang-up of what it left: `nohup x &` as last words needs a moment to start. */
const NOHUP_MS = 50;

interface Tools {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly graceMs: number;
}

class HostEnvironment implements BuildEnvironment {
  readonly #spec: EnvironmentSpec;
  readonly #base: Readonly<Record<string, string>>;
  readonly #pipe: OutputPipe;
  readonly #watchdog: Watchdog;
  readonly #tools: Tools;
  readonly #groups: number[] = [];
  readonly #scriptFolders = new Set<string>();
  readonly #shells = new Map<string, string>();
  readonly #runAs: RunAs;

  constructor(
    spec: EnvironmentSpec,
    base: Readonly<Record<string, string>>,
    pipe: OutputPipe,
    watchdog: Watchdog,
    tools: Tools,
  ) {
    this.#spec = spec;
    this.#base = base;
    this.#pipe = pipe;
    this.#watchdog = watchdog;
    this.#tools = tools;
    this.#runAs = new RunAs(spec.workDir);
  }

  userProblem(user: string): Promise<UserProblem | undefined> {
    return userProblem(user);
  }

  toEnvironmentPath(hostPath: string): string {
    return hostPath;
  }

  async run(command: CommandSpec): Promise<Outcome> {
    if (command.signal.aborted) return { kind: "cancelled" };
    const folder = dirname(command.scriptPath);
    if (!this.#scriptFolders.has(folder)) {
      await mkdir(folder, { recursive: true });
      this.#scriptFolders.add(folder);
    }
    // A new file: a shell that still runs in the background keeps its own. ext4 also flushes a file that is cut and
    // written again. At once: a busy machine takes longer to change threads than to write a small file.
    rmSync(command.scriptPath, { force: true });
    writeFileSync(command.scriptPath, command.script, { mode: 0o700 });
    // A receiver that fails (no space for the log) ends the command, and then the run.
    const broken = new AbortController();
    this.#pipe.receive((chunk) => {
      if (broken.signal.aborted) return;
      try {
        const held = command.onOutput(chunk);
        if (held instanceof Promise) return held.catch((error: unknown) => broken.abort(error));
      } catch (error) {
        broken.abort(error);
      }
    });
    const outcome = await this.#spawn({ ...command, signal: AbortSignal.any([command.signal, broken.signal]) });
    await this.#pipe.endOfCommand(`\0kiln-end-${this.#tools.ids.alphanumeric(16)}\0`);
    this.#pipe.receive(() => {});
    broken.signal.throwIfAborted();
    return outcome;
  }

  async #spawn(command: CommandSpec): Promise<Outcome> {
    const asUser = await this.#runAs.prepare(command, [this.#pipe.path]);
    const plain = { file: this.#shell(command.shell), args: [command.scriptPath] };
    const { file, args, ...identity } = asUser ? asUser(plain) : plain;
    const output = this.#pipe.openForChild();
    const child = (() => {
      try {
        return spawn(file, args, {
          ...identity,
          cwd: command.workingDirectory,
          env: { ...(command.bringsVariables ? withoutCarried(this.#base) : this.#base), ...command.variables },
          detached: true,
          stdio: ["ignore", output, output],
        });
      } finally {
        closeSync(output);
      }
    })();
    const group = child.pid;
    debug("engine", () => `host: ${command.shell} ${command.scriptPath} pid ${group}`);
    if (group !== undefined) {
      this.#groups.push(group);
      this.#watchdog.watchGroup(group);
    }

    let ended = false;
    let cancelling: Promise<void> | undefined;
    const onAbort = (): void => {
      cancelling ??= this.#cancel(group, () => ended);
    };
    const outcome = await new Promise<Outcome>((resolve) => {
      child.once("error", (error) => resolve({ kind: "failed-to-start", message: error.message }));
      child.once("exit", (exitCode, signal) =>
        resolve(signal ? { kind: "signalled", signal } : { kind: "exited", exitCode: exitCode ?? 0 }),
      );
      command.signal.addEventListener("abort", onAbort, { once: true });
      if (command.signal.aborted) onAbort();
    });
    ended = true;
    command.signal.removeEventListener("abort", onAbort);
    if (cancelling !== undefined) {
      await cancelling;
      return { kind: "cancelled" };
    }
    // AWS: background jobs of a command are killed when it ends, unless `nohup`, which may not have come to ignoring yet.
    if (group !== undefined && signalGroup(group, 0)) {
      await sleep(this.#tools.clock, NOHUP_MS);
      signalGroup(group, "SIGHUP");
    }
    return outcome;
  }

  /** The shell's program: looked up once, and wherever a command may have pointed PATH. */
  #shell(name: string): string {
    let file = this.#shells.get(name);
    if (file === undefined) {
      file = findProgram(name, this.#base["PATH"]) ?? name;
      this.#shells.set(name, file);
    }
    return file;
  }

  /** SIGTERM, a grace period while the shell still runs, SIGKILL, then everything that got away. */
  async #cancel(group: number | undefined, hasEnded: () => boolean): Promise<void> {
    if (group !== undefined) {
      signalGroup(group, "SIGTERM");
      for (let waitedMs = 0; waitedMs < this.#tools.graceMs && !hasEnded(); waitedMs += 10) {
        await sleep(this.#tools.clock, 10);
      }
      signalGroup(group, "SIGKILL");
    }
    await sweep(this.#spec, this.#tools.clock);
  }

  async close(): Promise<void> {
    for (const group of this.#groups) signalGroup(group, "SIGKILL");
    try {
      await sweep(this.#spec, this.#tools.clock);
    } finally {
      this.#pipe.close();
      await this.#watchdog.dismiss();
    }
  }
}

/** What a shell script cannot bring with it: the mark, and names that are no shell variable's. */
const withoutCarried = (base: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(base).filter(([name]) => name === BUILD_MARK || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)),
  );

/** False when the group is empty. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
