/**
 * PutLogEvents. Builds write up to 100 MB/s through it, so a batch is one chunk, not a record an event: a big one goes into
 * the stream's file, a small one joins the last record while that is small. Sequence tokens are accepted and ignored, as
 * on AWS since 2023.
 */
import { DAY_MS } from "../../core/clock.ts";
import { LogLines } from "../../core/log-lines.ts";
import type { Key } from "../../store/store.ts";
import { operation } from "../service.ts";
import { onStream } from "./access.ts";
import { newIv, seal } from "./data-key-cache.ts";
import { groupNotFound, invalidParameter, kmsKeyRefused, streamNotFound } from "./errors.ts";
import { pushRun } from "./events.ts";
import { dataKeyForWriting } from "./kms-encryption.ts";
import type { FilePlace } from "./log-files.ts";
import { packBatch, partsOf } from "./packed-batch.ts";
import {
  type Chunk,
  type ChunkHead,
  chunkKey,
  type LogRecords,
  type LogStreamRecord,
  logRecords,
  MAX_AHEAD_MS,
  openChunk,
  requireGroup,
  requireStream,
  type SealedChunk,
  type StoredChunk,
  streamKey,
} from "./records.ts";
import { isSweepDue, sweepExpired } from "./retention.ts";
import type { InputLogEvent, PutLogEventsRequest, PutLogEventsResponse, RejectedLogEventsInfo } from "./shapes.gen.ts";
import { sequenceToken } from "./streams.ts";

const MAX_BATCH_BYTES = 1_048_576;
const MAX_EVENT_BYTES = 1_048_576;
/** AWS counts this much for each event besides its text. */
const EVENT_OVERHEAD_BYTES = 26;
const MAX_AGE_MS = 14 * DAY_MS;
/** Bigger batches go into a file. */
const RECORD_BELOW_BYTES = 32 * 1024;
/** Up to this size the last record takes further events. */
const JOIN_BELOW_BYTES = 32 * 1024;

export const putLogEvents = operation<PutLogEventsRequest, PutLogEventsResponse>({
  name: "PutLogEvents",
  support: "partial",
  gaps: ["`entity` is accepted and not kept"],
  source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html",
  authorize: (input, context) => onStream("PutLogEvents", input.logGroupName, input.logStreamName, context),
  errors: [groupNotFound, streamNotFound, invalidParameter, kmsKeyRefused],
  async run(input, context) {
    const { store, scope, clock, ids } = context;
    if (isSweepDue(context)) await sweepExpired(context);
    const nowMs = clock.nowMs();
    const given: readonly InputLogEvent[] | LogLines = input.logEvents;
    const bytes = given instanceof LogLines ? checkLines(given) : checkBatch(given);
    const records = logRecords(store);
    const group = requireGroup(records, scope, input.logGroupName);
    const { number } = requireStream(records, scope, input.logGroupName, input.logStreamName);
    const { accepted, rejected } = screen(given, nowMs, group.retentionDays);
    const { length: count } = accepted;
    const [firstMs, lastMs] =
      accepted instanceof LogLines
        ? [accepted.firstMs, accepted.lastMs]
        : [accepted[0]?.timestamp ?? nowMs, accepted.at(-1)?.timestamp ?? nowMs];
    checkSpan(lastMs - firstMs);
    const batch: Batch = { events: accepted, count, firstMs, lastMs, bytes, nowMs };
    const key = streamKey(scope, input.logGroupName, input.logStreamName);
    const sealing =
      group.kmsKeyArn === undefined || count === 0
        ? undefined
        : { ...(await dataKeyForWriting(group, group.kmsKeyArn, context)), newIv: () => newIv(ids) };

    /** Undefined when the file that the batch is in was removed before a record could name it. */
    async function keep(): Promise<LogStreamRecord | undefined> {
      // What comes after a batch on its way to the file must not overtake it.
      const inFile = records.files && (bytes > RECORD_BELOW_BYTES || records.files.isBusy(number));
      const place =
        inFile && count > 0
          ? await records.files.append(number, pack(batch, sealing), () => ids.alphanumeric(16), nowMs)
          : undefined;
      return store.write(() => {
        const current = requireStream(records, scope, input.logGroupName, input.logStreamName);
        if (count === 0) return current;
        if (place && records.files?.hasNow(number, place) === false) return undefined;
        return append(records, key, current, place ? { ...batch, stored: storedAt(place, sealing) } : batch, sealing);
      });
    }

    const stream = (await keep()) ?? (await keep());
    if (!stream) throw new Error("the log file of a batch was removed twice before its record was written");
    return { nextSequenceToken: sequenceToken(stream), ...(rejected && { rejectedLogEventsInfo: rejected }) };
  },
});

