/** Reads a request's body into memory, with a limit on its size and on the time it may take. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock.ts";
import { requestTimeout, requestTooLarge } from "./errors.ts";

const NOTHING = Buffer.alloc(0);
const BODY_TIMEOUT_MS = 30_000;
const SWEEP_MS = 1_000;

/** Gets the body, or an `AwsError` (413, 408), or an error of the connection when the client went away. */
export type BodyDone = (error: Error | undefined, body: Buffer) => void;

export type ReadBody = (request: IncomingMessage, maxBytes: number, done: BodyDone) => void;

/** A body that has not arrived yet. */
interface Waiting {
  readonly deadlineMs: number;
  readonly fail: (error: Error) => void;
}

/** Calls `done` once, with callbacks and one timer for all bodies: most bodies are there in the turn of their head. */
export function createBodyReader(clock: Clock): ReadBody {
  const waiting = new Set<Waiting>();
  let isSweepDue = false;

  function sweep(): void {
    const nowMs = clock.nowMs();
    for (const one of waiting) if (one.deadlineMs <= nowMs) one.fail(requestTimeout());
    isSweepDue = waiting.size > 0;
    if (isSweepDue) clock.after(SWEEP_MS, sweep);
  }

  return (request, maxBytes, done) => {
    const { headers } = request;
    const announced = headers["content-length"];
    if (announced === undefined && headers["transfer-encoding"] === undefined) {
      request.resume();
      return done(undefined, NOTHING);
    }
    if (announced !== undefined && Number(announced) > maxBytes) return done(requestTooLarge(maxBytes), NOTHING);
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.byteLength;
      if (size > maxBytes) one.fail(requestTooLarge(maxBytes));
      else if (first === undefined) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else more.push(chunk);
    };
    const onEnd = (): void => {
      if (waiting.delete(one)) done(undefined, more ? Buffer.concat(more) : (first ?? NOTHING));
    };
    // Follows every end, the client's going away included.
    const onClose = (): void => {
      if (waiting.has(one)) one.fail(new Error("the client went away"));
    };
    const one: Waiting = {
      deadlineMs: clock.nowMs() + BODY_TIMEOUT_MS,
      fail(error) {
        if (!waiting.delete(one)) return;
        request.off("data", onData);
        done(error, NOTHING);
      },
    };
    waiting.add(one);
    if (!isSweepDue) clock.after(SWEEP_MS, sweep);
    isSweepDue = true;
    request.on("data", onData);
    request.on("end", onEnd);
    request.on("close", onClose);
  };
}
