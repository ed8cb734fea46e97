/**
 * Pushing blobs: one request with everything, chunks, or a stream; resuming, cancelling, mounting from another
 * repository. Bytes go from the socket to the blob store as they come; a broken connection leaves what arrived, and the
 * client asks for the offset and goes on. An upload is answered with 201 only when blob and link are durable.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
 */
import { type Clock, MINUTE_MS } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { type BlobUpload, DigestMismatch, type Store, UploadIsWhole } from "../store/store.ts";
import { parseContentRange } from "./byte-range.ts";
import { algorithmOf, isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { type Answer, chunksOf, type Exchange } from "./exchange.ts";
import { lastActiveMs, STALE_UPLOAD_MS } from "./gc.ts";
import { BytesAreGone, type Holdings } from "./holdings.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { keyIn, type RegistryRecords, type UploadRecord } from "./records.ts";
import { addressOf, parseRepositoryAddress, type RepositoryAddress } from "./repository-address.ts";

export interface UploadRoutes {
  /** POST: starts an upload, takes a whole blob (`?digest=`), or mounts one (`?mount=&from=`). */
  start(exchange: Exchange): Promise<Answer>;
  append(exchange: Exchange, uploadId: string): Promise<Answer>;
  finish(exchange: Exchange, uploadId: string): Promise<Answer>;
  status(exchange: Exchange, uploadId: string): Promise<Answer>;
  cancel(exchange: Exchange, uploadId: string): Promise<Answer>;
}

export interface UploadRoutesDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly holdings: Holdings;
  /** True when the caller of this request may also pull from `source`. */
  readonly mayPull: (exchange: Exchange, source: RepositoryAddress) => boolean;
  /** Called when an upload begins: time to look for what can be thrown away. */
  readonly onBegin: () => void;
}

/** How exactly an upload's last activity is known. */
const NOTE_EVERY_MS = 10 * MINUTE_MS;

