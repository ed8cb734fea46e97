/**
 * Writes a build's log to CloudWatch Logs as the service role, in batches: at least every 250 ms, one event a line, each
 * ending in a line end, as CodeBuild does. When the role may not write, the log stays silent (AWS's behaviour) and the
 * caller is told once.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (limits).
 */
import type { AwsCaller } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
import type { BuildEvent } from "../run/events.ts";
import { awsLines } from "./aws-lines.ts";

const FLUSH_AFTER_MS = 250;
const MAX_BATCH_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1_048_576;
/** PutLogEvents counts each event this much on top of its text. */
const EVENT_OVERHEAD_BYTES = 26;
const MAX_EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES;
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

  const add = (timestamp: number, line: string): void => {
    const message = `${line.length > MAX_EVENT_BYTES / 3 ? cut(line) : line}\n`;
    const bytes = Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
    if (batch.length >= MAX_BATCH_EVENTS || batchBytes + bytes > MAX_BATCH_BYTES) send();
    batch.push({ timestamp, message });
    batchBytes += bytes;
    waitingBytes += bytes;
  };

  return {
    write(event) {
      if (failed || event.type !== "log") return;
      for (const line of awsLines(event)) add(event.atMs, line);
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

/** A line that would break the limit of one event, shortened at a character. */
function cut(line: string): string {
  const bytes = Buffer.from(line);
  return bytes.length < MAX_EVENT_BYTES ? line : new TextDecoder().decode(bytes.subarray(0, MAX_EVENT_BYTES - 4));
}
