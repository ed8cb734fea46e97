/**
 * One upload of file-blobs.ts: a file that grows, is hashed as it grows, and becomes a blob. Chunks are written in
 * batches, the next one is gathered and hashed while the last is being written; no more than two are in memory.
 * A process that dies leaves the file; the hash is then made again from it.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { linkFile } from "./link-file.ts";
import { type BlobUpload, type DigestAlgorithm, DigestMismatch, UploadIsWhole } from "./store.ts";
import { syncFolder } from "./sync-folder.ts";

/** Digest of the first `size` bytes of an upload, kept so that a commit need not read the file again. */
export interface RunningHash {
  readonly algorithm: DigestAlgorithm;
  readonly hash: Hash;
  size: number;
}

interface UploadFile {
  readonly id: string;
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  /** Of all uploads of this process, by id. */
  readonly running: Map<string, RunningHash>;
  pathOf(digest: string): string;
  explain(error: unknown): unknown;
}

const BATCH_BYTES = 512 * 1024;

export class FileUpload implements BlobUpload {
  readonly #file: UploadFile;
  #size: number;
  #modifiedAtMs: number | undefined;
  #isPublished: boolean;

  /** The file comes to be with its first byte. */
  static async open(file: UploadFile): Promise<FileUpload> {
    try {
      const { size, mtimeMs, nlink } = await stat(file.path);
      return new FileUpload(file, size, mtimeMs, nlink > 1);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new FileUpload(file, 0, undefined, false);
      throw file.explain(error);
    }
  }

  private constructor(file: UploadFile, size: number, modifiedAtMs: number | undefined, isPublished: boolean) {
    this.#file = file;
    this.#size = size;
    this.#modifiedAtMs = modifiedAtMs;
    this.#isPublished = isPublished;
  }

  get size(): number {
    return this.#size;
  }

  get modifiedAtMs(): number | undefined {
    return this.#modifiedAtMs;
  }

  get isPublished(): boolean {
    return this.#isPublished;
  }

