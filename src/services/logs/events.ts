/**
 * Reads events of a stream in their order: by time, then by arrival. An event's place is a text of 56 digits that
 * sorts as the events do: time (14), stream (18), chunk (14), index in the chunk (10). Event ids and page tokens are
 * such places.
 */
import type { Key } from "../../store/store.ts";
import { type Chunk, type ChunkHead, chunkKey, type LogRecords, type LogStreamRecord, readChunk } from "./records.ts";

export interface StoredEvent {
  readonly timestampMs: number;
  readonly ingestionMs: number;
  readonly message: string;
  /** 56 digits. */
  readonly place: string;
}

/** Which events are wanted: `startMs` and after, before `endMs`, strictly beyond a place. */
export interface EventRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly after?: string;
  readonly before?: string;
}

export const FIRST_PLACE = "0".repeat(56);
const PLACE = /^\d{56}$/;

export const isPlace = (text: string): boolean => PLACE.test(text);

export const placeOf = (timestampMs: number, streamNumber: string, chunk: number, index: number): string =>
  `${digits(timestampMs, 14)}${streamNumber}${digits(chunk, 14)}${digits(index, 10)}`;

/** The place just behind (`1n`) or before (`-1n`): a range that ends there, or begins there, has the event at the place. */
export function neighbour(place: string, step: 1n | -1n): string {
  const value = BigInt(place) + step;
  return value < 0n ? place : String(value).padStart(place.length, "0");
}

const digits = (value: number, width: number): string => String(value).padStart(width, "0");
const timeOfPlace = (place: string): number => Number(place.slice(0, 14));

/** Events in order, or in the opposite order when `backward`; chunks are read one by one as they are needed. */
export function* eventsOf(
  records: LogRecords,
  key: Key,
  stream: LogStreamRecord,
  range: EventRange,
  backward = false,
): Generator<StoredEvent> {
  const heads = records.heads
    .list(key, seekBehind(key, stream, range))
    .map((entry) => ({ number: Number(entry.key.at(-1)), head: entry.value }))
    .filter(({ head }) => overlaps(head, range));
  if (stream.isOrdered) {
    if (backward) heads.reverse();
    for (const { number } of heads) {
      const events = eventsOfChunk(readChunk(records, chunkKey(key, number), stream), stream, number, range);
      yield* backward ? events.reverse() : events;
    }
    return;
  }
  const all = heads.flatMap(({ number }) =>
    eventsOfChunk(readChunk(records, chunkKey(key, number), stream), stream, number, range),
  );
  all.sort((a, b) => (a.place < b.place ? -1 : 1));
  yield* backward ? all.reverse() : all;
}

/** Events in the order of their arrival, from an event of a chunk on; chunks are read one by one as they are needed. */
export function* arrivals(
  records: LogRecords,
  key: Key,
  stream: LogStreamRecord,
  from: { readonly chunk: number; readonly count: number },
): Generator<StoredEvent> {
  for (let number = from.chunk; number < stream.nextChunk; number++) {
    const chunk = readChunk(records, chunkKey(key, number), stream);
    const events = eventsOfChunk(chunk, stream, number, { startMs: 0, endMs: Number.POSITIVE_INFINITY });
    yield* number === from.chunk ? events.slice(from.count) : events;
  }
}

/** In an ordered stream the place says which chunk to go on with. */
function seekBehind(key: Key, stream: LogStreamRecord, { after }: EventRange): { after?: Key } {
  if (after === undefined || !stream.isOrdered || after.slice(14, 32) !== stream.number) return {};
  const chunk = Number(after.slice(32, 46));
  return chunk > 0 ? { after: chunkKey(key, chunk - 1) } : {};
}

function overlaps(head: ChunkHead, range: EventRange): boolean {
  if (head.lastMs < range.startMs || head.firstMs >= range.endMs) return false;
  if (range.after !== undefined && head.lastMs < timeOfPlace(range.after)) return false;
  return range.before === undefined || head.firstMs <= timeOfPlace(range.before);
}

function eventsOfChunk(
  chunk: Chunk | undefined,
  stream: LogStreamRecord,
  number: number,
  range: EventRange,
): StoredEvent[] {
  // Deleted between the reading of its head and now.
  if (!chunk) return [];
  const { messages } = chunk;
  const timestamps = expandRuns(chunk.timestampRuns);
  const ingestions = expandRuns(chunk.ingestionRuns);
  const events: StoredEvent[] = [];
  for (let index = 0; index < messages.length; index++) {
    const timestampMs = timestamps[index] as number;
    if (timestampMs < range.startMs || timestampMs >= range.endMs) continue;
    const place = placeOf(timestampMs, stream.number, number, index);
    if (range.after !== undefined && place <= range.after) continue;
    if (range.before !== undefined && place >= range.before) continue;
    events.push({ timestampMs, ingestionMs: ingestions[index] as number, message: messages[index] as string, place });
  }
  return events;
}

/** `[2, 7, 1, 9]` → `[7, 7, 9]`. */
function expandRuns(runs: readonly number[]): number[] {
  const values: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    for (let count = runs[i] as number; count > 0; count--) values.push(runs[i + 1] as number);
  }
  return values;
}

/** Appends a value to runs. */
export function pushRun(runs: number[], value: number, count = 1): void {
  if (runs.length > 0 && runs.at(-1) === value) runs[runs.length - 2] = (runs.at(-2) as number) + count;
  else runs.push(count, value);
}
