/**
 * Tar streams, read and written entry by entry: image layers, build contexts, `docker save` files.
 * Written here rather than taken from a library because a layer's bytes are its identity: the writer must give the
 * same bytes for the same files in every version, and the reader must see devices, hard links and PAX records as they are.
 * Format: POSIX.1-2017 pax (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html), GNU long names read only.
 * Gaps: sparse files are refused.
 */

export type TarEntryType = "file" | "directory" | "symlink" | "hardlink" | "character-device" | "block-device" | "fifo";

export interface TarEntry {
  /** As in the archive, without a trailing slash; not checked: see `resolveInside` of whoever extracts. */
  readonly name: string;
  readonly type: TarEntryType;
  readonly sizeBytes: number;
  /** Permission bits, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly linkName: string;
  /** Extended attributes by name, from `SCHILY.xattr.` records; each character of a value is a byte. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** Of a device. */
  readonly device?: DeviceNumber;
}

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** What a header is made of. */
export type TarHeaderEntry = Omit<TarEntry, "xattrs"> & { readonly xattrs?: Readonly<Record<string, string>> };

export interface ReadTarEntry extends TarEntry {
  /** The bytes of a file; what is not read is skipped. Valid until the next entry is asked for. */
  readonly body: AsyncGenerator<Buffer>;
}

const BLOCK_BYTES = 512;
/** Two zero blocks. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);
const TYPE_OF_FLAG: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
};
const FLAG_OF_TYPE: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};
/** Of PAX records with an extended attribute. */
const XATTR_PREFIX = "SCHILY.xattr.";
/** The largest user or group; the next one means "none". */
const MAX_ID = 0xffff_fffe;
/** PAX headers and GNU long names larger than this are an attack, not a name. */
const MAX_META_BYTES = 1024 * 1024;

/** The archive is damaged or uses what this reader does not do. */
export class TarError extends Error {
  override readonly name = "TarError";
}

