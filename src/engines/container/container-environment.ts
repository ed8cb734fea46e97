/**
 * One build's container, running: `open` gives the build's variables to a shell in it (exec-shell.ts), and each command is
 * a script which that shell runs in a session of its own. A second shell, which never runs anything of the build, answers
 * questions, and ends what must be ended: an engine has no call for that.
 * Known gap: in an image without `setsid` background jobs of a command live until the end of the build.
 */

import type { Ids } from "../../core/ids.ts";
import { debug } from "../../core/log.ts";
import { shellQuote } from "../../core/shell-quote.ts";
import type { EngineClient } from "../../engine-api/index.ts";
import type {
  BuildEnvironment,
  CommandSpec,
  EnvironmentFiles,
  EnvironmentSpec,
  ProvisionedEnvironment,
  ProvisionSpec,
  UserProblem,
} from "../engine.ts";
import type { Outcome } from "../outcome.ts";
import { CONTAINER_CACHE, CONTAINER_HOME, CONTAINER_PRIVATE, containerPaths } from "./container-paths.ts";
import { removeContainer } from "./create-container.ts";
import { ExecShell } from "./exec-shell.ts";
import type { Programs } from "./look-around.ts";
import type { Reach } from "./reach-endpoint.ts";
import { sharedPath } from "./shared-path.ts";

export interface ContainerParts {
  readonly client: EngineClient;
  readonly containerId: string;
  readonly control: ExecShell;
  readonly spec: ProvisionSpec;
  readonly reach: Reach;
  readonly ids: Ids;
  /** Between SIGTERM and SIGKILL of a cancelled command. */
  readonly graceMs: number;
  /** Given to every command besides the build's own variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** `NAME=value`, as the image's configuration has them. */
  readonly imageVariables: readonly string[];
  /** The engine's path of the folder that containers beside this one may have; absent: there is none. */
  readonly outputFolder: string | undefined;
  /** Makes `close` of whoever holds more than the container. */
  onClosed(): void;
}

/** Looks for processes of a command that was cancelled before it had begun. */
const CANCEL_ATTEMPTS = 1000;
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Shells refuse to forget these. */
const READ_ONLY: ReadonlySet<string> = new Set(["BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"]);
/** Set by the engine or the shell itself in every exec. */
const ENGINE_VARIABLES = ["HOME", "HOSTNAME", "PATH", "TERM", "container", "PWD", "OLDPWD", "SHLVL"];

export function containerEnvironment(parts: ContainerParts, programs: Programs): ProvisionedEnvironment {
  return new ContainerEnvironment(parts, programs);
}

class ContainerEnvironment implements ProvisionedEnvironment, BuildEnvironment {
  readonly endpointUrl: string;
  readonly files: EnvironmentFiles;
  readonly toEnvironmentPath: (hostPath: string) => string;
  readonly toHostPath: (environmentPath: string) => string;
  readonly sharedPath: NonNullable<ProvisionedEnvironment["sharedPath"]>;
  readonly #parts: ContainerParts;
  readonly #programs: Programs;
  /** By user; the engine's own is root. */
  readonly #shells = new Map<string, ExecShell>();
  readonly #kept: Set<string>;
  #spec: EnvironmentSpec | undefined;
  #forget = "";
  #closing: Promise<void> | undefined;

  constructor(parts: ContainerParts, programs: Programs) {
    const { spec, reach, client, containerId } = parts;
    this.#parts = parts;
    this.#programs = programs;
    this.#kept = new Set(programs.kept);
    this.endpointUrl = reach.endpointUrl;
    const paths = containerPaths(spec.workDir, spec.privateDir);
    this.toEnvironmentPath = paths.toEnvironmentPath;
    this.toHostPath = paths.toHostPath;
    this.sharedPath = (asked) => sharedPath(asked, parts);
    const archive = (path: string): string =>
      `/containers/${containerId}/archive?path=${encodeURIComponent(path)}&noOverwriteDirNonDir=false`;
    this.files = {
      put: async (tar, signal) => {
        const { status, text } = await client.text("PUT", archive("/"), {
          headers: { "content-type": "application/x-tar" },
          body: tar,
          signal,
        });
        if (status >= 400) throw new Error(`the engine did not take the build's files: ${text.trim()}`);
      },
      get: async (path, signal) => {
        const response = await client.send("GET", archive(path), { signal });
        const status = response.statusCode ?? 500;
        if (status < 400) return response;
        response.resume();
        if (status === 404) return undefined;
        throw new Error(`the engine did not give \`${path}\`: status ${status}`);
      },
      evaluate: async (lines) => {
        const text = await parts.control.evaluate(lines);
        if (text === undefined) throw new Error("the build's container is gone");
        return text;
      },
      ...(spec.cacheName === undefined ? {} : { cacheFolder: CONTAINER_CACHE }),
    };
  }

