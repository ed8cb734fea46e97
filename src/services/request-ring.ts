/**
 * The newest records of one kind in the store, for the request log. Records are kept in segments, as many as were written
 * at once, so that a stream of calls costs one row and no index a batch; what its calls have in common is written once. The
 * key of a segment is the number of its first record, so segments are in the order of their writing.
 */
import type { DecisionRecord } from "../authorize/decision.ts";
import type { Key, Store } from "../store/store.ts";

export interface RequestRing {
  /** Only inside `Store.write`. */
  put(records: readonly DecisionRecord[]): void;
  /** Segments, newest first; in each the oldest record first. */
  newestFirst(): Iterable<readonly DecisionRecord[]>;
}

/** A record without what is its own. */
type Decided = Omit<DecisionRecord, "requestId" | "atMs">;

/** What is stored: calls by id and time, and what was decided about each, which many of them share. */
interface Segment {
  readonly decided: readonly Decided[];
  readonly calls: readonly (readonly [requestId: string, atMs: number, decided: number])[];
}

/** Numbers of the next record and of the first one that is still there. */
interface RingState {
  readonly next: number;
  readonly oldest: number;
}

const MAX_SEGMENT = 1_000;
const SEGMENTS_AT_ONCE = 20;

/** `maxRecords` may be passed by less than a segment: whole segments are dropped. */
export function createRequestRing(store: Store, kind: string, maxRecords: number): RequestRing {
  const states = store.collection<RingState>("requests-state");
  const segments = store.collection<Segment>(`requests-${kind}`);
  /** Sizes of segments with more than one record, so that dropping one need not read it. */
  const sizes = store.collection<number>(`requests-${kind}-sizes`);

  function put(records: readonly DecisionRecord[]): void {
    let { next, oldest } = states.get([kind]) ?? { next: 0, oldest: 0 };
    for (let at = 0; at < records.length; at += MAX_SEGMENT) {
      const segment = records.slice(at, at + MAX_SEGMENT);
      segments.put(keyOf(next), packed(segment));
      if (segment.length > 1) sizes.put(keyOf(next), segment.length);
      next += segment.length;
    }
    for (;;) {
      const key = keyOf(oldest);
      const size = sizes.get(key) ?? 1;
      if (next - (oldest + size) < maxRecords) break;
      segments.delete(key);
      if (size > 1) sizes.delete(key);
      oldest += size;
    }
    states.put([kind], { next, oldest });
  }

  function* newestFirst(): Iterable<readonly DecisionRecord[]> {
    for (let after: Key | undefined; ; ) {
      const page = segments.list([], { reverse: true, limit: SEGMENTS_AT_ONCE, ...(after && { after }) });
      for (const { value } of page) yield unpacked(value);
      after = page.at(-1)?.key;
      if (page.length < SEGMENTS_AT_ONCE || !after) return;
    }
  }

  return { put, newestFirst };
}

const keyOf = (number: number): Key => [String(number).padStart(12, "0")];

/** Records that share their decisions (request-log.ts sees to it) share all else, too. */
function packed(records: readonly DecisionRecord[]): Segment {
  const places = new Map<Decided["decisions"], number>();
  const decided: Decided[] = [];
  const calls = records.map(({ requestId, atMs, ...rest }) => {
    let place = places.get(rest.decisions);
    if (place === undefined) {
      place = decided.push(rest) - 1;
      places.set(rest.decisions, place);
    }
    return [requestId, atMs, place] as const;
  });
  return { decided, calls };
}

const unpacked = ({ decided, calls }: Segment): readonly DecisionRecord[] =>
  calls.map(([requestId, atMs, place]) => ({ requestId, atMs, ...(decided[place] as Decided) }));