  async append(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let file: FileHandle | undefined;
    // invariant: bytes of a blob never change, and a published upload shares them.
    if (this.#isPublished) return refuseBytes(chunks, this.#file.id);
    const running = this.#runningHash();
    try {
      file = await this.#openFile();
      await this.#writeAll(file, chunks, running);
    } catch (error) {
      // What reached the file stays, as after a broken connection: the client asks for the offset and goes on.
      this.#size = (await file?.stat())?.size ?? this.#size;
      if (running && running.size !== this.#size) this.#file.running.delete(this.#file.id);
      throw this.#file.explain(error);
    } finally {
      await file?.close();
    }
  }

  async digest(algorithm: DigestAlgorithm = "sha256"): Promise<string> {
    const { id, path, running, explain } = this.#file;
    const known = running.get(id);
    if (known?.algorithm === algorithm && known.size === this.#size) {
      return `${algorithm}:${known.hash.copy().digest("hex")}`;
    }
    const hash = createHash(algorithm);
    try {
      if (this.#size > 0) for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    } catch (error) {
      throw explain(error);
    }
    return `${algorithm}:${hash.digest("hex")}`;
  }

  async commit(digest: string): Promise<void> {
    await this.#verify(digest);
    await this.#place(digest, rename);
    this.#file.running.delete(this.#file.id);
  }

  async publish(digest: string): Promise<void> {
    await this.#verify(digest);
    const { pathOf, explain } = this.#file;
    const target = pathOf(digest);
    // There already, verified and flushed when it was put there; only its name may not be durable yet.
    if (existsSync(target)) {
      await syncFolder(dirname(target)).catch((error: unknown) => {
        throw explain(error);
      });
    } else await this.#place(digest, linkOrRename);
    this.#isPublished = true;
  }

  async cancel(): Promise<void> {
    this.#file.running.delete(this.#file.id);
    await rm(this.#file.path, { force: true });
    this.#isPublished = false;
  }

  #runningHash(): RunningHash | undefined {
    const { id, running, algorithm } = this.#file;
    const known = running.get(id);
    if (known?.size === this.#size) return known;
    running.delete(id);
    if (this.#size !== 0) return undefined;
    const fresh: RunningHash = { algorithm, hash: createHash(algorithm), size: 0 };
    running.set(id, fresh);
    return fresh;
  }

  async #openFile(): Promise<FileHandle> {
    try {
      return await open(this.#file.path, "a");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(dirname(this.#file.path), { recursive: true });
      return open(this.#file.path, "a");
    }
  }

  async #writeAll(
    file: FileHandle,
    chunks: AsyncIterable<Uint8Array>,
    running: RunningHash | undefined,
  ): Promise<void> {
    let batch: Uint8Array[] = [];
    let batchBytes = 0;
    let writing: Promise<void> = Promise.resolve();
    const startWriting = async (): Promise<void> => {
      await writing;
      const [full, fullBytes] = [batch, batchBytes];
      [batch, batchBytes] = [[], 0];
      writing = writeWhole(file, full, fullBytes).then(() => {
        this.#size += fullBytes;
      });
      // Awaited by the next batch or at the end; until then a failure is not one that nobody looks at.
      writing.catch(() => undefined);
    };
    try {
      for await (const chunk of chunks) {
        batch.push(chunk);
        batchBytes += chunk.length;
        if (running) {
          running.hash.update(chunk);
          running.size += chunk.length;
        }
        if (batchBytes >= BATCH_BYTES) await startWriting();
      }
    } finally {
      if (batchBytes > 0) await startWriting();
      await writing;
    }
  }

  async #verify(digest: string): Promise<void> {
    await this.#notice();
    const actual = await this.digest(digest.startsWith("sha512:") ? "sha512" : "sha256");
    if (actual !== digest) throw new DigestMismatch(`content is ${actual}, not ${digest}`);
  }

  /** Bytes that another process appended count: the file is what becomes the blob. */
  async #notice(): Promise<void> {
    const { path, explain } = this.#file;
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw explain(error);
    });
    this.#size = found?.size ?? 0;
  }

  async #place(digest: string, give: (path: string, target: string) => Promise<void>): Promise<void> {
    const { path, pathOf, explain } = this.#file;
    const target = pathOf(digest);
    try {
      await flush(path, this.#size);
      await withFolder(target, () => give(path, target));
    } catch (error) {
      throw explain(error);
    }
  }
}

async function refuseBytes(chunks: AsyncIterable<Uint8Array>, id: string): Promise<void> {
  for await (const chunk of chunks) {
    if (chunk.length > 0) throw new UploadIsWhole(`upload ${id} is complete and cannot grow`);
  }
}

/** The file exists and its bytes are durable. */
async function flush(path: string, size: number): Promise<void> {
  const file = await open(path, "a").catch(async (error: NodeJS.ErrnoException) => {
    // One with bytes that is gone was forgotten meanwhile (Store.reset): an empty file must not take its digest.
    if (error.code !== "ENOENT" || size > 0) throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, "a");
  });
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Runs `name`, which makes the name `target`, and makes that name durable, with folders that had to be made for it. */
async function withFolder(target: string, name: () => Promise<void>): Promise<void> {
  const folder = dirname(target);
  let firstMade: string | undefined;
  try {
    await name();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    firstMade = await mkdir(folder, { recursive: true });
    await name();
  }
  await syncFolder(folder);
  // New folders are names in their parents, which must be durable too.
  for (let made = folder; firstMade !== undefined && made.length >= firstMade.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

/** A second name for the same bytes; where the file system has no links, the upload loses its own. */
async function linkOrRename(path: string, target: string): Promise<void> {
  const isNamed = await linkFile(path, target).catch((error: NodeJS.ErrnoException) => {
    // There already, verified when it was put there: another client pushes the same.
    if (error.code === "EEXIST") return true;
    throw error;
  });
  if (!isNamed) await rename(path, target);
}

async function writeWhole(file: FileHandle, chunks: readonly Uint8Array[], totalBytes: number): Promise<void> {
  const { bytesWritten } = await file.writev(chunks as NodeJS.ArrayBufferView[]);
  if (bytesWritten === totalBytes) return;
  // A short write is rare (a full disk, a signal): the rest goes in one piece.
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let offset = 0; offset < rest.length; ) {
    const written = await file.write(rest, offset, rest.length - offset);
    offset += written.bytesWritten;
  }
}
