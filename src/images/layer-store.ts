/**
 * Layers and blobs kept across builds, below `imageStoreDir`:
 *   blobs/sha256/<hex>         compressed layers, configs
 *   layers/<id>/d, layer.json  unpacked files and record; <id> = 16 hex of the chain id (short: they all go into one mount)
 *   tmp/                       what is being made; moved into place by one rename, so a killed build leaves no half layer;
 *                              what it leaves here goes when the next Kiln closes its build, or the store is opened next
 * Names of images are not here: each build has its own, as each CodeBuild build has its own engine.
 * Source: https://github.com/opencontainers/image-spec/blob/main/layer.md (diff ids, chain ids, whiteouts).
 * Gap: zstd layers are refused (Node 20 has no zstd).
 */
import { createHash, type Hash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { makeOwnedFolder, ownerName, removeOrphans } from "../core/owned-folders.ts";
import type { ExtrasByPath, FileExtras } from "./layer-extras.ts";
import { type LayerEntry, layerTar, parentOf, scanUpper, type UpperMarks, walkLayer, whiteoutOf } from "./layer-tar.ts";
import { LayerWriter, PathEscape } from "./layer-writer.ts";
import { LayeredRoot, type RootLayer } from "./layered-root.ts";
import { removeTree } from "./remove-tree.ts";
import { readTar } from "./tar.ts";
import { giveOwnership, subordinateIds } from "./user-namespace.ts";
import { markOnDisk } from "./whiteouts.ts";

export interface LayerRecord {
  readonly chainId: string;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of its files. */
  readonly sizeBytes: number;
  /** Compressed; absent until somebody asks for it: see `LayerStore.packed`. */
  readonly blob?: BlobRecord;
  readonly whiteouts: readonly string[];
  readonly opaque: readonly string[];
  readonly extras?: Readonly<Record<string, FileExtras>>;
  /** True when a command wrote it: its files may be readable in the user namespace only. */
  readonly isScanned?: boolean;
  /** Later times of files count as this one (SOURCE_DATE_EPOCH). */
  readonly latestSeconds?: number;
}

/** A layer that is compressed. */
export type PackedLayer = LayerRecord & { readonly blob: BlobRecord };

export interface BlobRecord {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Files of a layer that is about to be committed. */
export interface LayerContents {
  readonly dir: string;
  readonly extras: ExtrasByPath;
  readonly whiteouts: ReadonlySet<string>;
  readonly opaque: ReadonlySet<string>;
  readonly sizeBytes: number;
}

const GZIP_LEVEL = 1;
const GZIP_CHUNK_BYTES = 256 * 1024;
const TEMPORARY_PREFIX = "t-";

export class LayerStore {
  readonly dir: string;
  readonly #packing = new Map<string, Promise<BlobRecord>>();

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(dir: string): Promise<LayerStore> {
    for (const name of ["blobs/sha256", "layers", "tmp", "cache", "caches"])
      await mkdir(join(dir, name), { recursive: true });
    // Images hold set-id programs: nobody else of this machine may reach them.
    for (const name of ["layers", "tmp", "caches"]) await chmod(join(dir, name), 0o700);
    await LayerStore.removeLeft(dir);
    return new LayerStore(dir);
  }

  /** Removes what processes that are gone were making. */
  static removeLeft(dir: string): Promise<void> {
    return removeOrphans(join(dir, "tmp"), TEMPORARY_PREFIX, removeTree);
  }

  /** A private empty folder on the same file system as the layers; world-readable, as a root folder must be. */
  async temporary(): Promise<string> {
    return makeOwnedFolder(join(this.dir, "tmp"), TEMPORARY_PREFIX);
  }

  /** Gives `fill` the writer of a layer above others; what it wrote goes when it throws. */
  async newLayer<T>(
    below: readonly LayerRecord[],
    fill: (writer: LayerWriter) => Promise<T>,
    newFolderSeconds = 0,
  ): Promise<T> {
    const dir = await this.newFolder();
    try {
      return await fill(new LayerWriter(dir, this.rootLayers(below), newFolderSeconds));
    } catch (error) {
      await removeTree(join(dir, ".."));
      throw error;
    }
  }

  /** An empty folder in a holder of its own, as `commit` and `commitUpper` take it. */
  async newFolder(): Promise<string> {
    const dir = join(await this.temporary(), "d");
    await mkdir(dir, { mode: 0o755 });
    await chmod(dir, 0o755);
    return dir;
  }

  layerDir(layer: Pick<LayerRecord, "chainId">): string {
    return join(this.dir, "layers", shortId(layer.chainId), "d");
  }

  /** Layers for a view, topmost first, of records bottom first. */
  rootLayers(layers: readonly LayerRecord[]): RootLayer[] {
    // Neither a mount nor a view knows of a root folder that hides those below it.
    const first = layers.findLastIndex(({ opaque }) => opaque.includes(""));
    return layers
      .slice(Math.max(0, first))
      .map((layer) => ({
        dir: this.layerDir(layer),
        whiteouts: new Set(layer.whiteouts),
        opaque: new Set(layer.opaque),
        ...(layer.extras && { extras: extrasOf(layer) }),
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
      // Records of before 0.2 have no sizes.
      return record.chainId === chainId
        ? { ...record, sizeBytes: record.sizeBytes ?? record.blob?.sizeBytes ?? 0 }
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a layer of files that a writer wrote. `contents.dir` is moved away. */
  async commit(parent: LayerRecord | undefined, contents: LayerContents, latestSeconds?: number): Promise<LayerRecord> {
    try {
      const diffId = await digestOf(layerTar(walkLayer(contents), latestSeconds));
      return await this.#place(parent, contents, { diffId, ...(latestSeconds !== undefined && { latestSeconds }) });
    } catch (error) {
      await removeTree(join(contents.dir, ".."));
      throw error;
    }
  }

  /** Keeps what a command wrote into an overlay's upper folder, which is moved away. */
  async commitUpper(parent: LayerRecord | undefined, dir: string, latestSeconds?: number): Promise<LayerRecord> {
    const marks: UpperMarks = { whiteouts: new Set(), opaque: new Set(), extras: new Map(), sizeBytes: 0 };
    try {
      const diffId = await digestOf(layerTar(scanUpper(dir, marks), latestSeconds));
      const extra = { diffId, isScanned: true, ...(latestSeconds !== undefined && { latestSeconds }) };
      return await this.#place(parent, { dir, ...marks }, extra);
    } catch (error) {
      await removeTree(join(dir, ".."));
      throw error;
    }
  }

  /** The layers compressed, as pushes and archives need them: what was built is packed when it is first asked for. */
  async packed(layers: readonly LayerRecord[]): Promise<PackedLayer[]> {
    const packed: PackedLayer[] = [];
    for (const layer of layers) packed.push(await this.#packedLayer(layer));
    return packed;
  }

  async #packedLayer(layer: LayerRecord): Promise<PackedLayer> {
    if (layer.blob) return { ...layer, blob: layer.blob };
    const kept = (await this.find(layer.chainId))?.blob;
    if (kept) return { ...layer, blob: kept };
    const going = this.#packing.get(layer.chainId) ?? this.#pack(layer);
    this.#packing.set(layer.chainId, going);
    try {
      return { ...layer, blob: await going };
    } finally {
      this.#packing.delete(layer.chainId);
    }
  }

  async #pack(layer: LayerRecord): Promise<BlobRecord> {
    const temporary = await this.temporary();
    try {
      const file = join(temporary, "layer.tar.gz");
      const diff = createHash("sha256");
      const blobHash = createHash("sha256");
      let sizeBytes = 0;
      await pipeline(
        Readable.from(hashing(this.layerBytes(layer), diff), { objectMode: false }),
        createGzip({ level: GZIP_LEVEL, chunkSize: GZIP_CHUNK_BYTES }),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            blobHash.update(chunk);
            sizeBytes += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(file),
      );
      const diffId = `sha256:${diff.digest("hex")}`;
      if (diffId !== layer.diffId)
        throw new Error(`a layer's files have changed since it was built: ${this.layerDir(layer)}`);
      const blob = { digest: `sha256:${blobHash.digest("hex")}`, sizeBytes };
      await rename(file, this.blobPath(blob.digest));
      await writeAtomically(join(this.layerDir(layer), "..", "layer.json"), JSON.stringify({ ...layer, blob }));
      return blob;
    } finally {
      await removeTree(temporary);
    }
  }

  /** Of a layer's files but for their times. */
  contentDigest(layer: LayerRecord): Promise<string> {
    return digestOf(this.layerBytes({ ...layer, latestSeconds: 0 }));
  }

  /** The uncompressed tar that `diffId` is the digest of. */
  async *layerBytes(layer: LayerRecord): AsyncGenerator<Buffer> {
    const dir = this.layerDir(layer);
    const extras = extrasOf(layer);
    const ofOthers = process.geteuid?.() !== 0 && (layer.isScanned || (await subordinateIds()) !== undefined);
    const marks: UpperMarks = { whiteouts: new Set(), opaque: new Set(), extras: new Map(), sizeBytes: 0 };
    const { sizeBytes } = layer;
    const walked = { dir, extras, whiteouts: new Set(layer.whiteouts), opaque: new Set(layer.opaque), sizeBytes };
    const entries = ofOthers ? withExtras(scanUpper(dir, marks), extras) : walkLayer(walked);
    yield* layerTar(entries, layer.latestSeconds);
  }

  /** Unpacks a layer's tar (gzip or not) that came from a registry or an archive, and keeps its bytes. */
  async add(
    parents: readonly LayerRecord[],
    source: AsyncIterable<Uint8Array>,
    expectedDiffId?: string,
  ): Promise<LayerRecord> {
    const temporary = await this.temporary();
    const path = join(temporary, "blob");
    const file = await open(path, "wx");
    try {
      const blobHash = createHash("sha256");
      const diff = createHash("sha256");
      let sizeBytes = 0;
      const kept = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of source) {
          blobHash.update(chunk);
          sizeBytes += chunk.length;
          await file.writeFile(chunk);
          yield chunk;
        }
      };
      return await this.newLayer([], async (writer) => {
        await unpackLayer(writer, hashing(decompressed(kept()), diff));
        const diffId = `sha256:${diff.digest("hex")}`;
        if (expectedDiffId !== undefined && expectedDiffId !== diffId)
          throw new Error(`layer verification failed: expected ${expectedDiffId}, got ${diffId}`);
        await markOnDisk(writer);
        const blob = { digest: `sha256:${blobHash.digest("hex")}`, sizeBytes };
        await rename(path, this.blobPath(blob.digest));
        return this.#place(parents.at(-1), writer, { diffId, blob });
      });
    } finally {
      await file.close();
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
    rest: Pick<LayerRecord, "diffId" | "blob" | "isScanned" | "latestSeconds">,
  ): Promise<LayerRecord> {
    const record: LayerRecord = {
      chainId: chainIdOf(parent?.chainId, rest.diffId),
      ...rest,
      sizeBytes: contents.sizeBytes,
      whiteouts: [...contents.whiteouts].sort(),
      opaque: [...contents.opaque].sort(),
      ...(contents.extras.size > 0 && { extras: Object.fromEntries(contents.extras) }),
    };
    const holder = join(contents.dir, "..");
    await giveOwnership(contents.dir, contents.extras);
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

const extrasOf = (layer: LayerRecord): ExtrasByPath => new Map(Object.entries(layer.extras ?? {}));

async function* withExtras(entries: AsyncIterable<LayerEntry>, extras: ExtrasByPath): AsyncGenerator<LayerEntry> {
  for await (const entry of entries) {
    const { special, uid, gid, xattrs } = extras.get(entry.header.name) ?? {};
    const header = {
      ...entry.header,
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      ...(xattrs && { xattrs }),
      ...special,
    };
    yield special ? { header } : { header, body: entry.body };
  }
}

async function digestOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

/** Puts a layer's tar into a folder; marks become `writer.whiteouts` and `writer.opaque`. */
async function unpackLayer(writer: LayerWriter, tar: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const entry of readTar(tar)) {
    const path = await writer.inside(entry.name);
    if (path === "" || entry.name === "" || entry.name === ".") continue;
    const mark = whiteoutOf(path.slice(path.lastIndexOf("/") + 1));
    if (mark === "opaque") writer.opaque.add(parentOf(path));
    else if (mark) {
      if (["", ".", ".."].includes(mark.hides)) throw new PathEscape(`invalid path in archive: ${entry.name}`);
      await writer.whiteout(join(parentOf(path), mark.hides));
    } else await writer.entry(path, entry, entry.body, entry);
  }
  await writer.finish();
}

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
  const temporary = `${path}.${ownerName()}.${++counter}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}
let counter = 0;
