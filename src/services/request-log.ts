/**
 * The request log: every call that policies decided, kept in the store so that `kiln requests`, `kiln explain <request id>`
 * and `kiln policy <build id>` can read it later and from another process. Policies decide nothing for the root user, so
 * root's calls are not here unless they were denied, or the control API had a hand in them. Written by the dispatcher.
 * A denied call is durable before its answer leaves. The rest (allowed calls, denied items of a batch, denials by the
 * registry) is written in batches behind the answers; a crash may lose the last second of it. Of each kind (denied calls,
 * calls of role sessions, other calls) the newest records are kept, those that wait to be written included, so a busy user
 * takes no room from a build.
 */
import type { DecisionRecord } from "../authorize/decision.ts";
import { callerOf, outcomeOf, recordIdentity } from "../authorize/decision-record.ts";
import { type Clock, MINUTE_MS } from "../core/clock.ts";
import { debug } from "../core/log.ts";
import type { Store } from "../store/store.ts";
import { type DecisionFilter, recordMatcher } from "./request-filter.ts";
import { createRequestRing, type RequestRing } from "./request-ring.ts";

export interface RequestLog {
  /** Resolves once the record is durable; the log never fails a call. */
  recordNow(record: DecisionRecord): Promise<void>;
  /** Keeps the record and writes it soon. */
  recordSoon(record: DecisionRecord): void;
  /** Matching records, oldest first; all of them without a filter. */
  find(filter: DecisionFilter): DecisionRecord[];
  /** Writes what is waiting. */
  flush(): Promise<void>;
  /** Drops what is waiting: the state that it was about is no more. */
  forget(): Promise<void>;
}

/** Records that wait, by the ring that they go to. */
type Batch = Map<RequestRing, DecisionRecord[]>;

/** Records of each kind. */
const MAX_RECORDS = 5_000;
/** Of each kind, beyond those that are kept. */
const MOST_WAITING_MORE = 1_000;
const FLUSH_AFTER_MS = 200;
/** Under a stream of calls: each write waits for the disk. */
const FLUSH_EVERY_MS = 1_000;
/** Calls of two processes are not in the order of their writing; by so much they may differ. */
const OUT_OF_ORDER_MS = MINUTE_MS;

export function createRequestLog(options: { store: Store; clock: Clock; maxRecords?: number }): RequestLog {
  const { store, clock, maxRecords = MAX_RECORDS } = options;
  const denied = createRequestRing(store, "denied", maxRecords);
  const ofRoles = createRequestRing(store, "roles", maxRecords);
  const others = createRequestRing(store, "others", maxRecords);
  const rings = [denied, ofRoles, others];
  let waiting: Batch = new Map();
  /** Of the records that wait, one of each that say the same. */
  const alike = new Map<string, DecisionRecord>();
  let writing: Batch = new Map();
  let timer: { cancel(): void } | undefined;
  let lastFlushMs = Number.NEGATIVE_INFINITY;
  let writes: Promise<void> = Promise.resolve();

  function ringOf(record: DecisionRecord): RequestRing {
    if (outcomeOf(record) === "denied") return denied;
    return callerOf(record.principalArn).role === undefined ? others : ofRoles;
  }

  /** Most calls repeat others: what they have in common is kept once in memory, and written once. */
  function sharing(record: DecisionRecord): DecisionRecord {
    const text = textOf(record);
    const same = alike.get(text);
    if (same) return { ...same, requestId: record.requestId, atMs: record.atMs };
    alike.set(text, record);
    return record;
  }

  async function write(batch: Batch): Promise<void> {
    try {
      await store.write(() => {
        for (const [ring, records] of batch) ring.put(records);
      });
    } catch (error) {
      debug("endpoint", () => `request log not written: ${String(error)}`);
    }
  }

  function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    if (waiting.size === 0) return writes;
    const batch = waiting;
    waiting = new Map();
    alike.clear();
    lastFlushMs = clock.nowMs();
    writes = writes.then(async () => {
      writing = batch;
      await write(batch);
      writing = new Map();
    });
    return writes;
  }

  function find(filter: DecisionFilter): DecisionRecord[] {
    const matches = recordMatcher(filter);
    const stored = rings.flatMap((ring) => newestOf(ring, filter, matches));
    const known = new Set(stored.map(recordIdentity));
    const unwritten = [...writing.values(), ...waiting.values()].flat();
    const pending = unwritten.filter((record) => matches(record) && !known.has(recordIdentity(record)));
    const found = [...stored, ...pending].sort((a, b) => a.atMs - b.atMs);
    return filter.limit === undefined ? found : found.slice(Math.max(0, found.length - filter.limit));
  }

  return {
    recordNow: (record) => write(new Map([[ringOf(record), [record]]])),
    recordSoon(record) {
      const ring = ringOf(record);
      const own = waiting.get(ring) ?? [];
      own.push(sharing(record));
      waiting.set(ring, own);
      // More than are kept are not written: a flood of calls costs the memory of few more records.
      if (own.length >= maxRecords + MOST_WAITING_MORE) {
        waiting.set(ring, own.slice(-maxRecords));
        alike.clear();
      }
      if (timer) return;
      const sinceFlushMs = Math.max(0, clock.nowMs() - lastFlushMs);
      const delayMs = Math.max(FLUSH_AFTER_MS, FLUSH_EVERY_MS - sinceFlushMs);
      timer = clock.after(delayMs, () => void flush());
    },
    find,
    flush,
    forget() {
      timer?.cancel();
      timer = undefined;
      waiting = new Map();
      alike.clear();
      return writes;
    },
  };
}

/** The matching records of a ring, oldest first; with a limit or a start, without reading what is older. */
function newestOf(ring: RequestRing, filter: DecisionFilter, matches: (record: DecisionRecord) => boolean) {
  const { sinceMs = Number.NEGATIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = filter;
  const found: DecisionRecord[][] = [];
  let count = 0;
  for (const segment of ring.newestFirst()) {
    const own = segment.filter(matches);
    found.push(own);
    count += own.length;
    const newestMs = segment.at(-1)?.atMs ?? 0;
    if (count >= limit || newestMs < sinceMs - OUT_OF_ORDER_MS) break;
  }
  return found.reverse().flat();
}

/** The same text for records that say the same, cheaper than their JSON. */
function textOf(record: DecisionRecord): string {
  const { service, operation, principalArn, calledVia, errorCode, lenientKey, injectedFault } = record;
  let text = `${service} ${operation} ${principalArn} ${calledVia} ${errorCode} ${lenientKey} ${injectedFault}`;
  for (const { effect, action, resource, message, trace } of record.decisions) {
    text += `\n${effect} ${action} ${resource} ${message}`;
    for (const { policyName, index, sid, effect: said } of trace) text += `\n ${said} ${index} ${sid} ${policyName}`;
  }
  return text;
}
