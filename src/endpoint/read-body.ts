/** Reads a request's body into memory, with a limit on its size and on the time it may take. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock.ts";
import { requestTimeout, requestTooLarge } from "./errors.ts";

const NOTHING = Buffer.alloc(0);
const BODY_TIMEOUT_MS = 30_000;

/** Rejects with an `AwsError` (413, 408), or with the connection's error when the client went away. */
export function readBody(request: IncomingMessage, maxBytes: number, clock: Clock): Promise<Buffer> {
  const { headers } = request;
  const announced = headers["content-length"];
  if (announced === undefined && headers["transfer-encoding"] === undefined) {
    request.resume();
    return Promise.resolve(NOTHING);
  }
  if (announced !== undefined && Number(announced) > maxBytes) return Promise.reject(requestTooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.after(BODY_TIMEOUT_MS, () => fail(requestTimeout()));
    const fail = (error: Error): void => {
      timer.cancel();
      request.off("data", onData);
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.byteLength;
      if (size > maxBytes) fail(requestTooLarge(maxBytes));
      else chunks.push(chunk);
    };
    request.on("data", onData);
    request.on("error", fail);
    request.on("aborted", () => fail(new Error("the client went away")));
    request.on("end", () => {
      timer.cancel();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
  });
}