/** How the events of a group with a KMS key are encrypted. */
interface Sealing {
  readonly id: string;
  readonly key: Uint8Array;
  newIv(): Uint8Array;
}

const storedAt = (place: FilePlace, sealing: Sealing | undefined): StoredChunk => ({
  place,
  ...(sealing && { dataKeyId: sealing.id }),
});

/** The same for lines that Kiln itself made, which are in order. */
function checkLines(lines: LogLines): number {
  const bytes = lines.bytes.length + lines.length * EVENT_OVERHEAD_BYTES;
  checkSize(bytes);
  return bytes;
}

/** Bytes of the batch as AWS counts them; throws for batches it refuses as a whole. */
function checkBatch(events: readonly InputLogEvent[]): number {
  let bytes = 0;
  let previousMs = 0;
  for (const event of events) {
    if (event.timestamp < previousMs) {
      throw invalidParameter("Log events in a single PutLogEvents request must be in chronological order.");
    }
    previousMs = event.timestamp;
    const eventBytes = Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    if (eventBytes > MAX_EVENT_BYTES) {
      throw invalidParameter(`Log event too large: ${eventBytes} bytes exceeds limit of ${MAX_EVENT_BYTES}`);
    }
    bytes += eventBytes;
  }
  checkSize(bytes);
  return bytes;
}

