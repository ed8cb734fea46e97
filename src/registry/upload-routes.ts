/**
 * Pushing blobs: one request with everything, chunks, or a stream; resuming, cancelling, mounting from another
 * repository. Bytes go from the socket to the blob store as they come; a broken connection leaves what arrived, and the
 * client asks for the offset and goes on. An upload is answered with 201 only when blob and link are durable.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
 */
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { type BlobUpload, DigestMismatch, type Store } from "../store/store.ts";
import { parseContentRange } from "./byte-range.ts";
import { isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { type Answer, chunksOf, type Exchange } from "./exchange.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { keyIn, type RegistryRecords } from "./records.ts";
import { parseRepositoryAddress, type RepositoryAddress } from "./repository-address.ts";

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
  /** True when the caller of this request may also pull from `source`. */
  readonly mayPull: (exchange: Exchange, source: RepositoryAddress) => boolean;
}

/** Uploads nobody finished are dropped after this time, looked for at most once an hour. */
const STALE_UPLOAD_MS = 7 * 24 * 60 * 60 * 1000;
const SWEEP_EVERY_MS = 60 * 60 * 1000;

export function createUploadRoutes({ store, records, clock, ids, mayPull }: UploadRoutesDeps): UploadRoutes {
  const queue = new KeyedQueue();
  let nextSweepMs = 0;

  const open = async ({ address }: Exchange, uploadId: string): Promise<BlobUpload> => {
    const record = records.uploads.get([uploadId]);
    if (!record || record.host !== address.host || record.name !== address.name) {
      throw new RegistryError("blobUploadUnknown", { detail: { uploadId } });
    }
    return store.blobs.upload(uploadId);
  };

  const forget = (uploadId: string): Promise<void> => store.write(() => records.uploads.delete([uploadId]));

  const drop = async (upload: BlobUpload, uploadId: string): Promise<void> => {
    await upload.cancel();
    await forget(uploadId);
  };

  const begin = async ({ address }: Exchange): Promise<string> => {
    await sweep();
    const uploadId = ids.uuid();
    const record = { host: address.host, name: address.name, startedAtMs: clock.nowMs() };
    // Nothing is promised yet, so the answer does not wait for the disk; a disk that fails shows with the first chunk.
    store
      .write(() => records.uploads.put([uploadId], record))
      .catch((error: unknown) => debug("registry", () => `upload ${uploadId} was not recorded: ${error}`));
    return uploadId;
  };

  const sweep = async (): Promise<void> => {
    const nowMs = clock.nowMs();
    if (nowMs < nextSweepMs) return;
    nextSweepMs = nowMs + SWEEP_EVERY_MS;
    for (const { key, value } of records.uploads.list([])) {
      const [uploadId = ""] = key;
      if (nowMs - value.startedAtMs < STALE_UPLOAD_MS) continue;
      debug("registry", () => `drops upload ${uploadId}, started ${new Date(value.startedAtMs).toISOString()}`);
      await queue.run(uploadId, async () => drop(await store.blobs.upload(uploadId), uploadId));
    }
  };

  /** Commits, then links and forgets the upload; each is durable before the next, so a crash in between loses nothing. */
  const commit = async (exchange: Exchange, upload: BlobUpload, uploadId: string, digest: string): Promise<Answer> => {
    const sizeBytes = upload.size;
    try {
      await upload.commit(digest);
    } catch (error) {
      if (!(error instanceof DigestMismatch)) throw error;
      await drop(upload, uploadId);
      throw new RegistryError("digestInvalid", { detail: { digest, reason: error.message } });
    }
    // Side by side, so that one flush serves both.
    await Promise.all([exchange.images.linkBlob(exchange.address, digest, sizeBytes), forget(uploadId)]);
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
        const uploadId = await begin(exchange);
        const upload = await store.blobs.upload(uploadId);
        try {
          await upload.append(chunksOf(exchange.request));
          return await commit(exchange, upload, uploadId, digest);
        } catch (error) {
          // The client does not know this upload's address and cannot resume it.
          await drop(upload, uploadId);
          throw error;
        }
      }
      const mounted = await mount(exchange);
      if (mounted) return mounted;
      const uploadId = await begin(exchange);
      return { status: 202, headers: { ...placeOf(exchange, uploadId, 0), "content-length": 0 } };
    },

    append: (exchange, uploadId) =>
      queue.run(uploadId, async () => {
        const upload = await open(exchange, uploadId);
        await takeChunk(exchange, upload, uploadId);
        return { status: 202, headers: { ...placeOf(exchange, uploadId, upload.size), "content-length": 0 } };
      }),

    finish: (exchange, uploadId) =>
      queue.run(uploadId, async () => {
        const upload = await open(exchange, uploadId);
        const digest = requiredDigest(exchange);
        await takeChunk(exchange, upload, uploadId);
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
    const digest = exchange.query.get("mount");
    const from = exchange.query.get("from");
    // AWS: ECR mounts only when the account setting BLOB_MOUNTING is on, which is off by default and not offered here.
    if (!digest || !from || exchange.address.ecr) return undefined;
    const source = parseRepositoryAddress(from, exchange.origin);
    const link = source && records.blobLinks.get(keyIn(source, digest));
    if (!source || !link || !mayPull(exchange, source)) return undefined;
    await exchange.images.linkBlob(exchange.address, digest, link.sizeBytes);
    return createdAnswer(exchange, digest);
  }
}

/** Appends the body, which must start where the upload ends if it says where it starts. */
async function takeChunk(exchange: Exchange, upload: BlobUpload, uploadId: string): Promise<void> {
  const { headers } = exchange.request;
  const contentRange = headers["content-range"];
  if (contentRange !== undefined) {
    const range = parseContentRange(contentRange);
    if (!range || range.first !== upload.size) {
      throw new RegistryError("chunkOutOfOrder", { headers: stringValues(placeOf(exchange, uploadId, upload.size)) });
    }
    const length = headers["content-length"];
    if (length !== undefined && Number(length) !== range.last - range.first + 1) {
      throw new RegistryError("sizeInvalid", { detail: { contentRange, contentLength: length } });
    }
  }
  await upload.append(chunksOf(exchange.request));
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
