/**
 * Reading and unlinking blobs of a repository: GET, HEAD with ranges, DELETE.
 * DELETE takes the blob out of this repository only; its bytes stay for others and for uploads on their way.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs
 */
import type { Store } from "../store/store.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";
import { isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { BytesAreGone, type Holdings } from "./holdings.ts";
import { type BlobLink, keyIn, type RegistryRecords } from "./records.ts";

export interface BlobRoutes {
  read(exchange: Exchange, digest: string): Answer;
  /** HEAD: pushers ask so what they need not send. */
  find(exchange: Exchange, digest: string): Promise<Answer>;
  remove(exchange: Exchange, digest: string): Promise<Answer>;
}

export function createBlobRoutes({
  store,
  records,
  holdings,
}: {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly holdings: Holdings;
}): BlobRoutes {
  const requireLink = ({ address, images }: Exchange, digest: string): BlobLink => {
    images.requireRepository(address);
    const link = isDigest(digest) ? records.blobLinks.get(keyIn(address, digest)) : undefined;
    if (!link) throw blobUnknown(digest);
    return link;
  };

  return {
    async find(exchange, digest) {
      const link = requireLink(exchange, digest);
      const { address, images } = exchange;
      // From here on the client counts on it, so it must not be collected before the manifest that uses it comes.
      if (holdings.needsRefresh(address, digest, link)) {
        await images.linkBlob(address, digest, link.sizeBytes).catch((error: unknown) => {
          throw error instanceof BytesAreGone ? blobUnknown(digest) : error;
        });
      }
      return { status: 200, headers: { ...blobHeaders(digest), "content-length": link.sizeBytes } };
    },

    read(exchange, digest) {
      const { sizeBytes } = requireLink(exchange, digest);
      const range = parseByteRange(exchange.request.headers.range, sizeBytes);
      if (range === "unsatisfiable") {
        throw new RegistryError("rangeUnsatisfiable", { headers: { "content-range": `bytes */${sizeBytes}` } });
      }
      const body = openBlob(store, digest, range);
      if (!range) {
        return { status: 200, headers: { ...blobHeaders(digest), "content-length": sizeBytes }, body };
      }
      return {
        status: 206,
        headers: {
          ...blobHeaders(digest),
          "content-length": range.end - range.start,
          "content-range": `bytes ${range.start}-${range.end - 1}/${sizeBytes}`,
        },
        body,
      };
    },

    async remove(exchange, digest) {
      requireLink(exchange, digest);
      await exchange.images.unlinkBlob(exchange.address, digest);
      return { status: 202, headers: { "content-length": 0 } };
    },
  };
}

/** Opened before the head of the answer is written, so that a blob whose file is gone is a 404 and not half a body. */
function openBlob(store: Store, digest: string, range: ByteRange | undefined): AsyncIterable<Uint8Array> {
  try {
    return store.blobs.pieces(digest, range);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw blobUnknown(digest);
    throw error;
  }
}

const blobHeaders = (digest: string) => ({
  "content-type": "application/octet-stream",
  "docker-content-digest": digest,
  "accept-ranges": "bytes",
  etag: `"${digest}"`,
});

const blobUnknown = (digest: string): RegistryError => new RegistryError("blobUnknown", { detail: { digest } });
