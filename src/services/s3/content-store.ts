/**
 * Bytes of objects at rest: encrypted in frames of AES-256-GCM, so that a range is read without the rest, each content
 * under a key of its own, derived (HKDF-SHA256) from the object's data key and a random salt. Frame `n` has the nonce `n`;
 * frames cannot be moved, and the record knows the size, so none can be cut off.
 *
 * Blobs have one owner. A blob is on the list `s3/unowned` from before it appears until the record that owns it is
 * durable, and again from the change that drops it until its file is gone: a process that dies in between leaves
 * work for the next one (`sweep`), never a half object.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { Ids } from "../../core/ids.ts";
import { debug } from "../../core/log.ts";
import { isOrphan, ownerName } from "../../core/owned-folders.ts";
import type { Collection, Store } from "../../store/store.ts";
import type { ContentPart } from "./records.ts";

const FRAME_BYTES = 128 * 1024;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const KEY_PURPOSE = "kiln s3 content";
const UPLOAD_PREFIX = "s3-";

/** Half open. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const stores = new WeakMap<Store, ContentStore>();

/** The contents of a store: one object a store, because it knows who is reading. */
export function contentsOf(store: Store, ids: Ids): ContentStore {
  let contents = stores.get(store);
  if (!contents) {
    contents = new ContentStore(store, ids);
    stores.set(store, contents);
    contents.sweep().catch((error: unknown) => debug("store", () => `s3: not swept: ${String(error)}`));
  }
  return contents;
}

export class ContentStore {
  readonly #store: Store;
  readonly #ids: Ids;
  /** This process, as uploads and records name who is at work on them. */
  readonly #me = ownerName();
  /** Keyed by digest. */
  readonly #unowned: Collection<{ readonly owner: string }>;
  /** Blobs that answers are being read from, with the number of readers. */
  readonly #readers = new Map<string, number>();
  /** Dropped while being read: their files go with the last reader. */
  readonly #dropped = new Set<string>();

  constructor(store: Store, ids: Ids) {
    this.#store = store;
    this.#ids = ids;
    this.#unowned = store.collection("s3/unowned");
  }

  /** Encrypts and stores all of `plain`, durably; nothing is left when it throws. Follow with `own` or `discard`. */
  async write(dataKey: Uint8Array, plain: AsyncIterable<Uint8Array>): Promise<ContentPart> {
    const salt = this.#ids.bytes(SALT_BYTES);
    const upload = await this.#store.blobs.upload(`${UPLOAD_PREFIX}${this.#me}-${this.#ids.uuid()}`);
    let blob: string | undefined;
    try {
      const sealer = new FrameSealer(contentKey(dataKey, salt));
      await upload.append(sealer.seal(plain));
      const digest = await upload.digest();
      blob = digest;
      await Promise.all([
        this.#store.write(() => this.#unowned.put([digest], { owner: this.#me })),
        upload.commit(digest),
      ]);
      return { blob, size: sealer.plainBytes, salt: salt.toString("base64") };
    } catch (error) {
      await upload.cancel();
      if (blob !== undefined) await this.#remove([blob]);
      throw error;
    }
  }

