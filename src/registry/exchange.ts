/**
 * One request of the distribution API as its handlers see it, and the answer they give back as data. registry.ts is the
 * only file that writes to the socket.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Principal } from "../core/aws.ts";
import { bytesWithin } from "../core/bounded-body.ts";
import type { EcrDataPlane } from "./ecr/data-plane.ts";
import type { Images } from "./images.ts";
import type { RepositoryAddress, RequestOrigin } from "./repository-address.ts";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly address: RepositoryAddress;
  /** The repository as the client writes it: locations are given in the same words. */
  readonly nameInUrl: string;
  readonly origin: RequestOrigin;
  readonly images: Images;
  /** For repositories of ECR. */
  readonly ecr: EcrDataPlane;
  /** The IAM principal that asks, where it is one. */
  readonly puller: Principal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Sent whole, or chunk by chunk, the next when the last has been written. Left out for HEAD by registry.ts. */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array> | (() => NodeJS.ReadableStream);
}

export const jsonAnswer = (value: unknown, headers: Answer["headers"] = {}, status = 200): Answer => {
  const body = JSON.stringify(value);
  return {
    status,
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers },
    body,
  };
};

/** The body as it arrives. Leaving the loop early keeps the connection, so that the answer still gets out. */
export const chunksOf = (request: Readable): AsyncIterable<Buffer> =>
  request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;

/** The whole body of a request, or undefined when it is larger than `maxBytes`. */
export const readBody = (request: Readable, maxBytes: number): Promise<Buffer | undefined> =>
  bytesWithin(chunksOf(request), maxBytes);
