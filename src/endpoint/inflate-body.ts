/**
 * Unpacks the compressed body of a JSON request, before the pipeline looks at it. The signature is that of the bytes as
 * they came. AWS: agents (CloudWatch's, OpenTelemetry's) send PutLogEvents so.
 * Source: https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait (gzip is its only encoding)
 */
import { serializationException } from "../services/index.ts";
import { requestTooLarge } from "./errors.ts";
import type { Exchange } from "./exchange.ts";

/** What a body may become: as many bytes as one that is not compressed may have. */
const MAX_INFLATED_BYTES = 10 * 1024 * 1024;
/** A batch of log events fits into so much, however well it packs; what is larger must have been large when it came. */
const ANY_RATIO_BYTES = 2 * 1024 * 1024;
const MAX_RATIO = 50;

export const isCompressed = ({ headers }: Exchange["request"]): boolean =>
  headers["content-encoding"] !== undefined &&
  headers["x-amz-target"] !== undefined &&
  /^\s*gzip\s*$/i.test(headers["content-encoding"]);

let last: Promise<void> = Promise.resolve();

/**
 * Sets `exchange.inflated`; rejects with AWS's error for a body that does not parse, or that becomes too large. One after
 * the other: nobody has looked at the signatures yet, and ten thousand bytes become ten millions.
 */
export function inflateBody(exchange: Exchange): Promise<void> {
  const done = last.then(() => inflate(exchange));
  last = done.catch(() => undefined);
  return done;
}

async function inflate(exchange: Exchange): Promise<void> {
  const { gunzip } = await import("node:zlib");
  const maxOutputLength = Math.min(MAX_INFLATED_BYTES, Math.max(ANY_RATIO_BYTES, MAX_RATIO * exchange.body.byteLength));
  exchange.inflated = await new Promise((resolve, reject) => {
    gunzip(exchange.body, { maxOutputLength }, (error: NodeJS.ErrnoException | null, bytes) => {
      if (!error) resolve(bytes);
      else if (error.code === "ERR_BUFFER_TOO_LARGE") reject(requestTooLarge(maxOutputLength));
      else reject(serializationException());
    });
  });
}
