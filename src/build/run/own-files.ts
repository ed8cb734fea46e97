/**
 * Files that commands may have written, as Kiln reads them afterwards: a command may have put a link in the place of any
 * folder, to whatever this machine has there. Each is held by descriptor (core/held-path.ts), and only then asked where it
 * is. In an environment apart (a sandbox, a container) that must be one of the build's folders; on this machine itself,
 * where a build has the user's rights anyway, anywhere but in Kiln's own state.
 */
import { closeSync, type Dirent, openSync, readdirSync, readlinkSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type HeldPath, heldChunks, holdEntry, holdPath, withHeld } from "../../core/held-path.ts";

interface OwnFilesInput {
  readonly workDir: string;
  /** Folders of this machine that links of the build lead to: of a local cache. */
  readonly lentFolders?: readonly string[];
  /** Commands see other files than this machine's. */
  readonly isApart: boolean;
  /** Kiln's own. */
  readonly stateDir?: string | undefined;
}

/** A path led to a place that is none of the build's. */
export class LeadsOut extends Error {
  readonly path: string;
  readonly realPath: string;

  constructor(path: string, realPath: string) {
    super(`${path} leads out of the build, to ${realPath}`);
    this.path = path;
    this.realPath = realPath;
  }
}

export class OwnFiles {
  readonly #folders: readonly string[];
  readonly isApart: boolean;
  readonly #stateDir: string | undefined;

  /** To be made before commands run, or with folders that they cannot replace. */
  constructor({ workDir, lentFolders = [], isApart, stateDir }: OwnFilesInput) {
    this.#folders = [workDir, ...lentFolders].flatMap((folder) => realPathOf(folder) ?? []);
    this.isApart = isApart;
    this.#stateDir = stateDir === undefined ? undefined : realPathOf(stateDir);
  }

  /** Whether a real path is one that Kiln may read for the build. */
  owns(realPath: string): boolean {
    if (this.#folders.some((folder) => isAtOrBelow(realPath, folder))) return true;
    if (this.isApart) return false;
    return this.#stateDir === undefined || !isAtOrBelow(realPath, this.#stateDir);
  }

  /** What a path leads to now; undefined where nothing is. Throws `LeadsOut`. The caller closes it. */
  hold(path: string): HeldPath | undefined {
    const held = holdPath(path);
    if (!held || this.owns(held.realPath)) return held;
    held.close();
    throw new LeadsOut(path, held.realPath);
  }

  /** The entry of that name, be it a link; undefined where there is none of the build's. The caller closes it. */
  holdEntry(path: string): HeldPath | undefined {
    const held = holdEntry(path);
    if (!held || this.owns(held.realPath)) return held;
    held.close();
    return undefined;
  }

  /** A regular file, to be read through its `path`. Throws where there is none. */
  file(path: string): HeldPath {
    const held = this.hold(path);
    if (held?.stats.isFile()) return held;
    held?.close();
    throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: "ENOENT" });
  }

  /** The bytes of a regular file, held from the first on. */
  async *chunks(path: string): AsyncGenerator<Uint8Array> {
    const file = this.file(path);
    try {
      yield* heldChunks(file);
    } finally {
      file.close();
    }
  }

  /** The first bytes of a file; none of one that cannot be read, or is none of the build's. */
  head(path: string, maxBytes: number): Uint8Array {
    const bytes = new Uint8Array(maxBytes);
    try {
      return withHeld(this.file(path), (held) => bytes.subarray(0, readOnce(held.path, bytes))) ?? new Uint8Array();
    } catch {
      return new Uint8Array();
    }
  }

  /** What a folder holds; nothing where there is none, or none of the build's. */
  list(path: string): Dirent[] {
    try {
      return withHeld(this.hold(path), (held) => readdirSync(held.path, { withFileTypes: true })) ?? [];
    } catch {
      return [];
    }
  }

  /** Where a symbolic link leads, in its own words; undefined where there is none. */
  linkTarget(path: string): string | undefined {
    try {
      return withHeld(this.hold(dirname(path)), (folder) => readlinkSync(join(folder.path, basename(path))));
    } catch {
      return undefined;
    }
  }
}

function readOnce(path: string, bytes: Uint8Array): number {
  const file = openSync(path, "r");
  try {
    return readSync(file, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(file);
  }
}

const isAtOrBelow = (path: string, folder: string): boolean => {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith("../");
};

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
