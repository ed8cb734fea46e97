/**
 * Further commands in a running container (`docker exec`): they join the namespaces of its first process and end with it.
 * Sources: nsenter(1); https://docs.docker.com/reference/api/engine/version/v1.43/ (Exec)
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Ids } from "../../../core/ids.ts";
import { onlyStreams } from "../../../core/own-descriptors.ts";
import { LayeredRoot } from "../../../images/layered-root.ts";
import { ApiError } from "../api.ts";
import { imageUser } from "../image-user.ts";
import { type InnerCommand, joinCommand, joiningScript } from "../inner-command.ts";
import { exitCodeOf, type Isolation, TOOL_PATH } from "../isolation.ts";
import type { Container } from "./container.ts";
import { execRefusal, exitCodeOfRefusal, requireCommand } from "./find-command.ts";
import { requireIsolation } from "./start-process.ts";

export interface ExecSpec {
  readonly argv: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDirectory: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly spec: ExecSpec;
  isRunning: boolean;
  exitCode: number | undefined;
  child: ChildProcess | undefined;
}

export interface RunningExec {
  readonly child: ChildProcess;
  readonly sources: readonly Readable[];
  readonly ended: Promise<number>;
}

export class Execs {
  readonly #deps: { readonly isolation: Isolation; readonly ids: Ids };
  readonly #execs = new Map<string, Exec>();

  constructor(deps: { readonly isolation: Isolation; readonly ids: Ids }) {
    this.#deps = deps;
  }

  create(container: Container, spec: ExecSpec): Exec {
    const id = this.#deps.ids.bytes(32).toString("hex");
    const exec: Exec = { id, container, spec, isRunning: false, exitCode: undefined, child: undefined };
    this.#execs.set(id, exec);
    return exec;
  }

  find(id: string): Exec | undefined {
    return this.#execs.get(id);
  }

  idsOf(containerId: string): string[] {
    return [...this.#execs.values()].filter((exec) => exec.container.id === containerId).map((exec) => exec.id);
  }

  /** Throws the runtime's text when the command cannot be started; its exit code is kept then. */
  async start(exec: Exec): Promise<RunningExec> {
    if (exec.isRunning || exec.exitCode !== undefined)
      throw new ApiError(409, `Error: Exec command ${exec.id} is already running`);
    exec.isRunning = true;
    try {
      return await this.#start(exec);
    } catch (error) {
      exec.isRunning = false;
      exec.exitCode = exitCodeOfRefusal((error as Error).message);
      throw error;
    }
  }

  forget(exec: Exec): void {
    this.#execs.delete(exec.id);
  }

  /** Forgets those of a container that is gone. */
  forgetOf(containerId: string): void {
    for (const id of this.idsOf(containerId)) this.#execs.delete(id);
  }

  async #start(exec: Exec): Promise<RunningExec> {
    const { container, spec } = exec;
    const isolation = requireIsolation(this.#deps.isolation);
    const { run } = container;
    if (!run?.place.isThere() || !container.isRunning) throw notRunning(container);
    const { initPid, rootDir } = run.place;
    const root = new LayeredRoot([{ dir: rootDir, whiteouts: new Set(), opaque: new Set() }]);
    const user = spec.user === "" ? undefined : await imageUser(root, spec.user);
    const own = Object.fromEntries(
      spec.env.map((entry): [string, string] => {
        const at = entry.indexOf("=");
        return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
      }),
    );
    const workingDirectory = spec.workingDirectory || run.command.workingDirectory;
    const command: InnerCommand = {
      ...run.command,
      ...(user && { uid: user.uid, gid: user.gid, groups: user.groups }),
      argv: spec.argv,
      tty: spec.tty,
      workingDirectory,
      environment: {
        ...run.command.environment,
        ...(user && { HOME: user.home }),
        ...(spec.tty && { TERM: "xterm" }),
        ...own,
      },
    };
    const { found } = await root.resolve(workingDirectory);
    if (!found?.stats.isDirectory())
      throw new ApiError(
        400,
        execRefusal(
          `chdir to cwd (${JSON.stringify(workingDirectory)}) set in config.json failed: no such file or directory`,
        ),
      );
    const path = command.environment["PATH"] ?? "";
    await requireCommand(root, spec.argv[0] ?? "", { path, workingDirectory }, execRefusal);
    const script = join(container.stateDir, `exec-${exec.id.slice(0, 16)}.sh`);
    await writeFile(script, joiningScript(isolation, command), { mode: 0o600 });
    if (!run.place.isThere()) throw notRunning(container);
    const [nsenter = "", ...words] = joinCommand(isolation, initPid, container.spec.network);
    const child = spawn(nsenter, [...words, "sh", script], {
      cwd: "/",
      env: { PATH: TOOL_PATH },
      stdio: onlyStreams([spec.stdin ? "pipe" : "ignore", "pipe", "pipe"]),
      detached: true,
    });
    exec.child = child;
    child.stdin?.on("error", () => undefined);
    const ended = exitCodeOf(child)
      .catch(() => 126)
      .then(async (exitCode) => {
        exec.isRunning = false;
        exec.exitCode = exitCode;
        await rm(script, { force: true });
        return exitCode;
      });
    const sources = [child.stdout, child.stderr].filter((stream): stream is Readable => stream !== null);
    for (const source of sources) source.on("error", () => undefined);
    return { child, sources, ended };
  }
}

export const notRunning = (container: Container): ApiError =>
  new ApiError(409, `container ${container.id} is not running`);
