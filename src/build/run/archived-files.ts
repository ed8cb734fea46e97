/**
 * Files between a folder of a build and a tar: written so that what an archive says can neither leave its folder nor be
 * written through a link of the same archive. Used for caches and for what goes into and comes out of a container.
 */
import { constants, rmSync, symlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type HeldPath, holdEntry, holdFolderBelow, withHeld } from "../../core/held-path.ts";
import { tarHeader, tarPadding } from "../../images/tar.ts";

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The blocks of one file; closes it. */
export async function* fileBlocks(
  handle: FileHandle,
  common: { name: string; mode: number; uid: number; gid: number; mtimeSeconds: number },
): AsyncGenerator<Buffer> {
  try {
    const { size } = await handle.stat();
    yield tarHeader({ ...common, type: "file", sizeBytes: size, linkName: "" });
    let left = size;
    if (size > 0) {
      for await (const chunk of handle.createReadStream({ end: size - 1, autoClose: false })) {
        left -= (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    }
    // A file that became shorter meanwhile: the header has promised its bytes.
    while (left > 0) {
      const zeroes = Buffer.alloc(Math.min(left, 65_536));
      left -= zeroes.length;
      yield zeroes;
    }
    yield tarPadding(size);
  } finally {
    await handle.close();
  }
}

/**
 * Writes below a folder and never through a link, whoever changes it meanwhile: each folder on the way is held
 * (core/held-path.ts). What is asked for last is mostly the neighbour of what was before, so its folder stays held.
 */
export class TreeWriter {
  readonly #root: string;
  #last: { readonly way: string; readonly folder: HeldPath } | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** False where a link or a file is in the way. */
  makeFolder(path: string): boolean {
    return this.#folder(path) !== undefined;
  }

  /** False where a link or a folder is in the way. */
  async write(
    path: string,
    entry: { readonly mode: number; readonly mtimeSeconds: number; readonly body: AsyncIterable<Buffer> },
  ): Promise<boolean> {
    const place = this.#clearPlace(path);
    if (place === undefined) return false;
    const handle = await open(place, NEW_FILE, (entry.mode & 0o777) | 0o200);
    try {
      for await (const chunk of entry.body) {
        for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done)).bytesWritten;
      }
      await handle.chmod(entry.mode & 0o777);
      await handle.utimes(entry.mtimeSeconds, entry.mtimeSeconds);
    } finally {
      await handle.close();
    }
    return true;
  }

  /** As `write`. To be called last: no file of an archive may be written through one. */
  link(path: string, target: string): boolean {
    if (target === "" || target.includes("\0")) return false;
    const place = this.#clearPlace(path);
    if (place === undefined) return false;
    symlinkSync(target, place);
    return true;
  }

  /** A file below the root, not through a link; undefined where there is none. */
  async read(path: string): Promise<FileHandle | undefined> {
    const folder = this.#folder(dirname(path), false);
    if (!folder) return undefined;
    return open(join(folder.path, basename(path)), constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  }

  /** Takes away what lies at a path, not through a link. */
  remove(path: string): void {
    const folder = this.#folder(dirname(path), false);
    if (folder) rmSync(join(folder.path, basename(path)), { recursive: true, force: true });
    this.close();
  }

  /** Call once in the end; more may be written afterwards, and then once more. */
  close(): void {
    this.#last?.folder.close();
    this.#last = undefined;
  }

  /** Where a path is to be made, with nothing there any more. */
  #clearPlace(path: string): string | undefined {
    const folder = this.#folder(dirname(path));
    if (!folder) return undefined;
    const place = join(folder.path, basename(path));
    const isFolder = withHeld(holdEntry(place), ({ stats }) => stats.isDirectory());
    if (isFolder === true) return undefined;
    if (isFolder === false) rmSync(place);
    return place;
  }

  #folder(way: string, makes = true): HeldPath | undefined {
    if (this.#last?.way === way) return this.#last.folder;
    this.close();
    const folder = holdFolderBelow(this.#root, way, makes);
    if (folder) this.#last = { way, folder };
    return folder;
  }
}
