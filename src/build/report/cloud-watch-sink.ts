/**
 * Writes a build's log to CloudWatch Logs as the service role, in batches: at least every 250 ms, one event a line, each
 * ending in a line end, as CodeBuild does. When the role may not write, the log stays silent (AWS's behaviour) and the
 * caller is told once.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (limits).
 */
import type { AwsCaller } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
import { LogLines } from "../../core/log-lines.ts";
import type { BuildEvent } from "../run/events.ts";
import { containerPrefix } from "./aws-lines.ts";

const FLUSH_AFTER_MS = 250;
const MAX_BATCH_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1_048_576;
/** PutLogEvents counts each event this much on top of its text. */
const EVENT_OVERHEAD_BYTES = 26;
const MAX_EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES;
/** As many UTF-16 units fit, whatever they are. */
const MAX_PIECE_LENGTH = Math.floor(MAX_EVENT_BYTES / 3);
/** Above this, the build's output waits until the log has caught up. */
const MAX_WAITING_BYTES = 8 * MAX_BATCH_BYTES;
/** Calls under way at once: the log store makes several durable together. They are made, and applied, in order. */
const MAX_CALLS = 4;

export interface CloudWatchSink {
  /** A returned promise asks the caller to wait. */
  write(event: BuildEvent): void | Promise<void>;
  /** Writes what is waiting and stops. */
  close(): Promise<void>;
}

export function createCloudWatchSink(input: {
  readonly caller: AwsCaller;
  readonly clock: Clock;
  readonly groupName: string;
  readonly streamName: string;
  /** The first PutLogEvents that failed; nothing is written after it. */
  onFailure(error: unknown): void;
}): CloudWatchSink {
  let batch = new LogLines();
  let batchBytes = 0;
  let waitingBytes = 0;
  let failed = false;
  const underWay: Promise<void>[] = [];
  let sending: Promise<void> = Promise.resolve();
  let timer: { cancel(): void } | undefined;

  const send = (): void => {
    timer?.cancel();
    timer = undefined;
    const events = batch;
    const bytes = batchBytes;
    batch = new LogLines();
    batchBytes = 0;
    if (events.length === 0) return;
    sending = sending.then(async () => {
      if (underWay.length >= MAX_CALLS) await underWay.shift();
      underWay.push(put(events, bytes));
    });
  };

  const put = async (events: LogLines, bytes: number): Promise<void> => {
    try {
      if (failed) return;
      await input.caller.call("logs", "PutLogEvents", {
        logGroupName: input.groupName,
        logStreamName: input.streamName,
        logEvents: events,
      });
    } catch (error) {
      if (!failed) input.onFailure(error);
      failed = true;
    } finally {
      waitingBytes -= bytes;
    }
  };

  /** Adds the lines of a text, each with its line end, cutting batches where they are full. */
  const add = (atMs: number, text: string): void => {
    const isAscii = Buffer.byteLength(text) === text.length;
    let lengths: number[] = [];
    let start = 0;
    let from = 0;
    const hand = (): void => {
      batch.add(atMs, text.slice(start, from), lengths);
      lengths = [];
      start = from;
    };
    while (from < text.length) {
      const to = endOfPiece(text, from, isAscii);
      const bytes = (isAscii ? to - from : Buffer.byteLength(text.slice(from, to))) + EVENT_OVERHEAD_BYTES;
      if (batch.length + lengths.length >= MAX_BATCH_EVENTS || batchBytes + bytes > MAX_BATCH_BYTES) {
        hand();
        send();
      }
      lengths.push(to - from);
      batchBytes += bytes;
      waitingBytes += bytes;
      from = to;
    }
    hand();
  };

  return {
    write(event) {
      if (failed || event.type !== "log") return;
      add(event.atMs, `${event.kind === "container" ? containerPrefix(event.atMs) : ""}${event.text}\n`);
      timer ??= input.clock.after(FLUSH_AFTER_MS, send);
      if (waitingBytes > MAX_WAITING_BYTES) return sending;
    },
    async close() {
      send();
      await sending;
      await Promise.all(underWay);
    },
  };
}

/** End of the line that begins at `from`, or of the piece of it that fits into one event; pieces in a row are the line. */
function endOfPiece(text: string, from: number, isAscii: boolean): number {
  const end = text.indexOf("\n", from) + 1;
  const limit = isAscii ? MAX_EVENT_BYTES : MAX_PIECE_LENGTH;
  if (end - from <= limit) return end;
  const isInsidePair = /[\ud800-\udbff]/.test(text.charAt(from + limit - 1));
  return from + limit - (isInsidePair ? 1 : 0);
}
