/**
 * Takes in the body of an S3 request: as a stream where the operation takes an object, else whole. Runs after the
 * signature of the head was found good; what the head says of the body is checked here or while the stream is read.
 */
import type { Clock } from "../core/clock.ts";
import type { Exchange } from "./exchange.ts";
import type { ReadBody } from "./read-body.ts";
import { incomingBody } from "./s3-body.ts";
import { contentHashMismatch } from "./s3-errors.ts";
import { sha256Hex } from "./sigv4.ts";

/** A thousand keys to delete, ten thousand parts to put together. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** Event of a request whose client waits for leave to send its body (`Expect: 100-continue`). */
export const CONTINUE = "kiln-continue";

export function createReceive(readBody: ReadBody, clock: Clock): (exchange: Exchange) => void | Promise<void> {
  return (exchange) => {
    const { request, target, caller } = exchange;
    const signed = caller?.s3;
    if (!signed) throw new Error("the body of a request that was not authenticated for S3");
    const { contentHash, signing } = signed;
    const begin = (): void => void request.emit(CONTINUE);
    if (target?.model?.input?.payload?.shape.isStreaming) {
      exchange.stream = incomingBody(request, { contentHash, signing, clock, begin });
      return undefined;
    }
    begin();
    return new Promise((resolve, reject) => {
      readBody(request, MAX_DOCUMENT_BYTES, (error, body) => {
        if (error) return reject(error);
        exchange.body = body;
        const computed = /^[0-9a-f]{64}$/.test(contentHash) ? sha256Hex(body) : contentHash;
        if (computed === contentHash) resolve();
        else reject(contentHashMismatch(contentHash, computed));
      });
    });
  };
}
