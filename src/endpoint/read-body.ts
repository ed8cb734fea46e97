/** Reads a request's body into memory, with limits on its size, on the time it may take, and on what all of them hold. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock.ts";
import { requestTimeout, requestTooLarge, tooMuchAtOnce } from "./errors.ts";

const NOTHING = Buffer.alloc(0);
const BODY_TIMEOUT_MS = 30_000;
const SWEEP_MS = 1_000;
/** Bodies on their way, all together; clients that send slowly could hold any amount otherwise. */
const MAX_HELD_BYTES = 128 * 1024 * 1024;
/** A chunk of one byte takes a hundred: as many as this become one. */
const MAX_LOOSE_CHUNKS = 1_024;

/** Gets the body, or an `AwsError` (413, 408), or an error of the connection when the client went away. */
export type BodyDone = (error: Error | undefined, body: Buffer) => void;

export type ReadBody = (request: IncomingMessage, maxBytes: number, done: BodyDone) => void;

/** A body that has not arrived yet. */
interface Waiting {
  readonly deadlineMs: number;
  /** Bytes that are here. */
  size: number;
  readonly fail: (error: Error) => void;
}

/** Calls `done` once, with callbacks and one timer for all bodies: most bodies are there in the turn of their head. */
export function createBodyReader(clock: Clock): ReadBody {
  const waiting = new Set<Waiting>();
  let heldBytes = 0;
  let isSweepDue = false;

  /** Who holds the most goes, so that large bodies never keep out small ones. */
  function failLargest(): void {
    let largest: Waiting | undefined;
    for (const one of waiting) if (largest === undefined || one.size > largest.size) largest = one;
    largest?.fail(tooMuchAtOnce(MAX_HELD_BYTES));
  }

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
    let joined: Buffer[] = [];
    const onData = (chunk: Buffer): void => {
      one.size += chunk.byteLength;
      heldBytes += chunk.byteLength;
      if (heldBytes > MAX_HELD_BYTES) failLargest();
      if (!waiting.has(one)) return;
      if (one.size > maxBytes) one.fail(requestTooLarge(maxBytes));
      else if (first === undefined) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else if (more.push(chunk) >= MAX_LOOSE_CHUNKS) {
        joined.push(Buffer.concat(more));
        more = [];
      }
    };
    const finish = (): boolean => {
      const isFirst = waiting.delete(one);
      if (isFirst) heldBytes -= one.size;
      return isFirst;
    };
    const onEnd = (): void => {
      if (finish()) done(undefined, more ? Buffer.concat([...joined, ...more]) : (first ?? NOTHING));
    };
    // Follows every end, the client's going away included.
    const onClose = (): void => {
      if (waiting.has(one)) one.fail(new Error("the client went away"));
    };
    const one: Waiting = {
      deadlineMs: clock.nowMs() + BODY_TIMEOUT_MS,
      size: 0,
      fail(error) {
        if (!finish()) return;
        request.off("data", onData);
        first = more = undefined;
        joined = [];
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