export function createUploadRoutes(deps: UploadRoutesDeps): UploadRoutes {
  const { store, records, clock, ids, holdings, mayPull, onBegin } = deps;
  const queue = new KeyedQueue();
  /** Uploads whose records are still to be written. */
  const begun = new Map<string, UploadRecord>();

  const open = async ({ address }: Exchange, uploadId: string): Promise<BlobUpload> => {
    const record = begun.get(uploadId) ?? records.uploads.get([uploadId]);
    const isOurs = record?.host === address.host && record.name === address.name;
    if (!isOurs || clock.nowMs() - lastActiveMs(record) >= STALE_UPLOAD_MS) {
      throw new RegistryError("blobUploadUnknown", { detail: { uploadId } });
    }
    return store.blobs.upload(uploadId);
  };

  const drop = async (upload: BlobUpload, uploadId: string): Promise<void> => {
    await upload.cancel();
    begun.delete(uploadId);
    await store.write(() => records.uploads.delete([uploadId]));
  };

  const begin = ({ address }: Exchange): string => {
    onBegin();
    const uploadId = ids.uuid();
    const record = { host: address.host, name: address.name, startedAtMs: clock.nowMs() };
    // Nothing is promised yet, so the answer does not wait for the disk; a disk that fails shows with the first chunk.
    begun.set(uploadId, record);
    store
      .write(() => records.uploads.put([uploadId], record))
      .catch((error: unknown) => debug("registry", () => `upload ${uploadId} was not recorded: ${error}`))
      .finally(() => begun.delete(uploadId));
    return uploadId;
  };

  /** Keeps a long push from looking abandoned. */
  const noteActivity = (uploadId: string): void => {
    const nowMs = clock.nowMs();
    const record = records.uploads.get([uploadId]);
    if (!record || nowMs - (record.activeAtMs ?? record.startedAtMs) < NOTE_EVERY_MS) return;
    store
      .write(() => records.uploads.put([uploadId], { ...record, activeAtMs: nowMs }))
      .catch((error: unknown) => debug("registry", () => `upload ${uploadId} was not noted: ${error}`));
  };

  /** Takes the body into the upload, as far as quotas let it. */
  const take = async (exchange: Exchange, upload: BlobUpload, uploadId: string): Promise<void> => {
    const room = holdings.roomIn(exchange.address) - upload.size;
    const announced = Number(exchange.request.headers["content-length"] ?? 0);
    if (announced > room) holdings.requireRoomFor(exchange.address, upload.size + announced);
    const received = watched(chunksOf(exchange.request), (bytes) => {
      if (bytes > room) holdings.requireRoomFor(exchange.address, upload.size + bytes);
      noteActivity(uploadId);
    });
    try {
      await upload.append(received);
    } catch (error) {
      if (error instanceof UploadIsWhole) {
        throw new RegistryError("blobUploadInvalid", { message: "the upload is complete; finish it with its digest" });
      }
      // Nobody resumes an upload there was no room for, and what came of it is in the way of everybody.
      const isHopeless =
        error instanceof RegistryError || (error instanceof KilnError && error.code === "KILN_E_STATE_FOLDER_FULL");
      if (isHopeless) await drop(upload, uploadId);
      throw error;
    }
  };

  /** Makes the upload a blob and lets go of it; one that its client can finish later stays. */
  const commit = async (exchange: Exchange, upload: BlobUpload, uploadId: string, digest: string): Promise<Answer> => {
    try {
      await exchange.images.linkUpload(exchange.address, upload, digest);
    } catch (error) {
      if (error instanceof DigestMismatch || error instanceof RegistryError) await drop(upload, uploadId);
      if (!(error instanceof DigestMismatch)) throw error;
      throw new RegistryError("digestInvalid", { detail: { digest, reason: error.message } });
    }
    // The blob is safe; what is left of its upload would expire, should this fail.
    drop(upload, uploadId).catch((error: unknown) => debug("registry", () => `upload ${uploadId} stays: ${error}`));
    return createdAnswer(exchange, digest);
  };

  const requiredDigest = ({ query }: Exchange): string => {
    const digest = query.get("digest") ?? "";
    if (!isDigest(digest)) throw new RegistryError("digestInvalid", { detail: { digest } });
    return digest;
  };

  return {
    async start(exchange) {
      exchange.images.requireRepository(exchange.address);
      if (exchange.query.has("digest")) {
        const digest = requiredDigest(exchange);
        const uploadId = begin(exchange);
        const upload = await store.blobs.upload(uploadId, algorithmOf(digest));
        try {
          await take(exchange, upload, uploadId);
          return await commit(exchange, upload, uploadId, digest);
        } catch (error) {
          // The client does not know this upload's address and cannot resume it.
          await drop(upload, uploadId);
          throw error;
        }
      }
      const mounted = await mount(exchange);
      if (mounted) return mounted;
      const uploadId = begin(exchange);
      return { status: 202, headers: { ...placeOf(exchange, uploadId, 0), "content-length": 0 } };
    },

    append: (exchange, uploadId) =>
      queue.run(uploadId, async () => {
        const upload = await open(exchange, uploadId);
        requireInOrder(exchange, upload, uploadId);
        await take(exchange, upload, uploadId);
        return { status: 202, headers: { ...placeOf(exchange, uploadId, upload.size), "content-length": 0 } };
      }),

    finish: (exchange, uploadId) =>
      queue.run(uploadId, async () => {
        const upload = await open(exchange, uploadId);
        const digest = requiredDigest(exchange);
        requireInOrder(exchange, upload, uploadId);
        await take(exchange, upload, uploadId);
        return commit(exchange, upload, uploadId, digest);
      }),

    status: (exchange, uploadId) =>
      queue.run(uploadId, async () => {
        const upload = await open(exchange, uploadId);
        return { status: 204, headers: placeOf(exchange, uploadId, upload.size) };
      }),

    cancel: (exchange, uploadId) =>
      queue.run(uploadId, async () => {
        await drop(await open(exchange, uploadId), uploadId);
        return { status: 204 };
      }),
  };

  async function mount(exchange: Exchange): Promise<Answer | undefined> {
    const digest = exchange.query.get("mount") ?? "";
    if (!isDigest(digest)) return undefined;
    const source = mountSource(exchange, digest);
    const link = source && records.blobLinks.get(keyIn(source, digest));
    if (!link) return undefined;
    try {
      await exchange.images.linkBlob(exchange.address, digest, link.sizeBytes);
    } catch (error) {
      // Collected at this moment: the client uploads it.
      if (error instanceof BytesAreGone) return undefined;
      throw error;
    }
    return createdAnswer(exchange, digest);
  }

  /** The repository named by `from`; without it, any that has the blob and that the caller may pull from. */
  function mountSource(exchange: Exchange, digest: string): RepositoryAddress | undefined {
    const from = exchange.query.get("from");
    if (from) {
      const source = parseRepositoryAddress(from, exchange.origin);
      // AWS: ECR mounts only when the account setting BLOB_MOUNTING is on, and within one registry.
      if (exchange.address.ecr && !(source && exchange.ecr.mayMount(exchange.address, source))) return undefined;
      return source && mayPull(exchange, source) ? source : undefined;
    }
    if (exchange.address.ecr) return undefined;
    if (!records.blobs.get([digest])?.owners) return undefined;
    for (const { key, value } of records.repositories.list([])) {
      const [host = "", name = ""] = key;
      if (value.ecr || !records.blobLinks.has([host, name, digest])) continue;
      const source = addressOf(host, name);
      if (source && mayPull(exchange, source)) return source;
    }
    return undefined;
  }
}

/** Throws unless the body starts where the upload ends, if it says where it starts. */
function requireInOrder(exchange: Exchange, upload: BlobUpload, uploadId: string): void {
  const contentRange = exchange.request.headers["content-range"];
  if (contentRange === undefined) return;
  const range = parseContentRange(contentRange);
  if (!range || range.first !== upload.size) {
    throw new RegistryError("chunkOutOfOrder", { headers: stringValues(placeOf(exchange, uploadId, upload.size)) });
  }
  const contentLength = exchange.request.headers["content-length"];
  if (contentLength !== undefined && Number(contentLength) !== range.last - range.first + 1) {
    throw new RegistryError("sizeInvalid", { detail: { contentRange, contentLength } });
  }
}

/** Passes chunks on, telling how many bytes have come; what `look` throws ends it. */
async function* watched(chunks: AsyncIterable<Uint8Array>, look: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    look(bytes);
    yield chunk;
  }
}

const placeOf = ({ nameInUrl }: Exchange, uploadId: string, sizeBytes: number) => ({
  location: `/v2/${nameInUrl}/blobs/uploads/${uploadId}`,
  // `0-0` is also what an empty upload says: the header has no way to say "nothing".
  range: `0-${Math.max(0, sizeBytes - 1)}`,
  "docker-upload-uuid": uploadId,
});

const stringValues = (headers: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const createdAnswer = ({ nameInUrl }: Exchange, digest: string): Answer => ({
  status: 201,
  headers: { location: `/v2/${nameInUrl}/blobs/${digest}`, "docker-content-digest": digest, "content-length": 0 },
});