  /** Only inside `Store.write`: a record that is put in this change owns them from now on. */
  own(parts: readonly Pick<ContentPart, "blob">[]): void {
    for (const { blob } of parts) {
      // Gone with a reset or a restore while the request was under way: a record without bytes must not be left.
      if (!this.#store.blobs.hasNow(blob)) throw new Error(`s3: the content ${blob} was removed while it was stored`);
      this.#unowned.delete([blob]);
    }
  }

  /** Only inside `Store.write`: nobody owns them any more. Follow with `remove` once the change is durable. */
  disown(parts: readonly Pick<ContentPart, "blob">[]): void {
    for (const { blob } of parts) this.#unowned.put([blob], { owner: this.#me });
  }

  /** Takes away the files of disowned contents; those being read go with their last reader. */
  async remove(parts: readonly Pick<ContentPart, "blob">[]): Promise<void> {
    const free: string[] = [];
    for (const { blob } of parts) {
      if (this.#readers.has(blob)) this.#dropped.add(blob);
      else free.push(blob);
    }
    await this.#remove(free);
  }

  /**
   * The plain bytes of contents in a row. The files are kept from now on, not from the first byte: whoever overwrites the
   * object meanwhile takes nothing away. They go when the iteration ends, or `return` is called.
   */
  read(dataKey: Uint8Array, parts: readonly ContentPart[], range: ByteRange): AsyncIterableIterator<Uint8Array> {
    const wanted = partsWithin(parts, range);
    const blobs = wanted.map(({ part }) => part.blob);
    for (const blob of blobs) this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1);
    const bytes = this.#readParts(dataKey, wanted);
    let isReleased = false;
    const release = async (): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      await this.#release(blobs);
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        try {
          const result = await bytes.next();
          if (result.done === true) await release();
          return result;
        } catch (error) {
          await release();
          throw error;
        }
      },
      async return() {
        await bytes.return(undefined);
        await release();
        return { done: true, value: undefined };
      },
    };
  }

  async *#readParts(dataKey: Uint8Array, wanted: ReturnType<typeof partsWithin>): AsyncGenerator<Uint8Array> {
    for (const { part, within } of wanted) yield* this.#readPart(dataKey, part, within);
  }

  /** Finishes what processes that are gone have left. */
  async sweep(): Promise<void> {
    if (this.#store.stateDir === undefined) return;
    for (const id of await this.#store.blobs.uploads()) {
      if (!id.startsWith(UPLOAD_PREFIX) || !isOrphan(id.slice(UPLOAD_PREFIX.length))) continue;
      await (await this.#store.blobs.upload(id)).cancel();
    }
    const left = this.#unowned.list([]).filter(({ value }) => isOrphan(value.owner));
    await this.#remove(left.map(({ key }) => key[0] as string));
  }

  async *#readPart(dataKey: Uint8Array, part: ContentPart, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    const firstFrame = Math.floor(start / FRAME_BYTES);
    const lastFrame = Math.ceil(end / FRAME_BYTES);
    const sealedSize = part.size + Math.ceil(part.size / FRAME_BYTES) * TAG_BYTES;
    const stream = this.#store.blobs.read(part.blob, {
      start: firstFrame * (FRAME_BYTES + TAG_BYTES),
      end: Math.min(lastFrame * (FRAME_BYTES + TAG_BYTES), sealedSize),
    });
    const key = contentKey(dataKey, Buffer.from(part.salt, "base64"));
    let frame = firstFrame;
    let offset = firstFrame * FRAME_BYTES;
    for await (const sealed of inPieces(stream as AsyncIterable<Buffer>, FRAME_BYTES + TAG_BYTES)) {
      const plain = openFrame(key, frame++, sealed);
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, plain.length);
      offset += plain.length;
      yield from === 0 && to === plain.length ? plain : plain.subarray(from, to);
    }
    if (offset < end) throw new Error(`s3: the content ${part.blob} ends after ${offset} of ${part.size} bytes`);
  }

  async #release(blobs: readonly string[]): Promise<void> {
    const free: string[] = [];
    for (const blob of blobs) {
      const left = (this.#readers.get(blob) ?? 1) - 1;
      if (left > 0) this.#readers.set(blob, left);
      else {
        this.#readers.delete(blob);
        if (this.#dropped.delete(blob)) free.push(blob);
      }
    }
    await this.#remove(free);
  }

  async #remove(blobs: readonly string[]): Promise<void> {
    if (blobs.length === 0) return;
    for (const blob of blobs) await this.#store.blobs.delete(blob);
    await this.#store.write(() => {
      for (const blob of blobs) this.#unowned.delete([blob]);
    });
  }
}

const contentKey = (dataKey: Uint8Array, salt: Uint8Array): Buffer =>
  Buffer.from(hkdfSync("sha256", dataKey, salt, KEY_PURPOSE, KEY_BYTES));

/** Encrypts one content and counts it. */
class FrameSealer {
  plainBytes = 0;
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  async *seal(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let frame = 0;
    for await (const piece of inPieces(plain, FRAME_BYTES)) {
      this.plainBytes += piece.length;
      const cipher = createCipheriv("aes-256-gcm", this.#key, nonceOf(frame++));
      yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
    }
  }
}

function openFrame(key: Buffer, frame: number, sealed: Buffer): Buffer {
  const body = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(frame)).setAuthTag(sealed.subarray(body));
  const plain = decipher.update(sealed.subarray(0, body));
  decipher.final();
  return plain;
}

function nonceOf(frame: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(frame, 6, 6);
  return nonce;
}

/** Chunks of any size as pieces of exactly `size` bytes, the last one shorter. A piece is only good until the next. */
async function* inPieces(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(size - filled, chunk.length - at);
      piece.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === size) {
        yield piece;
        filled = 0;
      }
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

/** The parts that a range of the whole touches, each with its own share of it. */
function partsWithin(parts: readonly ContentPart[], { start, end }: ByteRange) {
  const within: { readonly part: ContentPart; readonly within: ByteRange }[] = [];
  let offset = 0;
  for (const part of parts) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, part.size);
    if (from < to) within.push({ part, within: { start: from, end: to } });
    offset += part.size;
  }
  return within;
}
