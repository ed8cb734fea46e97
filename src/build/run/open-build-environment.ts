/**
 * A build's environment without a build: log stream, docker, source, variables and shell as a build gets them, then
 * commands one at a time, each through its own script, with standard output and standard error apart. For sandboxes.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/sandbox.html
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { debug } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { shellQuote } from "../../core/shell-quote.ts";
import type { BuildEnvironment, ProvisionedEnvironment } from "../../engines/engine.ts";
import { exitStatus } from "../../engines/outcome.ts";
import { BuildLog } from "./build-log.ts";
import type { BuildDocker, BuildRequest, RunDependencies } from "./build-request.ts";
import { downloadSource, type ReadyBuild } from "./download-source.ts";
import type { PhaseContext, PhaseType } from "./events.ts";
import { OwnFiles } from "./own-files.ts";
import { leaveQueue, provisionBuild } from "./provision.ts";

/** So much of each output of a command is kept, in characters; what follows is left out, and that is said. */
export const MAX_CONTENT_LENGTH = 1024 * 1024;

export interface CommandResult {
  readonly exitStatus: number;
  /** Masked, at most `MAX_CONTENT_LENGTH` long. */
  readonly standardOutput: string;
  readonly standardError: string;
}

export interface OpenEnvironment {
  readonly resolvedSourceVersion?: string;
  /** Runs one command; directory and exported variables carry over to the next. Not for use by two at a time. */
  run(command: string): Promise<CommandResult>;
}

/** Opens and closes one environment. `close` is due whatever `open` gave. */
export class BuildEnvironmentOpener {
  readonly #request: BuildRequest;
  readonly #dependencies: RunDependencies;
  readonly #log: BuildLog;
  #place: ProvisionedEnvironment | undefined;
  #environment: BuildEnvironment | undefined;
  #docker: BuildDocker | undefined;
  #build: ReadyBuild | undefined;
  /** The folder of what commands say on standard error. */
  readonly #own: OwnFiles;

  constructor(request: BuildRequest, dependencies: RunDependencies) {
    this.#request = request;
    this.#own = new OwnFiles({ workDir: dependencies.privateDir, isApart: true });
    this.#dependencies = dependencies;
    this.#log = new BuildLog(request.buildId, dependencies.clock, dependencies.emit);
  }

  /** The open environment, or why a phase failed. Each phase is told as it starts. */
  async open(onPhase: (phaseType: PhaseType) => void): Promise<Result<OpenEnvironment, PhaseContext>> {
    const [request, dependencies, log] = [this.#request, this.#dependencies, this.#log];
    const { signal } = dependencies;
    log.hide([dependencies.credentials.token]);
    dependencies.onRoleSecrets?.((values) => log.hide(values));
    onPhase("QUEUED");
    const refused = await leaveQueue(request, dependencies);
    if (refused) return err(refused);
    onPhase("PROVISIONING");
    const provisioned = await provisionBuild({
      ...{ request, dependencies, log, signal },
      onDocker: (docker) => {
        this.#docker = docker;
      },
      onEnvironment: (place) => {
        this.#place = place;
      },
    });
    if (!provisioned.ok) return provisioned;
    onPhase("DOWNLOAD_SOURCE");
    const ready = await downloadSource({
      ...{ request, dependencies, log, signal },
      provisioned: provisioned.value,
      onEnvironment: (environment) => {
        this.#environment = environment;
      },
      onSources: () => {},
    });
    if (!ready.ok) return ready;
    const build = ready.value;
    this.#build = build;
    const version = build.resolvedSourceVersion;
    return ok({
      ...(version === undefined ? {} : { resolvedSourceVersion: version }),
      run: (command) => this.#run(build, command),
    });
  }

  async #run({ session, environment }: ReadyBuild, command: string): Promise<CommandResult> {
    const errorFile = join(this.#dependencies.privateDir, "stderr.txt");
    const errorPath = environment.toEnvironmentPath(errorFile);
    const kept = new KeptText();
    const output = this.#log.commandOutput();
    this.#log.container(`Running command ${command}`);
    try {
      const outcome = await session.run({
        text: command,
        directory: session.directory(),
        errorFile: errorPath,
        onOutput: (chunk) => {
          kept.add(chunk);
          return output.push(chunk);
        },
      });
      await output.end();
      const standardError = this.#masked(
        environment.files
          ? await environment.files.evaluate(
              `head -c ${MAX_CONTENT_BYTES} ${shellQuote(errorPath)}; rm -f ${shellQuote(errorPath)}`,
            )
          : firstOf(this.#own, errorFile),
      );
      if (standardError !== "") this.#log.output(standardError.replace(/\n$/, ""));
      if (outcome.kind === "failed-to-start") {
        this.#log.notice("warning", `the shell could not start: ${outcome.message}`);
      }
      return { exitStatus: exitStatus(outcome), standardOutput: this.#masked(kept.text), standardError };
    } finally {
      await rm(errorFile, { force: true });
    }
  }

  #masked(text: string): string {
    const masked = this.#log.mask(text);
    if (masked.length <= MAX_CONTENT_LENGTH) return masked;
    return `${masked.slice(0, MAX_CONTENT_LENGTH)}\n[Kiln: the rest of the output is left out]\n`;
  }

  async close(): Promise<void> {
    const [environment, place, docker, build] = [this.#environment, this.#place, this.#docker, this.#build];
    this.#environment = undefined;
    this.#place = undefined;
    this.#docker = undefined;
    this.#build = undefined;
    const { engine, workDir } = this.#dependencies;
    try {
      await build?.cache?.leave?.().catch((error: unknown) => debug("run", () => `cache: ${String(error)}`));
      // Closing the place closes what was opened in it.
      if (!environment && engine.ok) await engine.value.reclaim({ buildId: this.#request.buildId, workDir });
      await place?.close();
    } finally {
      try {
        await docker?.close();
      } finally {
        await build?.cache?.release();
      }
    }
  }
}

/** Four bytes are at most one character of the text that is kept, so this many always suffice. */
const MAX_CONTENT_BYTES = 4 * (MAX_CONTENT_LENGTH + 1);

/** The beginning of an output, in bounded memory. */
class KeptText {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  add(chunk: Buffer): void {
    if (this.#length >= MAX_CONTENT_BYTES) return;
    this.#chunks.push(Buffer.from(chunk));
    this.#length += chunk.length;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/** The beginning of a file; empty where there is none. */
function firstOf(own: OwnFiles, path: string): string {
  return Buffer.from(own.head(path, MAX_CONTENT_BYTES)).toString("utf8");
}
