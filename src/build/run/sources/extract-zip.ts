/**
 * Unpacks a source archive, which may come from anybody: nothing is written outside the target folder, no link leads out
 * of it, no device is made, set-user bits are dropped, and an archive that would fill the disk is refused by what its own
 * directory declares (the reader checks that entries keep to it). Links are made last, so no entry is written through one.
 */
import { createWriteStream } from "node:fs";
import { chmod, type FileHandle, mkdir, open, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { inflateRawSync } from "node:zlib";
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";
import { err, ok, type Result } from "../../../core/result.ts";
import { safeRelativePath } from "./safe-path.ts";

export interface ZipLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Unpacked bytes for each byte of the archive; archives below `freeBytes` unpacked are not asked. */
  readonly maxRatio: number;
  readonly freeBytes: number;
}

/** Bytes: half of what the smallest machine of CodeBuild has. Ratio: plain text packs about ten times, logs fifty. */
export const ZIP_LIMITS: ZipLimits = {
  maxEntries: 1_000_000,
  maxBytes: 32 * 2 ** 30,
  maxRatio: 200,
  freeBytes: 2 ** 30,
};

const MAX_LINK_BYTES = 4096;
const CHUNK_BYTES = 2 ** 16;
const SMALL_BYTES = 2 ** 16;
const CONCURRENT_ENTRIES = 8;
const FILE_TYPE = 0o170000;
const [FOLDER, LINK, REGULAR] = [0o040000, 0o120000, 0o100000];

interface Placed {
  readonly entry: Entry;
  readonly path: string;
  readonly mode: number | undefined;
  readonly kind: "file" | "folder" | "link";
}

/** Resolves with the number of files, or with why the archive is not taken. What was unpacked by then stays. */
export async function extractZip(
  archive: string,
  target: string,
  signal: AbortSignal,
  limits: ZipLimits = ZIP_LIMITS,
): Promise<Result<number, string>> {
  const file = await open(archive);
  try {
    const { size } = await file.stat();
    let zip: ZipFile;
    try {
      zip = await fromRandomAccessReaderPromise(new FileReader(file), size, { autoClose: false, lazyEntries: true });
    } catch (error) {
      return err(`not a valid zip file (${textOf(error)})`);
    }
    const placed = await readDirectory(zip, size, limits);
    if (!placed.ok) return placed;
    return await unpack(zip, file, placed.value, target, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isOfTheMachine(error)) throw error;
    return err(textOf(error));
  } finally {
    await file.close();
  }
}

/** The reader's own one crashes the process when an archive is closed before its last read has come back. */
class FileReader extends RandomAccessReader {
  readonly #file: FileHandle;
  #block: Buffer = Buffer.alloc(0);
  #blockStart = 0;

  constructor(file: FileHandle) {
    super();
    this.#file = file;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#chunks(start, end), { objectMode: false });
  }

  async *#chunks(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at)), {
        position: at,
      });
      if (bytesRead === 0) throw new Error("the archive is cut off");
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#fill(buffer.subarray(offset, offset + length), position).then(
      () => callback(null),
      (error: Error) => callback(error),
    );
  }

  /** The directory and the headers are read in tiny pieces, one after the other: from a block of the file. */
  async #fill(target: Buffer, position: number): Promise<void> {
    if (position < this.#blockStart || position + target.length > this.#blockStart + this.#block.length) {
      const block = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, target.length));
      const { bytesRead } = await this.#file.read(block, { position });
      if (bytesRead < target.length) throw new Error("the archive is cut off");
      block.copy(target, 0, 0, target.length);
      this.#block = block.subarray(0, bytesRead);
      this.#blockStart = position;
    } else this.#block.copy(target, 0, position - this.#blockStart, position - this.#blockStart + target.length);
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

/** All entries, checked, before anything is written. */
async function readDirectory(zip: ZipFile, archiveBytes: number, limits: ZipLimits): Promise<Result<Placed[], string>> {
  const { maxEntries, maxBytes, maxRatio, freeBytes } = limits;
  if (zip.entryCount > maxEntries) return err(`the archive has ${zip.entryCount} entries; ${maxEntries} is the limit`);
  const placed: Placed[] = [];
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    const one = place(entry);
    if (!one.ok) return one;
    if (one.value) placed.push(one.value);
    bytes += entry.uncompressedSize;
    if (bytes > maxBytes) return err(`the archive holds more than ${maxBytes} bytes, which is the limit`);
    if (bytes > freeBytes && bytes > archiveBytes * maxRatio) {
      return err(`the archive unpacks to more than ${maxRatio} times its size; it is taken for a zip bomb`);
    }
  }
  return ok(placed);
}