/** Entries in archive order. Ends at the end mark or at the end of the stream between entries. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<ReadTarEntry> {
  const input = new ChunkReader(source);
  let pax: Record<string, string> = {};
  let globalPax: Record<string, string> = {};
  let longName: string | undefined;
  let longLink: string | undefined;
  for (;;) {
    const header = await input.take(BLOCK_BYTES, true);
    if (!header || header.every((byte) => byte === 0)) break;
    checkSum(header);
    const flag = String.fromCharCode(header[156] ?? 0);
    const rawSize = numberField(header, 124, 12);
    if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
      if (rawSize > MAX_META_BYTES) throw new TarError("tar header record too large");
      const data = (await input.take(rawSize)) ?? Buffer.alloc(0);
      await input.skip(padding(rawSize));
      if (flag === "x") pax = parsePax(data);
      else if (flag === "g") globalPax = { ...globalPax, ...parsePax(data) };
      else if (flag === "L") longName = cString(data, 0, data.length);
      else longLink = cString(data, 0, data.length);
      continue;
    }
    const records = { ...globalPax, ...pax };
    const type = TYPE_OF_FLAG[flag];
    if (!type || "GNU.sparse.major" in records) throw new TarError(`unsupported tar entry type \`${flag}\``);
    const isUstar = header.toString("latin1", 257, 262) === "ustar";
    const prefix = isUstar && header[262] === 0 ? cString(header, 345, 155) : "";
    const plainName = cString(header, 0, 100);
    const name = records["path"] ?? longName ?? (prefix ? `${prefix}/${plainName}` : plainName);
    const hasBody = type === "file" && !name.endsWith("/");
    const linkName = records["linkpath"] ?? longLink ?? cString(header, 157, 100);
    if (name.includes("\0") || linkName.includes("\0")) throw new TarError("tar name with a zero byte");
    const sizeBytes = type === "file" ? numberRecord(records["size"], Number.MAX_SAFE_INTEGER, rawSize) : 0;
    let left = sizeBytes;
    const body = (async function* (): AsyncGenerator<Buffer> {
      while (left > 0) {
        const chunk = await input.some(left);
        left -= chunk.length;
        yield chunk;
      }
    })();
    yield {
      name: name.replace(/\/+$/, ""),
      type: hasBody || type !== "file" ? type : "directory",
      sizeBytes,
      mode: numberField(header, 100, 8) & 0o7777,
      uid: numberRecord(records["uid"], MAX_ID, numberField(header, 108, 8)),
      gid: numberRecord(records["gid"], MAX_ID, numberField(header, 116, 8)),
      mtimeSeconds: records["mtime"] === undefined ? numberField(header, 136, 12) : wholeSeconds(records["mtime"]),
      linkName,
      xattrs: xattrsOf(records),
      ...(type.endsWith("-device") && {
        device: { major: numberField(header, 329, 8), minor: numberField(header, 337, 8) },
      }),
      body,
    };
    await input.skip(left + padding(sizeBytes));
    left = 0;
    pax = {};
    longName = undefined;
    longLink = undefined;
  }
  await input.drain();
}

/** Header blocks of one entry; its body and `tarPadding` follow. Owner names are left empty: only ids travel. */
export function tarHeader(entry: TarHeaderEntry): Buffer {
  const name = entry.type === "directory" ? `${entry.name}/` : entry.name;
  const records: Record<string, string> = {};
  const split = splitName(name);
  if (!split) records["path"] = name;
  if (Buffer.byteLength(entry.linkName) > 100) records["linkpath"] = entry.linkName;
  if (entry.sizeBytes > 0o77777777777) records["size"] = String(entry.sizeBytes);
  if (entry.uid > 0o7777777) records["uid"] = String(entry.uid);
  if (entry.gid > 0o7777777) records["gid"] = String(entry.gid);
  if (entry.mtimeSeconds < 0) records["mtime"] = String(entry.mtimeSeconds);
  for (const name of Object.keys(entry.xattrs ?? {}).sort())
    records[`${XATTR_PREFIX}${name}`] = entry.xattrs?.[name] ?? "";
  const [prefix, base] = split ?? ["", truncate(name, 100)];
  const block = ustar(prefix, base, entry);
  if (Object.keys(records).length === 0) return block;
  const data = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  const paxHeader = ustar(
    "",
    "PaxHeaders/x",
    { ...entry, type: "file", sizeBytes: data.length, mode: 0o644, linkName: "", device: { major: 0, minor: 0 } },
    "x",
  );
  return Buffer.concat([paxHeader, data, tarPadding(data.length), block]);
}

/** Zeroes up to the next block. */
export const tarPadding = (sizeBytes: number): Buffer => Buffer.alloc(padding(sizeBytes));

const padding = (size: number): number => (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;

function ustar(prefix: string, base: string, entry: Omit<TarHeaderEntry, "name">, flag?: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(base, 0);
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, Math.min(entry.uid, 0o7777777));
  octal(block, 116, 8, Math.min(entry.gid, 0o7777777));
  octal(block, 124, 12, Math.min(entry.sizeBytes, 0o77777777777));
  octal(block, 136, 12, Math.max(0, entry.mtimeSeconds));
  block.write(flag ?? FLAG_OF_TYPE[entry.type], 156);
  block.write(truncate(entry.linkName, 100), 157);
  block.write("ustar\u000000", 257, "latin1");
  octal(block, 329, 8, entry.device?.major ?? 0);
  octal(block, 337, 8, entry.device?.minor ?? 0);
  block.write(prefix, 345);
  block.fill(" ", 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function splitName(name: string): [prefix: string, base: string] | undefined {
  if (Buffer.byteLength(name) <= 100) return ["", name];
  for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) {
    const base = name.slice(at + 1);
    if (Buffer.byteLength(name.slice(0, at)) <= 155 && base !== "" && Buffer.byteLength(base) <= 100)
      return [name.slice(0, at), base];
  }
  return undefined;
}

function truncate(text: string, maxBytes: number): string {
  return Buffer.from(text)
    .subarray(0, maxBytes)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
}

function octal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(
    `${Math.floor(value)
      .toString(8)
      .padStart(length - 1, "0")}\0`,
    offset,
    "latin1",
  );
}

