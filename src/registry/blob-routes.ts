/**
 * Reading and unlinking blobs of a repository: GET, HEAD with ranges, DELETE.
 * DELETE takes the blob out of this repository only; its bytes stay for others and for uploads on their way.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs
 */
import type { Store } from "../store/store.ts";
import { parseByteRange } from "./byte-range.ts";
import { isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { keyIn, type RegistryRecords } from "./records.ts";

export interface BlobRoutes {
  read(exchange: Exchange, digest: string): Answer;
  remove(exchange: Exchange, digest: string): Promise<Answer>;
}

export function createBlobRoutes({
  store,
  records,
}: {
  readonly store: Store;
  readonly records: RegistryRecords;
}): BlobRoutes {
  const requireLink = ({ address, images }: Exchange, digest: string): number => {
    images.requireRepository(address);
    const link = isDigest(digest) ? records.blobLinks.get(keyIn(address, digest)) : undefined;
    if (!link) throw new RegistryError("blobUnknown", { detail: { digest } });
    return link.sizeBytes;
  };

  return {
    read(exchange, digest) {
      const sizeBytes = requireLink(exchange, digest);
      const headers = {
        "content-type": "application/octet-stream",
        "docker-content-digest": digest,
        "accept-ranges": "bytes",
        etag: `"${digest}"`,
      };
      const range = parseByteRange(exchange.request.headers.range, sizeBytes);
      if (range === "unsatisfiable") {
        throw new RegistryError("rangeUnsatisfiable", { headers: { "content-range": `bytes */${sizeBytes}` } });
      }
      if (range) {
        return {
          status: 206,
          headers: {
            ...headers,
            "content-length": range.end - range.start,
            "content-range": `bytes ${range.start}-${range.end - 1}/${sizeBytes}`,
          },
          body: () => store.blobs.read(digest, range),
        };
      }
      return {
        status: 200,
        headers: { ...headers, "content-length": sizeBytes },
        body: () => store.blobs.read(digest),
      };
    },

    async remove(exchange, digest) {
      requireLink(exchange, digest);
      await store.write(() => records.blobLinks.delete(keyIn(exchange.address, digest)));
      return { status: 202, headers: { "content-length": 0 } };
    },
  };
}
