/**
 * Searches a file's bytes, and what is packed in them: gzip, zstd where Node has it, tar and zip (jar, whl, docx …), each
 * in each to a depth. Everything streams but a zip, whose directory stands at its end: it is held in memory up to a limit.
 * What unpacks to more than the limits is searched so far and named: no archive fills memory, disk or time.
 */
import { pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";
import { isTarHeader, readTar, type TarEntry } from "../images/tar.ts";
import type { Hit, PatternSet } from "./pattern-search.ts";
import { isMadeUp, isSecretsFile, isSystemFile } from "./secret-files.ts";
import type { ZipEntry } from "./zip-entries.ts";

export interface ContentLimits {
  /** Archives within archives. */
  readonly depth: number;
  /** What one archive may unpack to. */
  readonly archiveBytes: number;
  /** What all that is searched may be. */
  readonly totalBytes: number;
  /** Of a zip, which is held in memory. */
  readonly zipBytes: number;
}

export const CONTENT_LIMITS: ContentLimits = {
  depth: 3,
  archiveBytes: 16 * 1024 ** 3,
  totalBytes: 128 * 1024 ** 3,
  zipBytes: 64 * 1024 ** 2,
};

/** Where in a file: members of archives behind `!/`. */
export interface ContentHit<T> {
  readonly path: string;
  readonly hit: Hit<T>;
  /** Found in the name itself, which `path` shows redacted. */
  readonly isInName: boolean;
}

export interface ContentSearchInput<T> {
  readonly patterns: PatternSet<T>;
  readonly limits?: ContentLimits;
  readonly signal: AbortSignal;
  onHit(hit: ContentHit<T>): void;
  /** The text of a small file that may hold secrets by its name. */
  onText?(path: string, text: string): void;
  /** A part was not looked into. */
  onSkipped(path: string, reason: string): void;
}

/** A file that another tool packed: its layers, whose entries are paths of an image. */
export interface TarSearch {
  /** Told of each entry before it is searched. */
  onEntry?(entry: TarEntry): void;
}

/** How much of a file decides what it is. */
const HEAD_BYTES = 512;
/** Files up to this size get line numbers: counting costs more than searching. */
const LINES_UP_TO_BYTES = 1024 * 1024;

/** Files up to this size are read for secrets that nobody told about. */
const TEXT_UP_TO_BYTES = 64 * 1024;

function mayHoldSecrets(path: string): boolean {
  const inArchive = path.slice(path.lastIndexOf("!/") + 1).replace(/^\//, "");
  return isSecretsFile(inArchive) && !isMadeUp(path) && !isSystemFile(path.replace(/^\.?\//, ""));
}

type Chunks = AsyncIterable<Uint8Array>;

class TooMuch extends Error {}

/** One search over many files; counts what it has read. */
export class ContentSearch<T> {
  readonly #input: ContentSearchInput<T>;
  readonly #limits: ContentLimits;
  #bytes = 0;

  constructor(input: ContentSearchInput<T>) {
    this.#input = input;
    this.#limits = input.limits ?? CONTENT_LIMITS;
  }

  /** Bytes searched so far, unpacked. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Searches a file and, by its name, the path. Rejects with the signal's reason and with what reading throws. */
  async file(path: string, chunks: Chunks, sizeBytes?: number): Promise<void> {
    await this.#content(this.#name("", path), chunks, { depth: 0, sizeBytes });
  }

  /** Searches the entries of a tar that may be compressed, such as a layer. Its entries are depth 0. */
  async tar(path: string, chunks: Chunks, tar: TarSearch = {}): Promise<void> {
    await this.#guarded(path, async () => {
      const { head, all } = await headOf(chunks);
      const unpacked = this.#unpacked(head, all);
      if (unpacked === "unknown")
        return this.#input.onSkipped(path, "it is compressed with zstd, which needs Node 22.15");
      await this.#entries("", unpacked ?? all, 0, tar);
    });
  }

  /** Where a name has a secret in it, it is told, and shown without. */
  #name(prefix: string, name: string): string {
    const { patterns, onHit } = this.#input;
    const hits = patterns.hitsIn(Buffer.from(name));
    if (hits.length === 0) return prefix + name;
    const path = prefix + patterns.redact(name);
    for (const hit of hits) onHit({ path, hit, isInName: true });
    return path;
  }

  async #content(
    path: string,
    chunks: Chunks,
    { depth, sizeBytes }: { readonly depth: number; readonly sizeBytes: number | undefined },
  ): Promise<void> {
    this.#input.signal.throwIfAborted();
    const { head, all } = await headOf(chunks);
    const kind = depth < this.#limits.depth ? kindOf(head) : "other";
    switch (kind) {
      case "compressed":
        return this.#guarded(path, async () => {
          const unpacked = this.#unpacked(head, all);
          if (unpacked === undefined || unpacked === "unknown") return this.#raw(path, all, false);
          await this.#content(path, unpacked, { depth: depth + 1, sizeBytes: undefined });
        });
      case "tar":
        return this.#guarded(path, () => this.#entries(`${path}!/`, all, depth + 1, {}));
      case "zip":
        return this.#guarded(path, () => this.#zip(path, all, depth));
      case "other":
        return this.#raw(path, all, sizeBytes !== undefined && sizeBytes <= LINES_UP_TO_BYTES);
    }
  }

  /** A damaged archive, or one beyond the limits, is named; the search goes on with what follows. */
  async #guarded(path: string, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      this.#input.signal.throwIfAborted();
      const reason =
        error instanceof TooMuch
          ? error.message
          : `it cannot be unpacked: ${error instanceof Error ? error.message : ""}`;
      this.#input.onSkipped(path, reason);
    }
  }

  async #raw(path: string, chunks: Chunks, countsLines: boolean): Promise<void> {
    const { patterns, signal, onHit, onText } = this.#input;
    const search = patterns.stream((hit) => onHit({ path, hit, isInName: false }), { countsLines });
    let text: Buffer[] | undefined = onText && mayHoldSecrets(path) ? [] : undefined;
    let size = 0;
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      this.#count(chunk.length);
      search.push(chunk);
      size += chunk.length;
      if (size > TEXT_UP_TO_BYTES) text = undefined;
      text?.push(Buffer.from(chunk));
    }
    search.end();
    if (text) onText?.(path, Buffer.concat(text).toString("utf8"));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.totalBytes) throw new TooMuch("more than 128 GiB had been searched before it");
  }

  async #entries(prefix: string, chunks: Chunks, depth: number, tar: TarSearch): Promise<void> {
    for await (const entry of readTar(chunks)) {
      tar.onEntry?.(entry);
      const path = this.#name(prefix, entry.name);
      const beside = [entry.linkName, ...Object.values(entry.xattrs)].filter((text) => text !== "").join("\n");
      if (beside !== "") this.#name(`${path} -> `, beside);
      if (entry.type === "file" && entry.sizeBytes > 0) {
        await this.#content(path, entry.body, { depth, sizeBytes: entry.sizeBytes });
      }
    }
  }

  async #zip(path: string, chunks: AsyncGenerator<Uint8Array>, depth: number): Promise<void> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      this.#input.signal.throwIfAborted();
      size += next.value.length;
      parts.push(Buffer.from(next.value));
      if (size > this.#limits.zipBytes) {
        this.#input.onSkipped(path, `a zip of more than ${this.#limits.zipBytes >> 20} MiB is not unpacked`);
        return this.#raw(path, joined(parts, chunks), false);
      }
    }
    const { zipEntries } = await import("./zip-entries.ts");
    const entries = zipEntries(Buffer.concat(parts));
    const first = await entries.next().catch(() => undefined);
    // It only begins like one.
    if (!first || first.done) return this.#raw(path, joined(parts, chunks), false);
    for (let next: IteratorResult<ZipEntry> = first; !next.done; next = await entries.next()) {
      const { name, sizeBytes, open } = next.value;
      const inner = this.#name(`${path}!/`, name);
      if (sizeBytes === 0) continue;
      await this.#guarded(inner, async () => {
        await this.#content(inner, this.#bounded(await open()), { depth: depth + 1, sizeBytes });
      });
    }
  }

  /** What compressed bytes unpack to; undefined for bytes that are not, `unknown` for what this Node cannot. */
  #unpacked(head: Buffer, all: Chunks): Chunks | "unknown" | undefined {
    const unpacker = unpackerOf(head);
    if (unpacker === undefined || unpacker === "unknown") return unpacker;
    // What goes wrong in the source destroys the unpacker with its error, which the iteration throws.
    pipeline(Readable.from(all, { objectMode: false }), unpacker, () => {});
    return this.#bounded(unpacker);
  }

  async *#bounded(chunks: Chunks): AsyncGenerator<Uint8Array> {
    let left = this.#limits.archiveBytes;
    for await (const chunk of chunks) {
      left -= chunk.length;
      if (left < 0) throw new TooMuch(`it unpacks to more than ${this.#limits.archiveBytes / 1024 ** 2} MiB`);
      yield chunk;
    }
  }
}

