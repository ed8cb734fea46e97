/**
 * The build's shell, as it seems to its commands: one script a command, with directory and exported variables carried
 * over in files (command-script.ts). The files live in a private folder, in memory where the machine has one, because
 * the saved environment holds the build's secrets. Once a command has saved its variables they are the whole truth: the
 * next one starts without the build's own, so that what was unset stays unset.
 */
import { existsSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../../../core/errors.ts";
import type { BuildEnvironment } from "../../../engines/engine.ts";
import type { Outcome } from "../../../engines/outcome.ts";
import { commandScript, exportLines } from "./command-script.ts";

export interface ShellSessionInput {
  readonly environment: BuildEnvironment;
  readonly shell: "sh" | "bash";
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
  readonly #stateFolder: string;
  readonly #environmentFile: string;
  readonly #save: { readonly environmentFile: string; readonly directoryFile: string };
  readonly #scriptPath: string;
  readonly #readonlyFolder: string;
  #directory: string;
  #hasSaved = false;

  private constructor(input: ShellSessionInput) {
    this.#input = input;
    this.#stateFolder = join(input.privateDir, "shell");
    this.#environmentFile = join(this.#stateFolder, "env.sh");
    this.#save = {
      environmentFile: join(this.#stateFolder, "env.next"),
      directoryFile: join(this.#stateFolder, "dir.next"),
    };
    this.#scriptPath = join(input.workDir, "codebuild", "output", "tmp", "script.sh");
    this.#readonlyFolder = join(input.workDir, "codebuild", "readonly");
    this.#directory = input.srcDir;
  }

  static async open(input: ShellSessionInput): Promise<ShellSession> {
    const session = new ShellSession(input);
    await mkdir(session.#stateFolder, { recursive: true, mode: 0o700 });
    await mkdir(session.#readonlyFolder, { recursive: true });
    await writeFile(session.#environmentFile, "", { mode: 0o600 });
    return session;
  }

  /** Where the next command starts. */
  directory(): string {
    return this.#directory;
  }

  /** Runs one command and keeps what it leaves. Rejects when that cannot be kept. */
  async run({ text, directory, user, errorFile, onOutput }: SessionCommand): Promise<Outcome> {
    const save = this.#input.carriesState ? this.#save : undefined;
    const script = commandScript({ text, directory, environmentFile: this.#environmentFile, save, errorFile });
    const outcome = await this.#runScript(script, onOutput, user);
    if (save && outcome.kind === "exited") this.#keepState();
    return outcome;
  }

  /** Sets variables for every later command. */
  async set(variables: Readonly<Record<string, string>>): Promise<void> {
    await appendFile(this.#environmentFile, exportLines(variables));
  }

  async unset(names: readonly string[]): Promise<void> {
    await appendFile(this.#environmentFile, names.map((name) => `unset ${name}\n`).join(""));
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
    const script = commandScript({ text, directory: this.#directory, environmentFile: this.#environmentFile });
    await this.#runScript(script, (chunk) => void chunks.push(chunk));
    return Buffer.concat(chunks).toString("utf8");
  }

  /**
   * The directory is written last: where it stands, the variables are whole. Otherwise the command called `exit`.
   * Not asynchronously: these are small files, mostly in memory, and a busy machine takes its time for each change of thread.
   */
  #keepState(): void {
    const { environmentFile, directoryFile } = this.#save;
    const directory = textOf(directoryFile).replace(/\n$/, "");
    if (directory !== "") {
      renameSync(environmentFile, this.#environmentFile);
      unlinkSync(directoryFile);
      this.#directory = directory;
      this.#hasSaved = true;
      return;
    }
    if (!existsSync(environmentFile)) return;
    throw new KilnError({
      code: "KILN_E_BUILD_STATE_NOT_SAVED",
      message: `the variables of the command could not be saved in \`${this.#stateFolder}\`, most likely because no space is left there`,
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
      stateFolder: this.#stateFolder,
      readableFolder: join(this.#input.workDir, "codebuild"),
      ...(user === undefined ? {} : { user }),
      onOutput,
      signal: this.#input.signal,
    });
  }
}

/** Empty when it cannot be read. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
