/**
 * What a command leaves for the next one: its exported variables and its directory, in two files of a private folder. The
 * command's script writes them to a second pair, which takes the first one's place only when it is whole: the directory is
 * written last, so where it stands, the variables are whole. Otherwise the command called `exit`.
 * On this machine the pair is renamed. In an environment with files of its own the pairs take turns, because that needs
 * builtins only, and no file crosses over.
 */
import { existsSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { EnvironmentFiles } from "../../../engines/engine.ts";
import { shellQuote } from "./command-script.ts";

export interface StateFiles {
  readonly environmentFile: string;
  readonly directoryFile: string;
}

/** `kept`: the directory the command left; `none`: it left nothing; `broken`: what it left is not whole. */
export type KeptState =
  | { readonly kind: "kept"; readonly directory: string }
  | { readonly kind: "none" }
  | { readonly kind: "broken" };

/** Paths are the environment's. */
export interface SavedState {
  readonly folder: string;
  /** Makes the folder. Call once, first. */
  open(): Promise<void>;
  /** The variables that a command starts with. */
  readonly environmentFile: string;
  /** Where a command's script saves to. */
  readonly next: StateFiles;
  keep(): Promise<KeptState>;
  /** Adds lines for the shell to what the next command starts with. */
  append(lines: string): Promise<void>;
}

/** In a folder of this machine. Its small files are read at once: a busy machine takes its time for each change of thread. */
export class HostState implements SavedState {
  readonly folder: string;
  readonly environmentFile: string;
  readonly next: StateFiles;

  constructor(folder: string) {
    this.folder = folder;
    this.environmentFile = join(folder, "env.sh");
    this.next = { environmentFile: join(folder, "env.next"), directoryFile: join(folder, "dir.next") };
  }

  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeFile(this.environmentFile, "", { mode: 0o600 });
  }

  async keep(): Promise<KeptState> {
    const { environmentFile, directoryFile } = this.next;
    const directory = textOf(directoryFile).replace(/\n$/, "");
    if (directory === "") return { kind: existsSync(environmentFile) ? "broken" : "none" };
    renameSync(environmentFile, this.environmentFile);
    unlinkSync(directoryFile);
    return { kind: "kept", directory };
  }

  append(lines: string): Promise<void> {
    return appendFile(this.environmentFile, lines);
  }
}

/** In a folder of an environment with files of its own. */
export class EnvironmentState implements SavedState {
  readonly folder: string;
  readonly #files: EnvironmentFiles;
  #turn = 0;

  constructor(folder: string, files: EnvironmentFiles) {
    this.folder = folder;
    this.#files = files;
  }

  get environmentFile(): string {
    return `${this.folder}/env.${this.#turn}`;
  }

  get next(): StateFiles {
    const turn = 1 - this.#turn;
    return { environmentFile: `${this.folder}/env.${turn}`, directoryFile: `${this.folder}/dir.${turn}` };
  }

  async open(): Promise<void> {
    const files = [0, 1]
      .flatMap((turn) => [`env.${turn}`, `dir.${turn}`])
      .map((name) => shellQuote(join(this.folder, name)));
    const folder = shellQuote(this.folder);
    await this.#files.evaluate(
      `mkdir -p ${shellQuote(dirname(this.folder))}; mkdir -m 700 ${folder}; ${files.map((file) => `: > ${file}`).join("; ")}`,
    );
  }

  async keep(): Promise<KeptState> {
    const { environmentFile, directoryFile } = this.next;
    const [variables, directory] = [shellQuote(environmentFile), shellQuote(directoryFile)];
    // The other pair is emptied: the next command must not be taken to have left what an earlier one did.
    const [oldVariables, oldDirectory] = [
      shellQuote(this.environmentFile),
      shellQuote(`${this.folder}/dir.${this.#turn}`),
    ];
    const said = await this.#files.evaluate(`if [ -s ${directory} ]; then printf d
while IFS= read -r kiln_line || [ -n "$kiln_line" ]; do printf '%s\\n' "$kiln_line"; done < ${directory}
: > ${oldVariables}; : > ${oldDirectory}; : > ${directory}
elif [ -s ${variables} ]; then printf b; fi`);
    if (said === "") return { kind: "none" };
    if (said === "b") return { kind: "broken" };
    this.#turn = 1 - this.#turn;
    return { kind: "kept", directory: said.slice(1).replace(/\n$/, "") };
  }

  async append(lines: string): Promise<void> {
    if (lines !== "")
      await this.#files.evaluate(`printf '%s' ${shellQuote(lines)} >> ${shellQuote(this.environmentFile)}`);
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
