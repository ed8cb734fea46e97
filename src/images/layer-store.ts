/**
 * Layers and blobs kept across builds, below `imageStoreDir`:
 *   blobs/sha256/<hex>         compressed layers, configs
 *   layers/<id>/d, layer.json  unpacked files and record; <id> = 16 hex of the chain id (short: they all go into one mount)
 *   tmp/                       what is being made; moved into place by one rename, so a killed build leaves no half layer;
 *                              what it leaves here goes when the store is opened next
 * Names of images are not here: each build has its own, as each CodeBuild build has its own engine.
 * Source: https://github.com/opencontainers/image-spec/blob/main/layer.md (diff ids, chain ids, whiteouts).
 * Gaps: extended attributes of files, devices and pipes in layers are dropped; zstd layers are refused.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, readdir, readFile, readlink, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { type FileOwner, LayerWriter, metaOf } from "./layer-writer.ts";
import { LayeredRoot, lstatOrUndefined, type RootLayer } from "./layered-root.ts";
import { makeOwnedFolder, removeOrphans } from "./owned-folders.ts";
import { removeTree } from "./remove-tree.ts";
import { readTar, TAR_END, type TarEntry, tarHeader, tarPadding } from "./tar.ts";
import { giveOwnership } from "./user-namespace.ts";
import { makeWhiteouts } from "./whiteouts.ts";

export interface LayerRecord {
  readonly chainId: string;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  readonly blob: BlobRecord;
  readonly whiteouts: readonly string[];
  readonly opaque: readonly string[];
}

export interface BlobRecord {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Files of a layer that is about to be committed. */
export interface LayerContents {
  readonly dir: string;
  readonly owners: ReadonlyMap<string, FileOwner>;
  readonly whiteouts: ReadonlySet<string>;
  readonly opaque: ReadonlySet<string>;
}

const GZIP_LEVEL = 1;
const TEMPORARY_PREFIX = "t-";
const WHITEOUT_PREFIX = ".wh.";
const OPAQUE_MARK = ".wh..wh..opq";

export class LayerStore {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(dir: string): Promise<LayerStore> {
    for (const name of ["blobs/sha256", "layers", "tmp", "cache"]) await mkdir(join(dir, name), { recursive: true });
    await removeOrphans(join(dir, "tmp"), TEMPORARY_PREFIX);
    return new LayerStore(dir);
  }

  /** A private empty folder on the same file system as the layers; world-readable, as a root folder must be. */
  async temporary(): Promise<string> {
    return makeOwnedFolder(join(this.dir, "tmp"), TEMPORARY_PREFIX);
  }

  /** Gives `fill` the writer of a layer above others; what it wrote goes when it throws. */
  async newLayer<T>(below: readonly LayerRecord[], fill: (writer: LayerWriter) => Promise<T>): Promise<T> {
    const holder = await this.temporary();
    try {
      const dir = join(holder, "d");
      await mkdir(dir, { mode: 0o755 });
      await chmod(dir, 0o755);
      return await fill(new LayerWriter(dir, this.rootLayers(below)));
    } catch (error) {
      await removeTree(holder);
      throw error;
    }
  }

  layerDir(layer: Pick<LayerRecord, "chainId">): string {
    return join(this.dir, "layers", shortId(layer.chainId), "d");
  }

  /** Layers for a view, topmost first, of records bottom first. */
  rootLayers(layers: readonly LayerRecord[]): RootLayer[] {
    return layers
      .map((layer) => ({
        dir: this.layerDir(layer),
        whiteouts: new Set(layer.whiteouts),
        opaque: new Set(layer.opaque),
      }))
      .reverse();
  }

  root(layers: readonly LayerRecord[]): LayeredRoot {
    return new LayeredRoot(this.rootLayers(layers));
  }

  async find(chainId: string): Promise<LayerRecord | undefined> {
    try {
      const record = JSON.parse(
        await readFile(join(this.dir, "layers", shortId(chainId), "layer.json"), "utf8"),
      ) as LayerRecord;
      return record.chainId === chainId ? record : undefined;
    } catch {
      return undefined;
    }
  }