async function* joined(first: readonly Uint8Array[], rest: Chunks): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* rest;
}

/** The first bytes, and all of them. */
async function headOf(chunks: Chunks): Promise<{ readonly head: Buffer; readonly all: AsyncGenerator<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let length = 0;
  let isAtEnd = false;
  while (length < HEAD_BYTES && !isAtEnd) {
    const next = await iterator.next();
    if (next.done) isAtEnd = true;
    else {
      // The memory of a chunk may be used again when the next is asked for.
      const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      first.push(chunk.length < HEAD_BYTES ? Buffer.from(chunk) : chunk);
      length += chunk.length;
    }
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      while (!isAtEnd) {
        const next = await iterator.next();
        if (next.done) isAtEnd = true;
        else yield next.value;
      }
    } finally {
      if (!isAtEnd) await iterator.return?.();
    }
  }
  return { head: first.length === 1 ? (first[0] as Buffer) : Buffer.concat(first), all: all() };
}

function kindOf(head: Buffer): "compressed" | "tar" | "zip" | "other" {
  if (isGzip(head) || isZstd(head)) return "compressed";
  if (head.length >= 4 && head.readUInt32LE(0) === 0x04034b50) return "zip";
  return head.length >= HEAD_BYTES && head.toString("latin1", 257, 262) === "ustar" && isTarHeader(head)
    ? "tar"
    : "other";
}

const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08;
const isZstd = (head: Buffer): boolean => head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528;

const UNPACKED_CHUNK_BYTES = 256 * 1024;

function unpackerOf(head: Buffer): (Chunks & NodeJS.ReadWriteStream) | "unknown" | undefined {
  if (isGzip(head)) return zlib.createGunzip({ chunkSize: UNPACKED_CHUNK_BYTES });
  if (!isZstd(head)) return undefined;
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Chunks & NodeJS.ReadWriteStream };
  return createZstdDecompress?.() ?? "unknown";
}
