/** Bodies of other programs in memory: never more than is asked for, and of a request never longer than it may take. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "./clock.ts";

/** The whole body, or undefined as soon as it is larger than `maxBytes`; the rest is then not read. */
export async function bytesWithin(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the call to the last byte. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * The whole body of a request, or the status to answer instead. The connection stays, so that the answer gets out; rejects
 * when the client went away.
 */
export function requestBody(
  request: IncomingMessage,
  { maxBytes, timeoutMs, clock }: BodyLimits,
): Promise<Buffer | 408 | 413> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (result: Buffer | 408 | 413): void => {
      timer.cancel();
      request.removeAllListeners("data");
      resolve(result);
    };
    const timer = clock.after(timeoutMs, () => end(408));
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) end(413);
      else chunks.push(chunk);
    });
    request.on("end", () => end(Buffer.concat(chunks)));
    request.on("error", reject);
    // Follows every end; after the body's it changes nothing.
    request.on("close", () => {
      timer.cancel();
      reject(new Error("the client went away"));
    });
  });
}
