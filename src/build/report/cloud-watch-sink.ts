/**
 * Writes a build's log to CloudWatch Logs as the service role, in batches: at least every 250 ms, one event a line, each
 * ending in a line end, as CodeBuild does. When the role may not write, the log stays silent (AWS's behaviour) and the
 * caller is told once.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (limits).
 */
import type { AwsCaller } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
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

interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

export function createCloudWatchSink(input: {
  readonly caller: AwsCaller;
  readonly clock: Clock;
  readonly groupName: string;
  readonly streamName: string;
  /** The first PutLogEvents that failed; nothing is written after it. */
  onFailure(error: unknown): void;
}): CloudWatchSink {
  let batch: LogEvent[] = [];
  let batchBytes = 0;
  let waitingBytes = 0;
  let atMs = 0;
  let failed = false;
  const underWay: Promise<void>[] = [];
  let sending: Promise<void> = Promise.resolve();
  let timer: { cancel(): void } | undefined;

  const send = (): void => {
    timer?.cancel();
    timer = undefined;
    const events = batch;
    const bytes = batchBytes;
    batch = [];
    batchBytes = 0;
    if (events.length === 0) return;
    sending = sending.then(async () => {
      if (underWay.length >= MAX_CALLS) await underWay.shift();
      underWay.push(put(events, bytes));
    });
  };

  const put = async (events: readonly LogEvent[], bytes: number): Promise<void> => {
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

  const add = (timestamp: number, message: string, isAscii: boolean): void => {
    const bytes = (isAscii ? message.length : Buffer.byteLength(message)) + EVENT_OVERHEAD_BYTES;
    if (batch.length >= MAX_BATCH_EVENTS || batchBytes + bytes > MAX_BATCH_BYTES) send();
    batch.push({ timestamp, message });
    batchBytes += bytes;
    waitingBytes += bytes;
  };

  return {
    write(event) {
      if (failed || event.type !== "log") return;
      const text = `${event.kind === "container" ? containerPrefix(event.atMs) : ""}${event.text}\n`;
      // Events must be in order of time, also when the machine's clock is set back.
      atMs = Math.max(atMs, event.atMs);
      const isAscii = Buffer.byteLength(text) === text.length;
      for (let from = 0; from < text.length; ) {
        const to = text.indexOf("\n", from) + 1;
        const line = text.slice(from, to);
        if (line.length <= MAX_PIECE_LENGTH) add(atMs, line, isAscii);
        else for (const piece of pieces(line, isAscii)) add(atMs, piece, isAscii);
        from = to;
      }
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

/** A line that breaks the limit of one event, in as many pieces as it takes; their texts in a row are the line. */
function pieces(line: string, isAscii: boolean): string[] {
  const parts: string[] = [];
  const size = isAscii ? MAX_EVENT_BYTES : MAX_PIECE_LENGTH;
  for (let from = 0; from < line.length; ) {
    const isInsidePair = /[\ud800-\udbff]/.test(line.charAt(from + size - 1));
    const to = from + size - (isInsidePair ? 1 : 0);
    parts.push(line.slice(from, to));
    from = to;
  }
  return parts;
}
