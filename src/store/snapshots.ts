/**
 * Reset, and copies of the whole state under names. Loaded when first asked for. A saved state is the folder
 * `snapshots/<name>/<id>` with `kiln.db` and the parts of state-files.ts, and `snapshots/<name>/snapshot.json`, which says
 * which `<id>` it is and is replaced by a rename: whoever is killed while saving leaves the older copy as it was.
 * A restore makes a new generation of files first; the transaction that replaces the records names it.
 * Values stay sealed: a copy is of use only with the master key it was made under.
 */
import { mkdir, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { openSealed } from "./master-key.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { SQLITE, sqliteCode } from "./sqlite-driver.ts";
import { CHECK_COLLECTION } from "./state-collections.ts";
import {
  absent,
  copyParts,
  EXACT_PARTS,
  isBeingMade,
  isDraftId,
  NEW_MANIFEST,
  OTHER_PARTS,
  replaceFile,
  type StateFiles,
} from "./state-files.ts";
import { stateFolderError } from "./state-folder.ts";
import type { StateRecords } from "./state-records.ts";
import type { SnapshotInfo } from "./store.ts";
import { syncFolder } from "./sync-folder.ts";

const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;
const MANIFEST = "snapshot.json";
/** A copy that another process replaces while it is being read is read again. */
const MAX_ATTEMPTS = 5;

interface Manifest extends SnapshotInfo {
  /** Folder of the copy. */
  readonly id: string;
}

export interface SnapshotsParts {
  readonly records: StateRecords;
  readonly files: StateFiles;
  readonly masterKey: Buffer;
  readonly clock: Clock;
  readonly stateDir: string | undefined;
}

export class Snapshots {
  readonly #parts: SnapshotsParts;
  /** One operation after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SnapshotsParts) {
    this.#parts = parts;
  }

  reset(): Promise<void> {
    return this.#inTurn(async () => {
      const { records, files } = this.#parts;
      const draft = await files.newDraft();
      try {
        await files.removeGeneration(await records.reset(draft.id));
      } finally {
        await files.drop(draft);
      }
    });
  }

  save(name: string): Promise<SnapshotInfo> {
    return this.#inTurn(async () => {
      requireName(name);
      const { records, files, clock } = this.#parts;
      const draft = await files.newDraft();
      let isSaved = false;
      try {
        let root = "";
        let fileBytes = 0;
        const totals = await records.save(draft.id, join(draft.path, "kiln.db"), async () => {
          root = files.root();
          fileBytes = await copyParts(root, draft.path, EXACT_PARTS, { isMoving: true });
        });
        fileBytes += await copyParts(root, draft.path, OTHER_PARTS, { isMoving: true });
        const info = { name, createdAtMs: clock.nowMs(), records: totals.records, bytes: totals.bytes + fileBytes };
        await this.#publish(draft, { ...info, id: draft.id });
        isSaved = true;
        return info;
      } finally {
        if (!isSaved) records.drop(draft.id);
        await files.drop(draft);
      }
    });
  }

  restore(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const { records, files } = this.#parts;
      const draft = await files.newDraft();
      try {
        const { id } = await this.#fill(name, draft.path);
        const database = join(this.#folder(name), id, "kiln.db");
        const old = await records.restore(id, database, draft.id).catch((error: unknown) => {
          throw unreadable(name, error) ?? error;
        });
        await files.removeGeneration(old);
      } finally {
        await files.drop(draft);
      }
    });
  }

  list(): Promise<readonly SnapshotInfo[]> {
    return this.#inTurn(async () => {
      const found: SnapshotInfo[] = [];
      for (const name of await this.#names()) {
        const manifest = await this.#read(name);
        if (!manifest) continue;
        const { id: _, ...info } = manifest;
        found.push(info);
      }
      return found;
    });
  }

  delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const { id } = await this.#require(name);
      const folder = this.#folder(name);
      await rm(join(folder, MANIFEST), { force: true });
      await syncFolder(folder);
      this.#parts.records.drop(id);
      await this.#removeLeft(folder, id, undefined);
      // Another process may be saving one of this name.
      await rmdir(folder).catch(() => undefined);
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#last;
  }

  #inTurn<R>(run: () => Promise<R>): Promise<R> {
    const done = this.#last.then(run).catch((error: unknown) => {
      throw stateFolderError(error, this.#parts.stateDir) ?? error;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  get #root(): string {
    return join(this.#parts.files.base, "snapshots");
  }

  #folder(name: string): string {
    return join(this.#root, name);
  }

  async #names(): Promise<readonly string[]> {
    return ((await readdir(this.#root).catch(absent)) ?? []).filter((name) => NAME.test(name)).sort();
  }

  async #read(name: string): Promise<Manifest | undefined> {
    const text = await readFile(join(this.#folder(name), MANIFEST), "utf8").catch(absent);
    try {
      return text === undefined ? undefined : manifestIn(text);
    } catch (error) {
      throw unreadable(name, error);
    }
  }

  async #require(name: string): Promise<Manifest> {
    requireName(name);
    const manifest = await this.#read(name);
    if (manifest) return manifest;
    const similar = nearest(name, await this.#names());
    throw new KilnError({
      code: "KILN_E_NO_SNAPSHOT",
      message: `there is no snapshot \`${name}\``,
      fix: [similar === undefined ? "save one of that name first" : `did you mean \`${similar}\`?`],
      exitCode: 1,
    });
  }

  /** The files of a copy into the draft; again when the copy was replaced meanwhile. */
  async #fill(name: string, draft: string): Promise<Manifest> {
    for (let attempt = 1; ; attempt++) {
      const manifest = await this.#require(name);
      const source = join(this.#folder(name), manifest.id);
      try {
        this.#check(name, manifest.id, join(source, "kiln.db"));
        await copyParts(source, draft, [...EXACT_PARTS, ...OTHER_PARTS], { isMoving: false });
        return manifest;
      } catch (error) {
        const isReplaced = (await this.#read(name))?.id !== manifest.id;
        if (!isReplaced || attempt === MAX_ATTEMPTS) throw unreadable(name, error) ?? error;
        await rm(draft, { recursive: true, force: true });
        await mkdir(draft, { recursive: true, mode: 0o700 });
      }
    }
  }

  #check(name: string, id: string, path: string): void {
    const { records, masterKey } = this.#parts;
    const { version, sealed } = records.checkOf(id, path);
    if (version !== SCHEMA_VERSION) {
      throw new KilnError({
        code: "KILN_E_STATE_FOLDER_NEWER",
        message: `the snapshot \`${name}\` has state version ${version}, this Kiln knows ${SCHEMA_VERSION}`,
        fix: ["restore it with the Kiln that saved it"],
        exitCode: 4,
      });
    }
    if (sealed === undefined) return;
    try {
      openSealed(masterKey, sealed, CHECK_COLLECTION);
    } catch (cause) {
      throw new KilnError({
        code: "KILN_E_MASTER_KEY",
        message: `the snapshot \`${name}\` was made under another master key`,
        why: "its values are encrypted and could not be read after a restore; nothing was changed",
        fix: ["use the key it was made under (`master.key`, or KILN_MASTER_KEY)", "or save it again"],
        exitCode: 4,
        cause,
      });
    }
  }

  /** Gives the draft its place and makes it the copy of its name. */
  async #publish({ path }: { readonly path: string }, manifest: Manifest): Promise<void> {
    const folder = this.#folder(manifest.name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // One that cannot be read gives way, too.
    const old = (await this.#read(manifest.name).catch(() => undefined))?.id;
    await rename(path, join(folder, manifest.id));
    await syncFolder(folder);
    await replaceFile(
      join(folder, MANIFEST),
      join(folder, `${manifest.id}${NEW_MANIFEST}`),
      `${JSON.stringify(manifest)}\n`,
    );
    for (const made of [folder, this.#root, this.#parts.files.base]) await syncFolder(made);
    if (old !== undefined) this.#parts.records.drop(old);
    await this.#removeLeft(folder, old, manifest.id);
  }

  /** Removes copies that are not in use: the older one, and those of processes that died before they could name theirs. */
  async #removeLeft(folder: string, old: string | undefined, current: string | undefined): Promise<void> {
    for (const id of (await readdir(folder).catch(absent)) ?? []) {
      if (id === MANIFEST || id === current || (id !== old && isBeingMade(id))) continue;
      await rm(join(folder, id), { recursive: true, force: true });
    }
  }
}

/** Throws a SyntaxError for what Kiln has not written. */
function manifestIn(text: string): Manifest {
  const manifest = JSON.parse(text) as Manifest | null;
  if (!isDraftId(manifest?.id) || Number.isNaN(new Date(manifest.createdAtMs).getTime()))
    throw new SyntaxError(MANIFEST);
  return manifest;
}

function requireName(name: string): void {
  // Of the library: whatever JavaScript has given.
  if (typeof name === "string" && NAME.test(name)) return;
  throw new KilnError({
    code: "KILN_E_SNAPSHOT_NAME",
    message: `\`${String(name).slice(0, 80)}\` is not a name for a snapshot`,
    why: "a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -, and is not `.` or `..`",
    fix: ["choose another name"],
    exitCode: 2,
  });
}

/** For a copy that was changed or cut off by something else. */
function unreadable(name: string, cause: unknown): KilnError | undefined {
  const code = sqliteCode(cause);
  const isCutOff = cause instanceof SyntaxError || (cause as NodeJS.ErrnoException).code === "ENOENT";
  if (!isCutOff && !([SQLITE.CORRUPT, SQLITE.NOTADB, SQLITE.CANTOPEN] as unknown[]).includes(code)) return undefined;
  return new KilnError({
    code: "KILN_E_SNAPSHOT_UNREADABLE",
    message: `the snapshot \`${name}\` cannot be read`,
    why: "its files were changed or cut off by something other than Kiln; the state was left as it is",
    fix: ["delete it and save it again"],
    exitCode: 4,
    cause,
  });
}
