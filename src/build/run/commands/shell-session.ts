/**
 * The build's shell, as it seems to its commands: one script a command, with directory and exported variables carried
 * over in files (command-script.ts). The files live in a private folder, in memory where the machine has one, because
 * the saved environment holds the build's secrets. Once a command has saved its variables they are the whole truth: the
 * next one starts without the build's own, so that what was unset stays unset.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../../../core/errors.ts";
import type { BuildEnvironment } from "../../../engines/engine.ts";
import type { Outcome } from "../../../engines/outcome.ts";
import { commandScript, exportLines } from "./command-script.ts";
import { EnvironmentState, HostState, type SavedState } from "./saved-state.ts";

export interface ShellSessionInput {
  readonly environment: BuildEnvironment;
  readonly shell: "sh" | "bash";
  /** Where commands start, in the environment. */
  readonly srcDir: string;
  readonly workDir: string;
  readonly privateDir: string;
  readonly carriesState: boolean;
  readonly signal: AbortSignal;
}

export interface SessionCommand {
  readonly text: string;
  /** Where it starts; see `directory`. */
  readonly directory: string;
  readonly user?: string | undefined;
  /** File that receives standard error; absent: it comes with the output. */
  readonly errorFile?: string | undefined;
  onOutput(chunk: Buffer): void | Promise<void>;
}

export class ShellSession {
  readonly #input: ShellSessionInput;
  readonly #state: SavedState;
  readonly #scriptPath: string;
  readonly #readonlyFolder: string;
  readonly #readableFolder: string;
  #directory: string;
  #hasSaved = false;

  private constructor(input: ShellSessionInput) {
    this.#input = input;
    const { environment, privateDir, workDir } = input;
    const folder = environment.toEnvironmentPath(join(privateDir, "shell"));
    this.#state = environment.files ? new EnvironmentState(folder, environment.files) : new HostState(folder);
    const place = (...path: string[]): string => environment.toEnvironmentPath(join(workDir, "codebuild", ...path));
    this.#scriptPath = place("output", "tmp", "script.sh");
    this.#readonlyFolder = place("readonly");
    this.#readableFolder = place();
    this.#directory = input.srcDir;
  }

  static async open(input: ShellSessionInput): Promise<ShellSession> {
    const session = new ShellSession(input);
    await session.#state.open();
    if (!input.environment.files) await mkdir(session.#readonlyFolder, { recursive: true });
    return session;
  }

  /** Where the next command starts. */
  directory(): string {
    return this.#directory;
  }

  /** Runs one command and keeps what it leaves. Rejects when that cannot be kept. */
  async run({ text, directory, user, errorFile, onOutput }: SessionCommand): Promise<Outcome> {
    const { environmentFile, next } = this.#state;
    const save = this.#input.carriesState ? next : undefined;
    const script = commandScript({ text, directory, environmentFile, save, errorFile });
    const outcome = await this.#runScript(script, onOutput, user);
    if (save && outcome.kind === "exited") await this.#keepState();
    return outcome;
  }

  /** Sets variables for every later command. */
  async set(variables: Readonly<Record<string, string>>): Promise<void> {
    await this.#state.append(exportLines(variables));
  }

  async unset(names: readonly string[]): Promise<void> {
    await this.#state.append(names.map((name) => `unset ${name}\n`).join(""));
  }

  /** A text with its variables and `$(…)` filled in by the build's shell. */
  async expand(text: string): Promise<string> {
    if (!/[$`]/.test(text)) return text;
    const end = "KILN_END_OF_TEXT";
    // No `cat`: a command may have left any PATH.
    const read = `while IFS= read -r kiln_line; do printf '%s\\n' "$kiln_line"; done <<${end}\n${text}\n${end}`;
    return (await this.#capture(read)).replace(/\n$/, "");
  }

  /** Values of variables at this point; unset ones are empty. */
  async values(names: readonly string[]): Promise<Map<string, string>> {
    if (names.length === 0) return new Map();
    const script = names.map((name) => `printf '%s\\0' "\${${name}-}"`).join("\n");
    const parts = (await this.#capture(script)).split("\0");
    return new Map(names.map((name, index) => [name, parts[index] ?? ""]));
  }

  async #capture(text: string): Promise<string> {
    const chunks: Buffer[] = [];
    const script = commandScript({ text, directory: this.#directory, environmentFile: this.#state.environmentFile });
    await this.#runScript(script, (chunk) => void chunks.push(chunk));
    return Buffer.concat(chunks).toString("utf8");
  }

  async #keepState(): Promise<void> {
    const kept = await this.#state.keep();
    if (kept.kind === "none") return;
    if (kept.kind === "kept") {
      this.#directory = kept.directory;
      this.#hasSaved = true;
      return;
    }
    throw new KilnError({
      code: "KILN_E_BUILD_STATE_NOT_SAVED",
      message: `the variables of the command could not be saved in \`${this.#state.folder}\`, most likely because no space is left there`,
      fix: ["free some space and start the build again"],
      exitCode: 4,
    });
  }

  #runScript(
    script: string,
    onOutput: (chunk: Buffer) => void | Promise<void>,
    user?: string | undefined,
  ): Promise<Outcome> {
    return this.#input.environment.run({
      shell: this.#input.shell,
      script,
      scriptPath: this.#scriptPath,
      // AWS: commands start from here, and their script's first line leaves for the command's directory.
      workingDirectory: this.#readonlyFolder,
      bringsVariables: this.#hasSaved,
      stateFolder: this.#state.folder,
      readableFolder: this.#readableFolder,
      ...(user === undefined ? {} : { user }),
      onOutput,
      signal: this.#input.signal,
    });
  }
}