function checkSize(bytes: number): void {
  if (bytes > MAX_BATCH_BYTES) {
    throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`);
  }
}

/** AWS: of the events that are neither too old nor too new. */
function checkSpan(spanMs: number): void {
  if (spanMs > DAY_MS) {
    throw invalidParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  }
}

/** Drops events that are too old or too new; the batch is in order, so they are at its ends. */
function screen(
  given: readonly InputLogEvent[] | LogLines,
  nowMs: number,
  retentionDays: number | undefined,
): { accepted: readonly InputLogEvent[] | LogLines; rejected: RejectedLogEventsInfo | undefined } {
  const oldestMs = nowMs - MAX_AGE_MS;
  const expiredMs = retentionDays === undefined ? 0 : nowMs - retentionDays * DAY_MS;
  const newestMs = nowMs + MAX_AHEAD_MS;
  const isIn = (first: number, last: number): boolean => first >= Math.max(oldestMs, expiredMs) && last <= newestMs;
  if (given instanceof LogLines && isIn(given.firstMs, given.lastMs)) return { accepted: given, rejected: undefined };
  const events = given instanceof LogLines ? [...given] : given;
  if (isIn(events[0]?.timestamp ?? nowMs, events.at(-1)?.timestamp ?? nowMs)) {
    return { accepted: events, rejected: undefined };
  }
  const countBefore = (limitMs: number): number => events.filter((event) => event.timestamp < limitMs).length;
  const tooOld = countBefore(oldestMs);
  const expired = countBefore(expiredMs);
  const tooNew = events.findIndex((event) => event.timestamp > newestMs);
  const end = tooNew < 0 ? events.length : tooNew;
  return {
    accepted: events.slice(Math.max(tooOld, expired), end),
    rejected: {
      ...(tooNew >= 0 && { tooNewLogEventStartIndex: tooNew }),
      ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
      ...(expired > tooOld && { expiredLogEventEndIndex: expired }),
    },
  };
}

interface Batch {
  readonly events: Iterable<InputLogEvent>;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly bytes: number;
  readonly nowMs: number;
  /** Where the events are already, when they are in a file. */
  readonly stored?: StoredChunk;
}

/** Inside a write: stores the events and returns the stream as it is then. */
function append(
  records: LogRecords,
  key: Key,
  stream: LogStreamRecord,
  batch: Batch,
  sealing: Sealing | undefined,
): LogStreamRecord {
  const { count, firstMs, lastMs, bytes, nowMs, stored } = batch;
  const isInOrder = firstMs >= (stream.lastEventMs ?? 0);
  const last = isInOrder && stream.nextChunk > 0 ? chunkKey(key, stream.nextChunk - 1) : undefined;
  const lastHead = last && records.heads.get(last);
  const joins = !stored && last !== undefined && lastHead !== undefined && takesMore(lastHead, bytes, lastMs);
  const chunk = joins ? joinable(records, records.chunks.get(last), sealing) : undefined;
  const target = chunk && last ? last : chunkKey(key, stream.nextChunk);
  records.chunks.put(target, stored ?? (sealing ? sealed(extend(chunk, batch), sealing) : extend(chunk, batch)));
  records.heads.put(target, {
    firstMs: chunk && lastHead ? lastHead.firstMs : firstMs,
    lastMs,
    count: (chunk && lastHead ? lastHead.count : 0) + count,
    bytes: (chunk && lastHead ? lastHead.bytes : 0) + bytes,
    ...(stored && { file: stored.place.file }),
  });
  const next: LogStreamRecord = {
    ...stream,
    firstEventMs: Math.min(stream.firstEventMs ?? firstMs, firstMs),
    lastEventMs: Math.max(stream.lastEventMs ?? lastMs, lastMs),
    lastIngestionMs: nowMs,
    nextChunk: chunk ? stream.nextChunk : stream.nextChunk + 1,
    batches: (stream.batches ?? stream.nextChunk) + 1,
    isOrdered: stream.isOrdered && isInOrder,
  };
  records.streams.put(key, next);
  return next;
}

/** The last chunk's events, if it is a record that is encrypted as the new events are to be. */
function joinable(
  records: LogRecords,
  chunk: Chunk | StoredChunk | SealedChunk | undefined,
  sealing: Sealing | undefined,
): Chunk | undefined {
  if (chunk === undefined || "place" in chunk) return undefined;
  if ("messages" in chunk) return sealing ? undefined : chunk;
  return chunk.dataKeyId === sealing?.id
    ? openChunk(records, Buffer.from(chunk.sealed, "base64"), chunk.dataKeyId)
    : undefined;
}

const sealed = (chunk: Chunk, { id, key, newIv: iv }: Sealing): SealedChunk => ({
  sealed: seal(packBatch(partsOf(chunk)), key, iv()).toString("base64"),
  dataKeyId: id,
});

/** A chunk never spans more than a day, so that looking for a time stays cheap. */
const takesMore = (head: ChunkHead, bytes: number, lastMs: number): boolean =>
  head.bytes + bytes <= JOIN_BELOW_BYTES && lastMs - head.firstMs <= DAY_MS;

function pack(batch: Batch, sealing: Sealing | undefined): Buffer {
  const packed = packPlain(batch);
  return sealing ? seal(packed, sealing.key, sealing.newIv()) : packed;
}

function packPlain(batch: Batch): Buffer {
  const { events, count, nowMs } = batch;
  if (!(events instanceof LogLines)) return packBatch(partsOf(extend(undefined, batch)));
  const { lengths, timestampRuns } = events;
  return packBatch({ text: events.bytes, lengths, timestampRuns, ingestionRuns: [count, nowMs] });
}

function extend(chunk: Chunk | undefined, { events, count, nowMs }: Batch): Chunk {
  const messages = chunk ? [...chunk.messages] : [];
  const timestampRuns = chunk ? [...chunk.timestampRuns] : [];
  const ingestionRuns = chunk ? [...chunk.ingestionRuns] : [];
  for (const event of events) {
    messages.push(event.message);
    pushRun(timestampRuns, event.timestamp);
  }
  pushRun(ingestionRuns, nowMs, count);
  return { messages, timestampRuns, ingestionRuns };
}