function place(entry: Entry): Result<Placed | undefined, string> {
  const name = entry.fileName;
  const isUnix = entry.versionMadeBy >>> 8 === 3;
  const attributes = isUnix ? entry.externalFileAttributes >>> 16 : 0;
  const type = attributes & FILE_TYPE;
  const kind = type === LINK ? "link" : type === FOLDER || name.endsWith("/") ? "folder" : "file";
  if (type !== 0 && type !== FOLDER && type !== LINK && type !== REGULAR) {
    return err(`the entry \`${name}\` is a device, pipe or socket`);
  }
  if (entry.isEncrypted()) return err(`the entry \`${name}\` is encrypted`);
  if (!entry.canDecodeFileData())
    return err(`the entry \`${name}\` is packed by method ${entry.compressionMethod}; only store and deflate are read`);
  const path = safeRelativePath(name);
  if (path === undefined)
    return /^[./]*$/.test(name) && kind === "folder"
      ? ok(undefined)
      : err(`the entry \`${name}\` leads outside the source`);
  if (kind === "link" && entry.uncompressedSize > MAX_LINK_BYTES) return err(`the link \`${name}\` is too long`);
  // Set-user, set-group and sticky bits are not taken over. Some tools write no mode at all.
  const mode = attributes & 0o777;
  return ok({ entry, path, kind, mode: mode === 0 ? undefined : mode });
}

async function unpack(
  zip: ZipFile,
  file: FileHandle,
  placed: readonly Placed[],
  target: string,
  signal: AbortSignal,
): Promise<Result<number, string>> {
  const folders = new Set(placed.map(({ path, kind }) => (kind === "folder" ? path : dirname(path))));
  await mkdir(target, { recursive: true });
  for (const folder of [...folders].sort()) await mkdir(join(target, folder), { recursive: true });
  const files = placed.filter(({ kind }) => kind === "file");
  // An archive may name a file twice: the last one counts.
  const last = new Map(files.map((one) => [one.path, one]));
  const queue = last.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const one of queue) {
      if (failures.length > 0) return;
      await writeEntry(zip, file, one, target, signal).catch((error: unknown) => failures.push(error));
    }
  };
  // All of them: when this is over, nothing is written any more.
  await Promise.all(Array.from({ length: CONCURRENT_ENTRIES }, worker));
  if (failures.length > 0) throw failures[0];
  const wrong = await makeLinks(zip, placed, target);
  if (wrong !== undefined) return err(wrong);
  // Read-only folders last, deepest first.
  const withMode = placed.filter(({ kind, mode }) => kind === "folder" && mode !== undefined);
  for (const { path, mode } of withMode.sort((a, b) => b.path.length - a.path.length)) {
    await chmod(join(target, path), (mode ?? 0) | 0o700);
  }
  return ok(last.size + placed.filter(({ kind }) => kind === "link").length);
}

async function writeEntry(
  zip: ZipFile,
  file: FileHandle,
  { entry, path, mode }: Placed,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const place = join(target, path);
  if (entry.uncompressedSize <= SMALL_BYTES && entry.compressedSize <= SMALL_BYTES) {
    await writeFile(place, await readSmall(zip, file, entry), { mode: mode ?? 0o644 });
  } else {
    const output = createWriteStream(place, { flags: "w", mode: mode ?? 0o644 });
    await pipeline(await zip.openReadStreamPromise(entry), output, { signal });
  }
  if (mode !== undefined) await chmod(place, mode);
}

/** In one piece: streams cost more than such an entry's bytes. */
async function readSmall(zip: ZipFile, file: FileHandle, entry: Entry): Promise<Buffer> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(compressedSize), { position: fileDataStart });
  if (bytesRead < compressedSize) throw new Error("the archive is cut off");
  const data = compressionMethod === 0 ? buffer : inflated(buffer, uncompressedSize);
  if (data?.length !== uncompressedSize) throw wrongSize(entry);
  return data;
}

/** Undefined when there is more than declared. */
function inflated(bytes: Buffer, size: number): Buffer | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}

const wrongSize = ({ fileName, uncompressedSize }: Entry): Error =>
  new Error(`the entry \`${fileName}\` does not have the ${uncompressedSize} bytes that the archive declares`);

async function makeLinks(zip: ZipFile, placed: readonly Placed[], target: string): Promise<string | undefined> {
  const links = placed.filter(({ kind }) => kind === "link");
  for (const { entry, path } of links) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    const to = Buffer.concat(chunks).toString("utf8");
    if (to === "" || to.startsWith("/") || to.includes("\0") || leadsOut(target, join(target, dirname(path), to))) {
      return outside(entry);
    }
    await symlink(to, join(target, path));
  }
  // Links through other links: where they really end.
  const root = await realpath(target);
  for (const { entry, path } of links) {
    const end = await realpath(join(target, path)).catch(() => undefined);
    if (end !== undefined && leadsOut(root, end)) return outside(entry);
  }
  return undefined;
}

const outside = (entry: Entry): string => `the link \`${entry.fileName}\` leads outside the source`;

function leadsOut(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === ".." || way.startsWith(`..${sep}`);
}

/** A full disk or a missing right is not the archive's fault. */
const isOfTheMachine = (error: unknown): boolean =>
  /^(?:ENOSPC|EACCES|EPERM|EROFS|EDQUOT|EMFILE|EIO)$/.test((error as NodeJS.ErrnoException).code ?? "");

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