  /** Packs, compresses and keeps a layer. `contents.dir` is moved away. */
  async commit(parent: LayerRecord | undefined, contents: LayerContents): Promise<LayerRecord> {
    const diff = createHash("sha256");
    const temporary = await this.temporary();
    try {
      const compressed = join(temporary, "layer.tar.gz");
      const blobHash = createHash("sha256");
      let sizeBytes = 0;
      await pipeline(
        Readable.from(packLayer(contents, diff), { objectMode: false }),
        createGzip({ level: GZIP_LEVEL }),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            blobHash.update(chunk);
            sizeBytes += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(compressed),
      );
      const blob = { digest: `sha256:${blobHash.digest("hex")}`, sizeBytes };
      await rename(compressed, this.blobPath(blob.digest));
      return await this.#place(parent, contents, `sha256:${diff.digest("hex")}`, blob);
    } catch (error) {
      await removeTree(join(contents.dir, ".."));
      throw error;
    } finally {
      await removeTree(temporary);
    }
  }

  /** Unpacks a layer's tar (gzip or not) that came from a registry or an archive, and keeps its bytes. */
  async add(
    parents: readonly LayerRecord[],
    source: AsyncIterable<Uint8Array>,
    expectedDiffId?: string,
  ): Promise<LayerRecord> {
    const temporary = await this.temporary();
    try {
      const file = join(temporary, "blob");
      const blobHash = createHash("sha256");
      let sizeBytes = 0;
      await pipeline(
        source,
        async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            blobHash.update(chunk);
            sizeBytes += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(file),
      );
      const blob = { digest: `sha256:${blobHash.digest("hex")}`, sizeBytes };
      return await this.newLayer([], async (writer) => {
        const diff = createHash("sha256");
        await unpackLayer(writer, hashing(decompressed(createReadStream(file)), diff));
        const diffId = `sha256:${diff.digest("hex")}`;
        if (expectedDiffId !== undefined && expectedDiffId !== diffId)
          throw new Error(`layer verification failed: expected ${expectedDiffId}, got ${diffId}`);
        await makeWhiteouts(writer.dir, [...writer.whiteouts]);
        await rename(file, this.blobPath(blob.digest));
        return this.#place(parents.at(-1), writer, diffId, blob);
      });
    } finally {
      await removeTree(temporary);
    }
  }

  blobPath(digest: string): string {
    return join(this.dir, "blobs", "sha256", digest.replace(/^sha256:/, ""));
  }

  async putBlob(bytes: Buffer): Promise<BlobRecord> {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    await writeAtomically(this.blobPath(digest), bytes);
    return { digest, sizeBytes: bytes.length };
  }

  async findBlob(digest: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.blobPath(digest));
    } catch {
      return undefined;
    }
  }

  async #place(
    parent: LayerRecord | undefined,
    contents: LayerContents,
    diffId: string,
    blob: BlobRecord,
  ): Promise<LayerRecord> {
    const record: LayerRecord = {
      chainId: chainIdOf(parent?.chainId, diffId),
      diffId,
      blob,
      whiteouts: [...contents.whiteouts].sort(),
      opaque: [...contents.opaque].sort(),
    };
    const holder = join(contents.dir, "..");
    await giveOwnership(contents.dir, contents.owners);
    await writeFile(join(holder, "layer.json"), JSON.stringify(record));
    await chmod(holder, 0o755);
    try {
      await rename(holder, join(this.dir, "layers", shortId(record.chainId)));
    } catch (error) {
      const existing = await this.find(record.chainId);
      await removeTree(holder);
      if (!existing) throw error;
      return existing;
    }
    return record;
  }
}

/** https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid */
export function chainIdOf(parentChainId: string | undefined, diffId: string): string {
  if (parentChainId === undefined) return diffId;
  return `sha256:${createHash("sha256").update(`${parentChainId} ${diffId}`).digest("hex")}`;
}

const shortId = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 16);