  async open(spec: EnvironmentSpec, signal: AbortSignal): Promise<BuildEnvironment> {
    signal.throwIfAborted();
    this.#spec = spec;
    const names = [
      ...ENGINE_VARIABLES,
      ...this.#parts.imageVariables.map((text) => text.slice(0, text.indexOf("="))),
      ...Object.keys(spec.variables),
      ...Object.keys(this.#parts.variables),
    ];
    const known = new Set(names.filter((name) => IDENTIFIER.test(name) && !READ_ONLY.has(name)));
    this.#forget = `unset ${[...known].join(" ")}`;
    await this.#shellOf("0", signal);
    return this;
  }

  async userProblem(user: string): Promise<UserProblem | undefined> {
    if (/^\d+$/.test(user)) return undefined;
    const found = await this.files.evaluate(
      `while IFS=: read -r kiln_name kiln_rest; do [ "$kiln_name" = ${shellQuote(user)} ] && printf yes; done < /etc/passwd`,
    );
    return found.startsWith("yes") ? undefined : { kind: "unknown" };
  }

  async run(command: CommandSpec): Promise<Outcome> {
    if (command.signal.aborted) return { kind: "cancelled" };
    const shell = command.shell === "bash" ? this.#programs.bash : this.#programs.sh;
    if (shell === undefined) return { kind: "failed-to-start", message: "the image has no `bash`" };
    const problem = await this.#prepare(command);
    if (problem !== undefined) return { kind: "failed-to-start", message: problem };
    const user = command.user ?? "0";
    const runner = await this.#shellOf(user, command.signal);
    // A receiver that fails (no space for the log) ends the command, and then the run.
    const broken = new AbortController();
    const signal = AbortSignal.any([command.signal, broken.signal]);
    let isOver = false;
    let cancelling: Promise<void> | undefined;
    const onAbort = (): void => {
      cancelling ??= this.#cancel(() => isOver);
    };
    if (signal.aborted) return { kind: "cancelled" };
    signal.addEventListener("abort", onAbort, { once: true });
    const status = await runner.run(this.#lines(command, shell, user), (bytes) => {
      if (broken.signal.aborted) return;
      try {
        const held = command.onOutput(bytes);
        if (held instanceof Promise) return held.catch((error: unknown) => broken.abort(error));
      } catch (error) {
        broken.abort(error);
      }
    });
    isOver = true;
    signal.removeEventListener("abort", onAbort);
    await cancelling;
    broken.signal.throwIfAborted();
    if (cancelling !== undefined) return { kind: "cancelled" };
    if (status !== undefined) return { kind: "exited", exitCode: Number(status) };
    await this.#sayDeath();
    return { kind: "signalled", signal: "SIGKILL" };
  }

  close(): Promise<void> {
    this.#closing ??= this.#remove();
    return this.#closing;
  }

