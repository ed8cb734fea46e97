/**
 * Big batches of events, beside the database: a build writes up to 100 MB/s, which a database would write twice and in
 * the thread that answers requests. One folder a stream below `<state>/logs`, in it one file a process that wrote, only
 * ever appended to. `append` resolves when the bytes are durable; the record that names their place is written after it
 * (records.ts), so what a dying process left half-written at the end of its file belongs to nobody.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { stateFolderError } from "../../store/state-folder.ts";

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

/** The file of one stream that this process appends to. */
interface OpenFile {
  readonly name: string;
  size: number;
  waiting: Waiting[];
  isWriting: boolean;
}

export class LogFiles {
  readonly #stateDir: string;
  readonly #root: string;
  readonly #files = new Map<string, OpenFile>();

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.#root = join(stateDir, "logs");
  }

  /** True while appends to the stream are under way: what comes after them must wait its turn, too. */
  isBusy(stream: string): boolean {
    return this.#files.get(stream)?.isWriting === true;
  }

  /** Appends durably, in the order of the calls. `newName` names the file if this process has none for the stream yet. */
  append(stream: string, bytes: Uint8Array, newName: () => string): Promise<FilePlace> {
    let file = this.#files.get(stream);
    if (!file) {
      file = { name: newName(), size: 0, waiting: [], isWriting: false };
      this.#files.set(stream, file);
    }
    const { waiting, isWriting } = file;
    const done = new Promise<FilePlace>((resolve, reject) => waiting.push({ bytes, resolve, reject }));
    if (!isWriting) void this.#write(stream, file);
    return done;
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
        // How much was written is not known: nothing more goes into this file.
        this.#files.delete(stream);
        const told = stateFolderError(error, this.#stateDir) ?? error;
        for (const { reject } of [...batch, ...file.waiting.splice(0)]) reject(told);
      }
    }
    file.isWriting = false;
  }

  async #open(stream: string, file: OpenFile): Promise<FileHandle> {
    const folder = join(this.#root, stream);
    if (file.size > 0) return open(join(folder, file.name), "a");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(join(folder, file.name), "ax", 0o600);
    // The file's name must survive a power loss, too.
    for (const path of [folder, this.#root]) {
      const directory = await open(path, "r");
      await directory.sync().finally(() => directory.close());
    }
    return handle;
  }
}
