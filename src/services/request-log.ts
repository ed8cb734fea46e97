/**
 * What was decided about calls, kept in the store so that `kiln explain <request id>` and `kiln policy <build id>` can
 * read it later and from another process: every denied call and every call of a role session, the newest 5,000.
 * Written by the dispatcher. Denials are durable before their answer leaves; the rest is written in batches behind the
 * answers, so reads pay nothing. A crash may lose the last fraction of a second of allowed calls.
 */
import type { DecisionRecord } from "../authorize/decision.ts";
import type { Clock } from "../core/clock.ts";
import { debug } from "../core/log.ts";
import type { Store } from "../store/store.ts";

export interface DecisionFilter {
  readonly requestId?: string;
  /** Name of a role session; a build's is `AWSCodeBuild-<uuid>`. */
  readonly sessionName?: string;
}

export interface RequestLog {
  /** Resolves once the record is durable; the log never fails a call. */
  recordNow(record: DecisionRecord): Promise<void>;
  /** Keeps the record and writes it soon. */
  recordSoon(record: DecisionRecord): void;
  /** Matching records, oldest first; all of them without a filter. */
  find(filter: DecisionFilter): DecisionRecord[];
  /** Writes what is waiting. */
  flush(): Promise<void>;
}

const MAX_RECORDS = 5_000;
const FLUSH_AFTER_MS = 200;
const FLUSH_AT_RECORDS = 256;

/** `["slot"]`: how many records were ever written; the slot of a record is that number modulo MAX_RECORDS. */
const COUNT_KEY = ["count"];

export function createRequestLog(options: { store: Store; clock: Clock; maxRecords?: number }): RequestLog {
  const { store, clock, maxRecords = MAX_RECORDS } = options;
  const counters = store.collection<number>("request-log-count");
  const records = store.collection<DecisionRecord>("request-log");
  const index = store.collection<string>("request-log-index");
  let waiting: DecisionRecord[] = [];
  let writing: readonly DecisionRecord[] = [];
  let timer: { cancel(): void } | undefined;
  let writes: Promise<void> = Promise.resolve();

  /** Runs inside a write. The oldest record gives its slot to the new one. */
  function put(record: DecisionRecord, count: number): void {
    const slot = String(count % maxRecords).padStart(5, "0");
    const previous = records.get([slot]);
    if (previous) for (const key of indexKeys(previous, slot)) index.delete(key);
    records.put([slot], record);
    for (const key of indexKeys(record, slot)) index.put(key, slot);
  }

  function indexKeys(record: DecisionRecord, slot: string): string[][] {
    const keys = [["request", record.requestId, timeKey(record.atMs), slot]];
    const sessionName = sessionNameOf(record.principalArn);
    if (sessionName !== undefined) keys.push(["session", sessionName, timeKey(record.atMs), slot]);
    return keys;
  }

  async function write(batch: readonly DecisionRecord[]): Promise<void> {
    try {
      await store.write(() => {
        let count = counters.get(COUNT_KEY) ?? 0;
        for (const record of batch) put(record, count++);
        counters.put(COUNT_KEY, count);
      });
    } catch (error) {
      debug("endpoint", () => `request log not written: ${String(error)}`);
    }
  }

  function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    if (waiting.length === 0) return writes;
    const batch = waiting;
    waiting = [];
    writes = writes.then(async () => {
      writing = batch;
      await write(batch);
      writing = [];
    });
    return writes;
  }

  return {
    recordNow: (record) => write([record]),
    recordSoon(record) {
      waiting.push(record);
      if (waiting.length >= FLUSH_AT_RECORDS) void flush();
      else timer ??= clock.after(FLUSH_AFTER_MS, () => void flush());
    },
    find(filter) {
      const stored = slotsOf(filter).flatMap((slot) => records.get([slot]) ?? []);
      const known = new Set(stored.map((record) => `${record.requestId} ${record.atMs}`));
      const pending = [...writing, ...waiting].filter((record) => !known.has(`${record.requestId} ${record.atMs}`));
      return [...stored, ...pending].filter((record) => matches(record, filter)).sort((a, b) => a.atMs - b.atMs);
    },
    flush,
  };

  function slotsOf(filter: DecisionFilter): string[] {
    if (filter.requestId !== undefined) return index.list(["request", filter.requestId]).map((entry) => entry.value);
    if (filter.sessionName !== undefined)
      return index.list(["session", filter.sessionName]).map((entry) => entry.value);
    return records.list([]).map((entry) => entry.key[0] as string);
  }
}

const timeKey = (atMs: number): string => String(atMs).padStart(16, "0");

function matches(record: DecisionRecord, filter: DecisionFilter): boolean {
  if (filter.requestId !== undefined && record.requestId !== filter.requestId) return false;
  return filter.sessionName === undefined || sessionNameOf(record.principalArn) === filter.sessionName;
}

/** Session name of `arn:aws:sts::<account>:assumed-role/<role>/<session>`, undefined for other principals. */
function sessionNameOf(principalArn: string): string | undefined {
  return principalArn.includes(":assumed-role/") ? principalArn.slice(principalArn.lastIndexOf("/") + 1) : undefined;
}
