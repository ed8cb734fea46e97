/**
 * Content-addressed files: `<root>/blobs/sha256/ab/<hex>`, uploads in `<root>/uploads/<id>`. A blob appears under its
 * digest by rename, after its bytes were verified and flushed, so a digest's file is always whole.
 * Blobs are shared by all accounts and regions; who may see which is the registry's business.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, createReadStream, openSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { stateFolderError } from "./state-folder.ts";
import { type BlobStore, type BlobUpload, DigestMismatch } from "./store.ts";
import { syncFolder } from "./sync-folder.ts";

/** sha256 of the first `size` bytes of an upload, kept so that a commit need not read the file again. */
interface RunningHash {
  readonly hash: Hash;
  size: number;
}

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

  async upload(id: string): Promise<BlobUpload> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id)) throw new Error(`not an upload id: ${JSON.stringify(id)}`);
    const path = join(this.#root(), "uploads", id);
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, "a");
      try {
        return this.#makeUpload(id, path, (await file.stat()).size);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw this.#explain(error);
    }
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

  #pathOf(digest: string): string {
    const match = /^(?:(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128}))$/.exec(digest);
    if (!match) throw new Error(`not a digest: ${JSON.stringify(digest)}`);
    const algorithm = match[1] ?? match[3] ?? "";
    const hex = match[2] ?? match[4] ?? "";
    return join(this.#root(), "blobs", algorithm, hex.slice(0, 2), hex);
  }

  #makeUpload(id: string, path: string, initialSize: number): BlobUpload {
    let size = initialSize;
    const running = this.#runningHash(id, size);
    const append = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
      const file = await open(path, "a");
      try {
        for await (const chunk of chunks) {
          await writeWhole(file, chunk);
          size += chunk.length;
          if (running) {
            running.hash.update(chunk);
            running.size += chunk.length;
          }
        }
      } catch (error) {
        // What reached the file stays, as after a broken connection: the client asks for the offset and goes on.
        size = (await file.stat()).size;
        throw this.#explain(error);
      } finally {
        await file.close();
      }
    };
    return {
      get size() {
        return size;
      },
      append,
      digest: () =>
        digestOf(path, "sha256", size, running).catch((error: unknown) => {
          throw this.#explain(error);
        }),
      commit: async (digest) => {
        const target = this.#pathOf(digest);
        try {
          const actual = await digestOf(path, digest.startsWith("sha512:") ? "sha512" : "sha256", size, running);
          if (actual !== digest) throw new DigestMismatch(`content is ${actual}, not ${digest}`);
          await publish(path, target);
        } catch (error) {
          throw this.#explain(error);
        }
        this.#running.delete(id);
      },
      cancel: async () => {
        this.#running.delete(id);
        await rm(path, { force: true });
      },
    };
  }

  #runningHash(id: string, size: number): RunningHash | undefined {
    const known = this.#running.get(id);
    if (known?.size === size) return known;
    this.#running.delete(id);
    if (size !== 0) return undefined;
    const fresh = { hash: createHash("sha256"), size: 0 };
    this.#running.set(id, fresh);
    return fresh;
  }

  #explain(error: unknown): unknown {
    return stateFolderError(error, this.#stateDir) ?? error;
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>;

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, offset, chunk.length - offset);
    offset += bytesWritten;
  }
}

async function digestOf(
  path: string,
  algorithm: "sha256" | "sha512",
  size: number,
  running: RunningHash | undefined,
): Promise<string> {
  if (algorithm === "sha256" && running?.size === size) return `sha256:${running.hash.copy().digest("hex")}`;
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `${algorithm}:${hash.digest("hex")}`;
}

/** Flushes `path` and gives it the name `target`, durably. */
async function publish(path: string, target: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  const folder = dirname(target);
  const firstMade = await mkdir(folder, { recursive: true });
  await rename(path, target);
  await syncFolder(folder);
  // New folders are names in their parents, which must be durable too.
  for (let made = folder; firstMade !== undefined && made.length >= firstMade.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}