function paxRecord(key: string, value: string): Buffer {
  const bytes = Buffer.from(value, key.startsWith(XATTR_PREFIX) ? "latin1" : "utf8");
  const restBytes = Buffer.byteLength(key) + bytes.length + " =\n".length;
  let total = restBytes + 1;
  while (String(total).length + restBytes !== total) total = String(total).length + restBytes;
  return Buffer.concat([Buffer.from(`${total} ${key}=`), bytes, Buffer.from("\n")]);
}

function parsePax(data: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const length = Number(data.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) break;
    const equals = data.indexOf(0x3d, space);
    if (equals > 0) {
      const key = data.toString("utf8", space + 1, equals);
      records[key] = data.toString(key.startsWith(XATTR_PREFIX) ? "latin1" : "utf8", equals + 1, at + length - 1);
    }
    at += length;
  }
  return records;
}

function xattrsOf(records: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(records).filter(([key]) => key.startsWith(XATTR_PREFIX));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(XATTR_PREFIX.length), value]));
}

/** Rounded as `Stats.mtimeMs` is, so that a file has one time whoever reads it. */
function wholeSeconds(text: string): number {
  const [, seconds = "0", fraction = ""] = /^(-?\d+)(?:\.(\d{1,9}))?/.exec(text) ?? [];
  const nanoseconds = Number(fraction.padEnd(9, "0"));
  return Math.floor((Number(seconds) * 1000 + nanoseconds / 1e6) / 1000);
}

function numberField(header: Buffer, offset: number, length: number): number {
  if (((header[offset] ?? 0) & 0x80) !== 0) {
    let value = (header[offset] ?? 0) & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (header[offset + i] ?? 0);
    if (!Number.isSafeInteger(value)) throw new TarError("tar number out of range");
    return value;
  }
  const text = cString(header, offset, length).trim();
  if (text !== "" && !/^[0-7]+$/.test(text)) throw new TarError("tar number is not octal");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

/** Of a PAX record, or else of the header. */
function numberRecord(text: string | undefined, most: number, field: number): number {
  const value = text === undefined ? field : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw new TarError("tar number out of range");
  return value;
}

/** Whether 512 bytes are the header of an archive's first entry. */
export function isTarHeader(bytes: Buffer): boolean {
  if (bytes.length < BLOCK_BYTES || bytes.subarray(0, BLOCK_BYTES).every((byte) => byte === 0)) return false;
  try {
    checkSum(bytes.subarray(0, BLOCK_BYTES));
    return true;
  } catch {
    return false;
  }
}

function checkSum(header: Buffer): void {
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) sum += i >= 148 && i < 156 ? 32 : (header[i] ?? 0);
  if (sum !== numberField(header, 148, 8)) throw new TarError("tar header checksum mismatch");
}

function cString(buffer: Buffer, offset: number, length: number): string {
  const end = buffer.indexOf(0, offset);
  return buffer.toString("utf8", offset, end < 0 || end > offset + length ? offset + length : end);
}

/** Pulls exact amounts from a stream of chunks. */
class ChunkReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #current: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async #fill(): Promise<boolean> {
    while (this.#current.length === 0) {
      const next = await this.#iterator.next();
      if (next.done) return false;
      this.#current = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    return true;
  }

  /** Up to `maxBytes`, at least one. */
  async some(maxBytes: number): Promise<Buffer> {
    if (!(await this.#fill())) throw new TarError("unexpected end of tar stream");
    const chunk = this.#current.subarray(0, maxBytes);
    this.#current = this.#current.subarray(chunk.length);
    return chunk;
  }

  async take(bytes: number, endAllowed = false): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    let missing = bytes;
    while (missing > 0) {
      if (endAllowed && chunks.length === 0 && !(await this.#fill())) return undefined;
      const chunk = await this.some(missing);
      chunks.push(chunk);
      missing -= chunk.length;
    }
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) left -= (await this.some(left)).length;
  }

  /** Reads what follows the end mark, so that the sender is not left with a broken pipe. */
  async drain(): Promise<void> {
    this.#current = Buffer.alloc(0);
    while (await this.#fill()) this.#current = Buffer.alloc(0);
  }
}
