/**
 * A layer's files as the tar that the layer's identity is the digest of. Entries are sorted bytewise, folders before what
 * is in them, whiteouts are `.wh.` files: the same files give the same bytes, whenever and by whichever way they are read:
 * - `walkLayer`: this process reads the folder (root, and layers whose files it owns);
 * - `scanUpper`: GNU tar reads it, in the user namespace where there is one. For folders that a command has written to:
 *   one pass tells their whiteouts, opaque folders, owners and extended attributes, which Node cannot read.
 * Source: https://github.com/opencontainers/image-spec/blob/main/layer.md . Gap: names that are not UTF-8 are refused.
 */
import { spawn } from "node:child_process";
import { closeSync, createReadStream, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { isKept, keptXattrs } from "./layer-extras.ts";
import type { LayerContents } from "./layer-store.ts";
import { metaOf } from "./layer-writer.ts";
import { lstatOrUndefined } from "./layered-root.ts";
import { readTar, TAR_END, type TarHeaderEntry, tarHeader, tarPadding } from "./tar.ts";
import { namespaceCommand } from "./user-namespace.ts";

const WHITEOUT_PREFIX = ".wh.";
const OPAQUE_MARK = ".wh..wh..opq";
/** Files up to this size are read in one go. */
const SMALL_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** Entries between two turns of the event loop. */
const ENTRIES_A_TURN = 256;

/** One entry with its bytes. */
export interface LayerEntry {
  readonly header: TarHeaderEntry;
  readonly body?: AsyncIterable<Buffer> | undefined;
}

/** What a whiteout and an opaque folder are in a layer's tar. */
export const whiteoutOf = (name: string): { readonly hides: string } | "opaque" | undefined => {
  if (name === OPAQUE_MARK) return "opaque";
  return name.startsWith(WHITEOUT_PREFIX) ? { hides: name.slice(WHITEOUT_PREFIX.length) } : undefined;
};

/** The bytes of the tar, in pieces of some size. Times after `latestSeconds` become that. */
export async function* layerTar(
  entries: AsyncIterable<LayerEntry>,
  latestSeconds: number | undefined,
): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const flush = (): Buffer => {
    const whole = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes);
    pieces = [];
    bytes = 0;
    return whole;
  };
  const add = (piece: Buffer): boolean => {
    if (piece.length > 0) pieces.push(piece);
    bytes += piece.length;
    return bytes >= CHUNK_BYTES;
  };
  for await (const { header, body } of entries) {
    const mtimeSeconds =
      latestSeconds === undefined ? header.mtimeSeconds : Math.min(header.mtimeSeconds, latestSeconds);
    if (add(tarHeader({ ...header, mtimeSeconds }))) yield flush();
    if (!body || header.sizeBytes === 0) continue;
    let read = 0;
    for await (const chunk of body) {
      read += chunk.length;
      if (add(chunk)) yield flush();
    }
    if (read !== header.sizeBytes) throw new Error(`file changed while it was packed: /${header.name}`);
    add(tarPadding(read));
  }
  add(TAR_END);
  yield flush();
}

/** Entries of a layer's folder, read by this process. */
export async function* walkLayer(contents: LayerContents): AsyncGenerator<LayerEntry> {
  const hidden = new Map<string, string[]>();
  for (const path of contents.whiteouts) {
    const folder = parentOf(path);
    hidden.set(folder, [...(hidden.get(folder) ?? []), path.slice(folder === "" ? 0 : folder.length + 1)]);
  }
  yield* walkFolder({ contents, hidden, firstNames: new Map(), count: 0 }, "");
}

interface Walk {
  readonly contents: LayerContents;
  /** Names of whiteouts by folder. */
  readonly hidden: ReadonlyMap<string, readonly string[]>;
  /** Of files with several links, by inode. */
  readonly firstNames: Map<string, string>;
  count: number;
}

