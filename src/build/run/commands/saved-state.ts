/**
 * What a command leaves for the next one: its exported variables and its directory, in two files of a private folder. The
 * command's script writes them to a second pair, which takes the first one's place only when it is whole: the directory is
 * written last, so where it stands, the variables are whole. Otherwise the command called `exit`.
 * On this machine the pair is renamed, in the folder that was made for it: commands can replace folder and files. In an environment with files of its own the pairs take turns, because that needs
 * builtins only, and no file crosses over.
 */
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type HeldPath, holdEntry, holdPath, withHeld } from "../../../core/held-path.ts";
import { shellQuote } from "../../../core/shell-quote.ts";
import type { EnvironmentFiles } from "../../../engines/engine.ts";

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
  #realFolder = "";

  constructor(folder: string) {
    this.folder = folder;
    this.environmentFile = join(folder, "env.sh");
    this.next = { environmentFile: join(folder, "env.next"), directoryFile: join(folder, "dir.next") };
  }

  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    this.#realFolder = realpathSync(this.folder);
    await writeFile(this.environmentFile, "", { mode: 0o600 });
  }

  async keep(): Promise<KeptState> {
    return this.#inFolder(({ path }) => {
      const [environmentFile, directoryFile] = ["env.next", "dir.next"].map((name) => join(path, name)) as [
        string,
        string,
      ];
      const directory = textOf(directoryFile).replace(/\n$/, "");
      if (directory === "") return { kind: isFile(environmentFile) ? "broken" : "none" };
      if (!isFile(environmentFile)) return { kind: "broken" };
      renameSync(environmentFile, join(path, basename(this.environmentFile)));
      unlinkSync(directoryFile);
      return { kind: "kept", directory };
    });
  }

  async append(lines: string): Promise<void> {
    if (lines === "") return;
    this.#inFolder(({ path }) => {
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = openSync(join(path, basename(this.environmentFile)), flags);
      try {
        writeFileSync(file, lines);
      } finally {
        closeSync(file);
      }
    });
  }

  #inFolder<T>(use: (folder: HeldPath) => T): T {
    const held = holdPath(this.folder);
    if (held?.realPath === this.#realFolder) return withHeld(held, use) as T;
    held?.close();
    throw new Error(`the folder for the variables of commands, ${this.folder}, was replaced by a command`);
  }
}

const isFile = (path: string): boolean => withHeld(holdEntry(path), ({ stats }) => stats.isFile()) === true;

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

/** Of a path that a shell could be in; empty when it cannot be read. */
function textOf(path: string): string {
  try {
    return withHeld(holdEntry(path), (file) => (isPath(file) ? readFileSync(file.path, "utf8") : "")) ?? "";
  } catch {
    return "";
  }
}

const isPath = ({ stats }: HeldPath): boolean => stats.isFile() && stats.size <= MAX_PATH_BYTES;
const MAX_PATH_BYTES = 64 * 1024;
