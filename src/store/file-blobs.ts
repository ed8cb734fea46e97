/**
 * Content-addressed files: `<root>/blobs/sha256/ab/<hex>`, uploads in `<root>/uploads/<id>`. A blob appears under its
 * digest by link or rename, after its bytes were verified and flushed, so a digest's file is always whole.
 * Blobs are shared by all accounts and regions; who may see which is the registry's business. Bytes stand here as they
 * came: who wants them encrypted at rest encrypts before (services/s3); image layers are not.
 */
import { closeSync, createReadStream, fstatSync, openSync, statSync, unlinkSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { filePieces } from "./blob-pieces.ts";
import { FileUpload, type RunningHash } from "./file-upload.ts";
import { stateFolderError } from "./state-folder.ts";
import type { BlobStore, BlobUpload, DigestAlgorithm } from "./store.ts";

export class FileBlobs implements BlobStore {
  readonly #root: () => string;
  readonly #stateDir: string | undefined;
  readonly #running = new Map<string, RunningHash>();

  /** `root` is asked on first use, so that an in-memory store makes its temporary folder only when needed. */
  constructor(root: () => string, stateDir: string | undefined) {
    this.#root = root;
    this.#stateDir = stateDir;
  }

  async size(digest: string): Promise<number | undefined> {
    try {
      return (await stat(this.#pathOf(digest))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw this.#explain(error);
    }
  }

  read(digest: string, range?: { readonly start: number; readonly end: number }): NodeJS.ReadableStream {
    // Opened here, not by the stream: an absent blob throws at once, and a later delete does not disturb the reader.
    const fd = openSync(this.#pathOf(digest), "r");
    if (!range) return createReadStream("", { fd });
    if (range.end <= range.start) {
      closeSync(fd);
      return Readable.from([]);
    }
    return createReadStream("", { fd, start: range.start, end: range.end - 1 });
  }

  pieces(digest: string, range?: { readonly start: number; readonly end: number }): AsyncGenerator<Uint8Array> {
    const fd = openSync(this.#pathOf(digest), "r");
    return filePieces(fd, range?.start ?? 0, range?.end ?? fstatSync(fd).size);
  }

  async upload(id: string, algorithm: DigestAlgorithm = "sha256"): Promise<BlobUpload> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id)) throw new Error(`not an upload id: ${JSON.stringify(id)}`);
    return FileUpload.open({
      id,
      path: join(this.#root(), "uploads", id),
      algorithm,
      running: this.#running,
      pathOf: (digest) => this.#pathOf(digest),
      explain: (error) => this.#explain(error),
    });
  }

  async uploads(): Promise<readonly string[]> {
    try {
      return await readdir(join(this.#root(), "uploads"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw this.#explain(error);
    }
  }

  async delete(digest: string): Promise<void> {
    await rm(this.#pathOf(digest), { force: true }).catch((error: unknown) => {
      throw this.#explain(error);
    });
  }

  hasNow(digest: string): boolean {
    try {
      return statSync(this.#pathOf(digest), { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  deleteNow(digest: string): void {
    try {
      unlinkSync(this.#pathOf(digest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw this.#explain(error);
    }
  }

  #pathOf(digest: string): string {
    const match = /^(?:(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128}))$/.exec(digest);
    if (!match) throw new Error(`not a digest: ${JSON.stringify(digest)}`);
    const algorithm = match[1] ?? match[3] ?? "";
    const hex = match[2] ?? match[4] ?? "";
    return join(this.#root(), "blobs", algorithm, hex.slice(0, 2), hex);
  }

  #explain(error: unknown): unknown {
    return stateFolderError(error, this.#stateDir) ?? error;
  }
}