async function* walkFolder(walk: Walk, folder: string): AsyncGenerator<LayerEntry> {
  const { contents, hidden, firstNames } = walk;
  const prefix = folder === "" ? "" : `${folder}/`;
  if (contents.opaque.has(folder)) yield markEntry(`${prefix}${OPAQUE_MARK}`);
  const present = readdirSync(join(contents.dir, folder));
  for (const name of sortedNames(new Set([...present, ...(hidden.get(folder) ?? [])]))) {
    if (++walk.count % ENTRIES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const path = `${prefix}${name}`;
    if (contents.whiteouts.has(path)) {
      yield markEntry(`${prefix}${WHITEOUT_PREFIX}${name}`);
      continue;
    }
    const hostPath = join(contents.dir, path);
    const stats = await lstatOrUndefined(hostPath);
    if (!stats) throw new Error(`kiln's embedded builder takes UTF-8 names only: /${path}`);
    const extras = contents.extras.get(path);
    const base = {
      ...metaOf(stats),
      ...(extras?.uid !== undefined && { uid: extras.uid }),
      ...(extras?.gid !== undefined && { gid: extras.gid }),
      ...(extras?.xattrs && { xattrs: extras.xattrs }),
      ...{ name: path, sizeBytes: 0, linkName: "" },
    };
    const inode = stats.isDirectory() || stats.nlink < 2 ? undefined : `${stats.dev}:${stats.ino}`;
    const first = inode === undefined ? undefined : firstNames.get(inode);
    if (inode !== undefined && first === undefined) firstNames.set(inode, path);
    if (stats.isDirectory()) {
      yield { header: { ...base, type: "directory" } };
      yield* walkFolder(walk, path);
    } else if (first !== undefined) {
      const { xattrs: _, ...link } = base;
      yield { header: { ...link, type: "hardlink", linkName: first } };
    } else if (stats.isSymbolicLink()) {
      yield { header: { ...base, mode: 0o777, type: "symlink", linkName: readlinkSync(hostPath) } };
    } else if (extras?.special) {
      yield { header: { ...base, ...extras.special } };
    } else if (stats.isFile()) {
      yield { header: { ...base, type: "file", sizeBytes: stats.size }, body: fileBody(hostPath, stats.size) };
    } else if (stats.isFIFO()) {
      yield { header: { ...base, type: "fifo" } };
    } else if (stats.isCharacterDevice() || stats.isBlockDevice()) {
      const type = stats.isBlockDevice() ? "block-device" : "character-device";
      yield { header: { ...base, type, device: deviceOf(stats.rdev) } };
    }
  }
}

async function* fileBody(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  if (sizeBytes > SMALL_BYTES) {
    for await (const chunk of createReadStream(path, { end: sizeBytes - 1, highWaterMark: CHUNK_BYTES }))
      yield chunk as Buffer;
    return;
  }
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let read = 0;
    for (let got = -1; got !== 0 && read < sizeBytes; read += got)
      got = readSync(fd, bytes, read, sizeBytes - read, null);
    yield bytes.subarray(0, read);
  } finally {
    closeSync(fd);
  }
}

/** What a scan finds besides the entries; complete when they are. */
export interface UpperMarks {
  readonly whiteouts: Set<string>;
  readonly opaque: Set<string>;
  readonly extras: Map<string, { xattrs: Record<string, string> }>;
  sizeBytes: number;
}

/** Entries of a folder that was the upper one of an overlay, read by GNU tar. `isLeftOut` names mount points. */
export async function* scanUpper(
  dir: string,
  marks: UpperMarks,
  isLeftOut: (path: string) => boolean = () => false,
): AsyncGenerator<LayerEntry> {
  const [command = "", ...words] = [...(await namespaceCommand()), ...TAR_COMMAND];
  const child = spawn(command, words, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 2000);
  });
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  ended.catch(() => undefined);
  try {
    for await (const entry of readTar(child.stdout)) {
      const path = entry.name.replace(/^\.\/?/, "");
      if (path === "" || isLeftOut(path)) continue;
      if (path.includes("\ufffd")) throw new Error(`kiln's embedded builder takes UTF-8 names only: /${path}`);
      if (entry.type === "character-device" && entry.device?.major === 0 && entry.device.minor === 0) {
        marks.whiteouts.add(path);
        const at = path.lastIndexOf("/") + 1;
        yield markEntry(`${path.slice(0, at)}${WHITEOUT_PREFIX}${path.slice(at)}`);
        continue;
      }
      const xattrs = keptXattrs(entry.xattrs);
      if (xattrs) marks.extras.set(path, { xattrs });
      const { body, xattrs: _, ...header } = entry;
      const linkName = entry.type === "hardlink" ? entry.linkName.replace(/^\.\//, "") : entry.linkName;
      const mode = entry.type === "symlink" ? 0o777 : entry.mode;
      marks.sizeBytes += entry.sizeBytes;
      yield { header: { ...header, name: path, linkName, mode, ...(xattrs && { xattrs }) }, body };
      if (entry.type === "directory" && isOpaque(entry.xattrs)) {
        marks.opaque.add(path);
        yield markEntry(`${path}/${OPAQUE_MARK}`);
      }
    }
    const code = await ended;
    if (code !== 0) throw new Error(`tar could not read the layer: ${complaint.trim().split("\n")[0] ?? code}`);
  } finally {
    child.kill("SIGKILL");
  }
}

const TAR_COMMAND = [
  ...["tar", "--create", "--file=-", "--format=posix", "--pax-option=delete=atime,delete=ctime", "--sort=name"],
  ...["--numeric-owner", "--xattrs", "--xattrs-include=*", "."],
];

const isOpaque = (xattrs: Readonly<Record<string, string>>): boolean =>
  Object.entries(xattrs).some(([name, value]) => !isKept(name) && name.endsWith(".overlay.opaque") && value === "y");

const markEntry = (name: string): LayerEntry => ({
  header: { name, type: "file", sizeBytes: 0, mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" },
});

/** As GNU tar and every engine sort: by bytes, which differs from UTF-16's order beyond the basic plane only. */
function sortedNames(names: ReadonlySet<string>): string[] {
  const sorted = [...names].sort();
  const isPlain = sorted.every((name) => !/[\ud800-\udfff]/.test(name));
  return isPlain ? sorted : sorted.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Linux' encoding: makedev(3). */
const deviceOf = (rdev: number): { major: number; minor: number } => ({
  major: (rdev >>> 8) & 0xfff,
  minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
});

export const parentOf = (path: string): string => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
