/**
 * Big batches of events, beside the database: a build writes up to 100 MB/s, which a database would write twice and in
 * the thread that answers requests. One folder a stream below the store's `logs`, in it one file a process that wrote, only
 * ever appended to. `append` resolves when the bytes are durable; the record that names their place is written after it
 * (records.ts), so what a dying process left half-written at the end of its file belongs to nobody.
 */
import { closeSync, constants, existsSync, openSync, readSync, rmSync } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DAY_MS } from "../../core/clock.ts";
import { stateFolderError } from "../../store/state-folder.ts";
import type { Store } from "../../store/store.ts";

/** Where the bytes of a batch are: a file of the stream's folder, and the range in it. */
export interface FilePlace {
  readonly file: string;
  readonly offset: number;
  readonly size: number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: (place: FilePlace) => void;
  readonly reject: (error: unknown) => void;
}

/** A file gets no more after so long, so that it goes soon after the last of what is in it has expired. */
const FILE_MS = DAY_MS;

/** The file of one stream that this process appends to. */
interface OpenFile {
  name: string;
  readonly newName: () => string;
  readonly sinceMs: number;
  /** The folder of all streams, which a reset and a restore change. */
  readonly root: string;
  size: number;
  waiting: Waiting[];
  isWriting: boolean;
}

export class LogFiles {
  readonly #store: Pick<Store, "stateDir" | "folder">;
  readonly #files = new Map<string, OpenFile>();

  constructor(store: Pick<Store, "stateDir" | "folder">) {
    this.#store = store;
  }

  get #root(): string {
    return this.#store.folder("logs");
  }

  /** True while appends to the stream are under way: what comes after them must wait its turn, too. */
  isBusy(stream: string): boolean {
    return this.#files.get(stream)?.isWriting === true;
  }

  /** Appends durably, in the order of the calls. `newName` names the file if this process has none for the stream yet. */
  append(stream: string, bytes: Uint8Array, newName: () => string, nowMs: number): Promise<FilePlace> {
    const root = this.#root;
    let file = this.#files.get(stream);
    if (file?.root !== root || (!file.isWriting && nowMs - file.sinceMs >= FILE_MS)) {
      file = { name: newName(), newName, root, sinceMs: nowMs, size: 0, waiting: [], isWriting: false };
      this.#files.set(stream, file);
    }
    const { waiting, isWriting } = file;
    const done = new Promise<FilePlace>((resolve, reject) => waiting.push({ bytes, resolve, reject }));
    if (!isWriting) void this.#write(stream, file);
    return done;
  }

  /**
   * Inside a write of the store that names a place: false when its file went with a reset, a restore or what has expired.
   * Nothing may refer to it then.
   */
  hasNow(stream: string, { file }: FilePlace): boolean {
    return existsSync(join(this.#root, stream, file));
  }

  /** Inside a write of the store: removes a file that no record names. */
  removeNow(stream: string, file: string): void {
    const own = this.#files.get(stream);
    if (own?.name === file) {
      // What is under way is looked at the next time.
      if (own.isWriting) return;
      this.#files.delete(stream);
    }
    rmSync(join(this.#root, stream, file), { force: true });
  }

  read(stream: string, { file, offset, size }: FilePlace): Buffer {
    const bytes = Buffer.alloc(size);
    const fd = openSync(join(this.#root, stream, file), "r");
    try {
      for (let done = 0; done < size; ) {
        const read = readSync(fd, bytes, done, size - done, offset + done);
        if (read === 0) throw new Error(`the log file ${join(this.#root, stream, file)} is cut short`);
        done += read;
      }
    } finally {
      closeSync(fd);
    }
    return bytes;
  }

  /** Removes everything of a stream that is no more. */
  async remove(stream: string): Promise<void> {
    this.#files.delete(stream);
    await rm(join(this.#root, stream), { recursive: true, force: true });
  }

  /** Writes what waits, and what comes meanwhile: one flush for all of it. */
  async #write(stream: string, file: OpenFile): Promise<void> {
    file.isWriting = true;
    while (file.waiting.length > 0) {
      const batch = file.waiting.splice(0);
      try {
        const handle = await this.#open(stream, file);
        try {
          for (const { bytes } of batch) await handle.writeFile(bytes);
          await handle.datasync();
        } finally {
          await handle.close();
        }
        for (const { bytes, resolve } of batch) {
          resolve({ file: file.name, offset: file.size, size: bytes.byteLength });
          file.size += bytes.byteLength;
        }
      } catch (error) {
        if (file.size > 0 && (error as NodeJS.ErrnoException).code === "ENOENT") {
          // Removed between two batches, when all in it had expired.
          file.name = file.newName();
          file.size = 0;
          file.waiting.unshift(...batch);
          continue;
        }
        // How much was written is not known: nothing more goes into this file.
        if (this.#files.get(stream) === file) this.#files.delete(stream);
        const told = stateFolderError(error, this.#store.stateDir) ?? error;
        for (const { reject } of [...batch, ...file.waiting.splice(0)]) reject(told);
      }
    }
    file.isWriting = false;
  }

  async #open(stream: string, file: OpenFile): Promise<FileHandle> {
    const folder = join(file.root, stream);
    // Another process may have removed it: then it must not come back without what was in it.
    if (file.size > 0) return open(join(folder, file.name), constants.O_WRONLY | constants.O_APPEND);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(join(folder, file.name), "ax", 0o600);
    // The file's name must survive a power loss, too.
    for (const path of [folder, file.root, dirname(file.root)]) {
      const directory = await open(path, "r");
      await directory.sync().finally(() => directory.close());
    }
    return handle;
  }
}