/** The layer's tar: entries sorted, whiteouts as `.wh.` files. */
async function* packLayer(contents: LayerContents, diff: Hash): AsyncGenerator<Buffer> {
  const firstNames = new Map<string, string>();
  for await (const piece of packFolder(contents, "", firstNames)) {
    diff.update(piece);
    yield piece;
  }
  diff.update(TAR_END);
  yield TAR_END;
}

async function* packFolder(
  contents: LayerContents,
  folder: string,
  firstNames: Map<string, string>,
): AsyncGenerator<Buffer> {
  const present = await readdir(join(contents.dir, folder));
  const prefix = folder === "" ? "" : `${folder}/`;
  const hidden = [...contents.whiteouts]
    .filter((path) => parentOf(path) === folder)
    .map((path) => path.slice(prefix.length));
  if (contents.opaque.has(folder)) yield tarHeader(emptyFile(`${prefix}${OPAQUE_MARK}`));
  for (const name of [...new Set([...present, ...hidden])].sort()) {
    const path = `${prefix}${name}`;
    if (contents.whiteouts.has(path)) {
      yield tarHeader(emptyFile(`${prefix}${WHITEOUT_PREFIX}${name}`));
      continue;
    }
    const hostPath = join(contents.dir, path);
    const stats = await lstatOrUndefined(hostPath);
    if (!stats) continue;
    const base = { ...metaOf(stats), ...contents.owners.get(path), name: path, sizeBytes: 0, linkName: "" };
    if (stats.isDirectory()) {
      yield tarHeader({ ...base, type: "directory" });
      yield* packFolder(contents, path, firstNames);
    } else if (stats.isSymbolicLink()) {
      yield tarHeader({ ...base, mode: 0o777, type: "symlink", linkName: await readlink(hostPath) });
    } else if (stats.isFile()) {
      const inode = `${stats.dev}:${stats.ino}`;
      const first = stats.nlink > 1 ? firstNames.get(inode) : undefined;
      if (first !== undefined) {
        yield tarHeader({ ...base, type: "hardlink", linkName: first });
        continue;
      }
      if (stats.nlink > 1) firstNames.set(inode, path);
      yield tarHeader({ ...base, type: "file", sizeBytes: stats.size });
      let read = 0;
      if (stats.size > 0) {
        for await (const chunk of createReadStream(hostPath, { end: stats.size - 1, highWaterMark: 256 * 1024 })) {
          read += (chunk as Buffer).length;
          yield chunk as Buffer;
        }
      }
      if (read !== stats.size) throw new Error(`file changed while it was packed: /${path}`);
      yield tarPadding(stats.size);
    }
  }
}

/** Puts a layer's tar into a folder; marks become `writer.whiteouts` and `writer.opaque`. */
async function unpackLayer(writer: LayerWriter, tar: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const entry of readTar(tar)) {
    const path = await writer.inside(entry.name);
    if (path === "" || entry.name === "" || entry.name === ".") continue;
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (name === OPAQUE_MARK) writer.opaque.add(parentOf(path));
    else if (name.startsWith(WHITEOUT_PREFIX))
      writer.whiteout(join(parentOf(path), name.slice(WHITEOUT_PREFIX.length)));
    else await writer.entry(path, entry, entry.body, entry);
  }
  await writer.finish();
}

const parentOf = (path: string): string => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");

const emptyFile = (name: string): Omit<TarEntry, "xattrs"> => ({
  name,
  type: "file",
  sizeBytes: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  linkName: "",
});

/** Undoes gzip when the bytes are gzip. */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) return;
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield first.value as Uint8Array;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  const magic = Buffer.from(first.value.subarray(0, 4));
  if (magic.equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) {
    throw new Error("kiln's embedded builder does not unpack zstd layers; save the image with gzip");
  }
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  const failed = pipeline(Readable.from(whole(), { objectMode: false }), gunzip).catch(
    (error: unknown) => void gunzip.destroy(error as Error),
  );
  yield* gunzip;
  await failed;
}

async function* hashing(source: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Never leaves half a file under the final name. */
export async function writeAtomically(path: string, bytes: Buffer | string): Promise<void> {
  const temporary = `${path}.${process.pid}.${++counter}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}
let counter = 0;
