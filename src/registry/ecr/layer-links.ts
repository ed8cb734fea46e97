/**
 * Pre-signed addresses of layers, as GetDownloadUrlForLayer gives them: whoever has the address may read the layer for an
 * hour, without credentials. What it allows is sealed under the store's master key, so nothing is kept.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html
 */
import { type Clock, HOUR_MS } from "../../core/clock.ts";
import type { Store } from "../../store/store.ts";
import { parseByteRange } from "../byte-range.ts";
import { RegistryError } from "../errors.ts";
import type { Answer } from "../exchange.ts";
import { keyIn, type RegistryRecords } from "../records.ts";
import { addressOf, type RepositoryAddress } from "../repository-address.ts";

/** Below `/v2/`, where no repository's name can be. */
const LAYER_PATH = "/v2/_kiln/layers/";
const LIFETIME_MS = HOUR_MS;
const CONTEXT = "registry/ecr-layer-link";

interface Link {
  readonly host: string;
  readonly name: string;
  readonly digest: string;
  readonly expiresAtMs: number;
}

export interface LayerLinks {
  /** The address of a layer, or undefined when the repository does not have it. */
  urlOf(address: RepositoryAddress, digest: string): string | undefined;
  /** What a request for such an address is answered; undefined when the path is another. */
  answer(pathname: string, range: string | undefined): Answer | undefined;
}

export function createLayerLinks({
  store,
  records,
  clock,
  endpointUrl,
}: {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly clock: Clock;
  readonly endpointUrl: () => string;
}): LayerLinks {
  const linkIn = (pathname: string): Link => {
    try {
      const sealed = Buffer.from(pathname.slice(LAYER_PATH.length), "base64url").toString("base64");
      return JSON.parse(store.unseal(sealed, CONTEXT).toString("utf8")) as Link;
    } catch {
      throw new RegistryError("denied", { message: "the address of the layer is not one that was given out" });
    }
  };

  return {
    urlOf({ host, name }, digest) {
      if (!records.blobLinks.has([host, name, digest])) return undefined;
      const link: Link = { host, name, digest, expiresAtMs: clock.nowMs() + LIFETIME_MS };
      const sealed = store.seal(Buffer.from(JSON.stringify(link)), CONTEXT);
      return `${endpointUrl()}${LAYER_PATH}${Buffer.from(sealed, "base64").toString("base64url")}`;
    },

    answer(pathname, range) {
      if (!pathname.startsWith(LAYER_PATH)) return undefined;
      const { host, name, digest, expiresAtMs } = linkIn(pathname);
      if (expiresAtMs <= clock.nowMs()) throw new RegistryError("denied", { message: "Request has expired" });
      const address = addressOf(host, name);
      const blob = address && records.blobLinks.get(keyIn(address, digest));
      if (!blob) throw new RegistryError("blobUnknown", { detail: { digest } });
      const part = parseByteRange(range, blob.sizeBytes);
      if (part === "unsatisfiable") throw new RegistryError("rangeUnsatisfiable");
      const { start, end } = part ?? { start: 0, end: blob.sizeBytes };
      return {
        status: part ? 206 : 200,
        headers: {
          "content-type": "application/octet-stream",
          "content-length": end - start,
          "accept-ranges": "bytes",
          ...(part && { "content-range": `bytes ${start}-${end - 1}/${blob.sizeBytes}` }),
        },
        body: () => store.blobs.read(digest, part),
      };
    },
  };
}