  async #remove(): Promise<void> {
    const { client, containerId, control, onClosed } = this.#parts;
    try {
      await removeContainer(client, containerId);
    } finally {
      for (const shell of [control, ...this.#shells.values()]) shell.close();
      client.close();
      onClosed();
    }
  }

  /** Writes the script and makes it and the saved variables the user's. Why that is not possible. */
  async #prepare({
    script,
    scriptPath,
    workingDirectory,
    user,
    stateFolder,
  }: CommandSpec): Promise<string | undefined> {
    const [file, folder] = [shellQuote(scriptPath), shellQuote(workingDirectory)];
    const owned =
      user !== undefined && stateFolder !== undefined ? `chown -R ${shellQuote(user)} ${shellQuote(stateFolder)};` : "";
    // A new file: a shell that still runs in the background keeps its own.
    const said = await this.files.evaluate(
      `rm -f ${file}; ${owned} umask 022
if printf '%s' ${shellQuote(script)} > ${file}; then [ -d ${folder} ] || printf folder; else printf script; fi; umask 077`,
    );
    if (said === "folder") return `there is no folder \`${workingDirectory}\` in the container`;
    return said === "script" ? `\`${scriptPath}\` cannot be written in the container` : undefined;
  }

  #lines(command: CommandSpec, shell: string, user: string): string {
    const { setsid } = this.#programs;
    const variables = Object.entries(command.variables ?? {}).filter(([name]) => IDENTIFIER.test(name));
    const pidFile = shellQuote(pidFileOf(user));
    const start =
      setsid === undefined ? "exec" : `exec ${setsid} ${this.#programs.sh} -c 'echo $$ >&3; exec 3>&-; exec "$@"' sh`;
    const hangUp =
      setsid === undefined
        ? ""
        : `read -r kiln_pid < ${pidFile}
if kill -0 "-$kiln_pid"; then sleep 0.05 || sleep 1; kill -HUP "-$kiln_pid"; fi`;
    return `( ${command.bringsVariables ? this.#forget : ":"}
${variables.map(([name, value]) => `export ${name}=${shellQuote(value)}`).join("\n")}
cd ${shellQuote(command.workingDirectory)} || exit 1
${start} ${shell} ${shellQuote(command.scriptPath)} ) </dev/null 2>&1${setsid === undefined ? "" : ` 3>${pidFile}`}
kiln_status=$?
{ ${hangUp}
:; } </dev/null >/dev/null 2>&1`;
  }

  async #shellOf(user: string, signal: AbortSignal): Promise<ExecShell> {
    const known = this.#shells.get(user);
    if (known) return known;
    const { client, containerId, ids, variables, imageVariables } = this.#parts;
    const spec = this.#spec;
    if (!spec) throw new Error("the environment is not open");
    const imagePath = imageVariables.find((text) => text.startsWith("PATH="))?.slice("PATH=".length) ?? DEFAULT_PATH;
    const shell = await ExecShell.start(
      client,
      {
        containerId,
        user,
        variables: {
          ...variables,
          // AWS: HOME is /root whoever the image's user is.
          HOME: CONTAINER_HOME,
          PATH: [...spec.pathPrefix, imagePath].join(":"),
          ...spec.variables,
        },
      },
      ids,
      signal,
    );
    this.#shells.set(user, shell);
    const pid = await shell.evaluate(`printf '%s' "$$"`);
    if (pid === undefined) throw new Error(`no shell of user ${user} in the container: ${shell.complaint}`);
    this.#kept.add(pid);
    await this.files.evaluate(
      `: > ${pidFileOf(user)}; ${user === "0" ? "" : `chown ${shellQuote(user)} ${pidFileOf(user)}`}`,
    );
    return shell;
  }

  /** Ends every process of the build, again and again until the command is over; else the container. */
  async #cancel(isOver: () => boolean): Promise<void> {
    const { client, containerId, graceMs } = this.#parts;
    const kept = ` ${[...this.#kept].join(" ")} `;
    // A process that has ended and that nobody asks about any more (a zombie) is none.
    const sweep = `for kiln_signal in TERM KILL; do kiln_round=0
while [ $kiln_round -lt ${Math.ceil(graceMs / 50) + 1} ]; do kiln_left=
for kiln_pid in /proc/[0-9]*; do kiln_pid=\${kiln_pid#/proc/}
case '${kept}' in *" $kiln_pid "*) continue ;; esac
read -r kiln_stat < /proc/$kiln_pid/stat || continue
case $kiln_stat in *") Z "*) ;; *) kiln_left="$kiln_left $kiln_pid" ;; esac; done
[ -z "$kiln_left" ] && break 2
if [ $kiln_round = 0 ] || [ $kiln_signal = KILL ]; then kill -$kiln_signal $kiln_left; fi
kiln_round=$((kiln_round + 1)); sleep 0.05 || sleep 1; done; done
printf '%s' "$kiln_left"`;
    for (let attempt = 0; attempt < CANCEL_ATTEMPTS; attempt++) {
      const left = await this.#parts.control.evaluate(sweep);
      if (left === undefined || left !== "") break;
      // The shell may not have come to starting the command when it was looked for.
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver()) return;
    }
    debug("engine", () => "container: its processes do not end, so it is killed");
    await client.text("POST", `/containers/${containerId}/kill`).catch(() => undefined);
  }

  async #sayDeath(): Promise<void> {
    const { client, containerId, spec } = this.#parts;
    const found = await client
      .json<{ State?: { OOMKilled?: boolean; ExitCode?: number } }>(`/containers/${containerId}/json`)
      .catch(() => undefined);
    const why = found?.State?.OOMKilled ? "it was out of memory" : "a command may have ended all processes";
    spec.onNotice?.("warning", `the build's container ended while the command ran: ${why}`);
  }
}

const pidFileOf = (user: string): string => `${CONTAINER_PRIVATE}/pid.${user.replace(/[^A-Za-z0-9]/g, "_")}`;
