/**
 * The build's shell, as it seems to its commands: one script a command, with directory and exported variables carried
 * over in files (command-script.ts). The files live in a private folder, in memory where the machine has one, because
 * the saved environment holds the build's secrets.
 */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildEnvironment } from "../../engines/engine.ts";
import type { Outcome } from "../../engines/outcome.ts";
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

export class ShellSession {
  readonly #input: ShellSessionInput;
  readonly #environmentFile: string;
  readonly #directoryFile: string;
  readonly #scriptPath: string;

  private constructor(input: ShellSessionInput) {
    this.#input = input;
    this.#environmentFile = join(input.privateDir, "env.sh");
    this.#directoryFile = join(input.privateDir, "dir.txt");
    this.#scriptPath = join(input.workDir, "codebuild", "output", "tmp", "script.sh");
  }

  static async open(input: ShellSessionInput): Promise<ShellSession> {
    const session = new ShellSession(input);
    await writeFile(session.#environmentFile, "", { mode: 0o600 });
    await writeFile(session.#directoryFile, `${input.srcDir}\n`, { mode: 0o600 });
    return session;
  }

  /** Where the next command starts. */
  async directory(): Promise<string> {
    if (!this.#input.carriesState) return this.#input.srcDir;
    const text = await readFile(this.#directoryFile, "utf8").catch(() => "");
    return text.replace(/\n$/, "") || this.#input.srcDir;
  }

  async run(text: string, directory: string, onOutput: (chunk: Buffer) => void | Promise<void>): Promise<Outcome> {
    return this.#runScript(
      commandScript({
        text,
        directory,
        environmentFile: this.#environmentFile,
        directoryFile: this.#directoryFile,
        carriesState: this.#input.carriesState,
      }),
      onOutput,
    );
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
    return (await this.#capture(`cat <<${end}\n${text}\n${end}`)).replace(/\n$/, "");
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
    const script = commandScript({
      text,
      directory: await this.directory(),
      environmentFile: this.#environmentFile,
      directoryFile: this.#directoryFile,
      carriesState: false,
    });
    await this.#runScript(script, (chunk) => void chunks.push(chunk));
    return Buffer.concat(chunks).toString("utf8");
  }

  #runScript(script: string, onOutput: (chunk: Buffer) => void | Promise<void>): Promise<Outcome> {
    return this.#input.environment.run({
      shell: this.#input.shell,
      script,
      scriptPath: this.#scriptPath,
      workingDirectory: this.#input.srcDir,
      onOutput,
      signal: this.#input.signal,
    });
  }
}
