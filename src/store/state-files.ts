/**
 * Files of the state beside its records: blobs, uploads, and the folders that services keep (logs, builds). All of one
 * state lie below one root: the state folder itself, or after a reset or a restore `generations/<id>` in it. Which one is
 * said by a record, so the transaction that replaces the records replaces the files too; a process that dies before it
 * leaves a generation that nobody uses, one that dies after it leaves the old one. `sweep` removes both.
 *
 * A copy of a state (snapshots.ts) shares what never changes: blobs, and log files, which only grow.
 */
import type { Dirent } from "node:fs";
import { constants, copyFile, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { isOrphan, ownerName } from "../core/owned-folders.ts";
import { linkFile } from "./link-file.ts";
import type { StateFolder } from "./store.ts";
import { syncFolder } from "./sync-folder.ts";

type Part = StateFolder | "blobs" | "uploads";

/** How each part gets into a copy. A cache is no part of a copy. */
const PARTS: Record<Part, "link" | "copy" | "leave"> = {
  blobs: "link",
  logs: "link",
  uploads: "copy",
  builds: "copy",
  artifacts: "copy",
  cache: "leave",
};

/** What must fit the records exactly; the rest may be newer than they are. */
export const EXACT_PARTS: readonly Part[] = ["blobs", "logs", "uploads"];
export const OTHER_PARTS: readonly Part[] = ["builds", "artifacts"];
const GENERATIONS = "generations";

export interface StateFilesParts {
  /** The state folder, or a temporary one that is made when it is first asked for. */
  readonly base: () => string;
  /** The generation that the records name, as of now. */
  readonly generation: () => string | undefined;
  readonly ids: Ids;
}

/** A folder that becomes a generation or a snapshot by being named as one. */
export interface Draft {
  readonly id: string;
  readonly path: string;
}

export class StateFiles {
  readonly #parts: StateFilesParts;

  constructor(parts: StateFilesParts) {
    this.#parts = parts;
  }

  get base(): string {
    return this.#parts.base();
  }

  root(): string {
    return this.#rootOf(this.#parts.generation());
  }

  #rootOf(generation: string | undefined): string {
    if (generation === undefined) return this.base;
    if (!isDraftId(generation)) throw foreignGeneration(this.base);
    return join(this.base, GENERATIONS, generation);
  }

  /** Its name says which process made it, by which others know when it is left over. */
  async newDraft(): Promise<Draft> {
    const id = `${ownerName()}-${this.#parts.ids.uuid()}`;
    const path = this.#rootOf(id);
    drafts.add(id);
    await mkdir(path, { recursive: true, mode: 0o700 });
    for (const made of [join(this.base, GENERATIONS), this.base]) await syncFolder(made);
    return { id, path };
  }

  /** The draft is in use now, or gives way: whatever still bears its name is nobody's. */
  async drop(draft: Draft): Promise<void> {
    if (this.#parts.generation() !== draft.id) await rm(draft.path, { recursive: true, force: true });
    drafts.delete(draft.id);
  }

  /** Removes the files of a generation that the records do not name any more. */
  async removeGeneration(generation: string | undefined): Promise<void> {
    if (generation !== undefined) return rm(this.#rootOf(generation), { recursive: true, force: true });
    for (const part of Object.keys(PARTS)) await rm(join(this.base, part), { recursive: true, force: true });
  }

  /** Removes what processes that died during a reset, a save or a restore have left. */
  async sweep(): Promise<void> {
    const found = await readdir(join(this.base, GENERATIONS)).catch(absent);
    if (found === undefined) return;
    // The order matters: whose process is gone was named before this look at the records, or never will be.
    const left = found.filter((id) => !isBeingMade(id));
    await nextTurn();
    const current = this.#parts.generation();
    for (const id of left) if (id !== current) await this.removeGeneration(id);
    if (current !== undefined) await this.removeGeneration(undefined);
  }
}

/** Of all stores of this process, until they are used or removed. */
const drafts = new Set<string>();

/** Its maker, and what tells it from the maker's others. Older drafts name their maker by its number alone. */
const DRAFT_ID = /^(\d+(?:-\d+){2}|\d+)-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** The manifest of a copy that is not its name's yet (snapshots.ts). */
export const NEW_MANIFEST = ".new";

/** A state folder may come with a repository: a name in it leads nowhere else. */
export const isDraftId = (id: unknown): id is string => typeof id === "string" && DRAFT_ID.test(id);

const foreignGeneration = (base: string): KilnError =>
  new KilnError({
    code: "KILN_E_STATE_FOLDER_CORRUPT",
    message: `\`kiln.db\` in the state folder \`${base}\` says that its files are elsewhere`,
    why: "the database was changed by something other than Kiln; nothing was read or removed there",
    fix: ["restore the folder from a copy", "or move it away and start with an empty one"],
    exitCode: 4,
  });

/**
 * True for the name of a draft, also of another process, that may still be in the making, and for what is no draft's: that
 * is not ours to remove.
 */
export function isBeingMade(name: string): boolean {
  const id = name.endsWith(NEW_MANIFEST) ? name.slice(0, -NEW_MANIFEST.length) : name;
  const owner = DRAFT_ID.exec(id)?.[1];
  if (owner === undefined) return true;
  return owner === ownerName() ? drafts.has(id) : !isOrphan(owner);
}

/**
 * Copies parts of a state from one root to another, durably; gives their bytes. `isMoving` says that the source is in use:
 * what vanishes meanwhile is left out.
 */
export async function copyParts(
  from: string,
  to: string,
  parts: readonly Part[],
  { isMoving }: { readonly isMoving: boolean },
): Promise<number> {
  let bytes = 0;
  for (const part of parts) {
    const how = PARTS[part];
    if (how === "leave") continue;
    const entries = await readdir(join(from, part), { withFileTypes: true }).catch(absent);
    if (entries)
      bytes += await copyFolder(join(from, part), join(to, part), entries, { isLinked: how === "link", isMoving });
  }
  await syncFolder(to);
  return bytes;
}

interface HowToCopy {
  readonly isLinked: boolean;
  readonly isMoving: boolean;
}

async function copyFolder(from: string, to: string, entries: readonly Dirent[], how: HowToCopy): Promise<number> {
  await mkdir(to, { mode: 0o700 });
  let bytes = 0;
  for (const entry of entries) {
    try {
      bytes += await copyEntry(join(from, entry.name), join(to, entry.name), entry, how);
    } catch (error) {
      if (!how.isMoving || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  await syncFolder(to);
  return bytes;
}

async function copyEntry(from: string, to: string, entry: Dirent, how: HowToCopy): Promise<number> {
  if (entry.isDirectory()) return copyFolder(from, to, await readdir(from, { withFileTypes: true }), how);
  if (entry.isSymbolicLink()) {
    await symlink(await readlink(from), to);
    return 0;
  }
  if (!entry.isFile()) return 0;
  if (!how.isLinked || !(await linkFile(from, to))) {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    const copy = await open(to, "r+");
    await copy.sync().finally(() => copy.close());
  }
  return (await lstat(to)).size;
}

/** Writes a whole file that appears at once, durably; `draft` is its path until then. */
export async function replaceFile(path: string, draft: string, text: string): Promise<void> {
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** For a missing file or folder: nothing. */
export function absent(error: unknown): undefined {
  if (!["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  return undefined;
}
