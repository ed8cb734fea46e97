/**
 * Notes on disk of what a build has in a shared engine, so that the next build can remove what a killed Kiln left.
 * One file a build, named after the process (core/owned-folders.ts); it goes when the build cleans up by itself.
 */
import { writeFileSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeOwnedFolder, orphansIn } from "../../core/owned-folders.ts";

export interface JournalEntry {
  readonly engineKey: string;
  readonly buildId: string;
  /** Names that must go though their images carry no label of the build. */
  readonly names: readonly string[];
  /** Short ids of images that the build made, first ones first. */
  readonly images: readonly string[];
}

type About = Pick<JournalEntry, "engineKey" | "buildId">;

const PREFIX = "engine-";

export class Journal {
  readonly #folder: string;
  readonly #names = new Set<string>();
  readonly #images = new Set<string>();
  readonly #about: About;

  private constructor(folder: string, about: About) {
    this.#folder = folder;
    this.#about = about;
    this.#write();
  }

  static async open(dir: string, about: About): Promise<Journal> {
    await mkdir(dir, { recursive: true });
    return new Journal(makeOwnedFolder(dir, PREFIX), about);
  }

  /** Before the engine is told to make the name. */
  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#write();
  }

  addImage(id: string): void {
    if (this.#images.has(id)) return;
    this.#images.add(id);
    this.#write();
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  // Synchronous: the note must be there before what it is about.
  #write(): void {
    const entry: JournalEntry = { ...this.#about, names: [...this.#names], images: [...this.#images] };
    writeFileSync(join(this.#folder, "made.json"), JSON.stringify(entry));
  }
}

/** Hands each note of a process that is gone to `clean`, then removes it. Notes about other engines stay. */
export async function reclaim(
  dir: string,
  engineKey: string,
  clean: (left: JournalEntry) => Promise<void>,
): Promise<void> {
  for (const name of await orphansIn(dir, PREFIX)) {
    const folder = join(dir, name);
    const text = await readFile(join(folder, "made.json"), "utf8").catch(() => undefined);
    let left: JournalEntry | undefined;
    try {
      left = text === undefined ? undefined : (JSON.parse(text) as JournalEntry);
    } catch {
      // Cut off while it was written: nothing had been made then.
    }
    if (left && left.engineKey !== engineKey) continue;
    if (left) await clean(left);
    await rm(folder, { recursive: true, force: true });
  }
}
