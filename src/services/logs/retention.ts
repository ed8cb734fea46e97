/**
 * What a group's retention still shows, and the deleting of what it no longer shows: events are hidden when they expire,
 * and go, with the files that they were in, when the service is next called after that (at most once an hour is looked).
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
import { DAY_MS, HOUR_MS } from "../../core/clock.ts";
import { debug } from "../../core/log.ts";
import type { Entry, Key, Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { deleteOldDataKeys } from "./kms-encryption.ts";
import { type ChunkHead, type LogGroupRecord, type LogRecords, type LogStreamRecord, logRecords } from "./records.ts";

const SWEEP_EVERY_MS = HOUR_MS;
const PAGE = 200;

/** Events before this time have expired. */
export const visibleFromMs = (group: LogGroupRecord, nowMs: number): number =>
  group.retentionDays === undefined ? 0 : nowMs - group.retentionDays * DAY_MS;

const sweptAtMs = new WeakMap<Store, number>();

/** True when it is time to look for what has expired; then `sweepExpired` is to be called. */
export function isSweepDue({ store, clock }: Pick<OperationContext, "store" | "clock">): boolean {
  const sinceMs = clock.nowMs() - (sweptAtMs.get(store) ?? Number.NEGATIVE_INFINITY);
  return sinceMs >= SWEEP_EVERY_MS || sinceMs < 0;
}

/** Deletes the expired events of every group, or of one. Never rejects: what is left is done the next time. */
export async function sweepExpired(
  { store, clock }: Pick<OperationContext, "store" | "clock">,
  prefix: Key = [],
): Promise<void> {
  const nowMs = clock.nowMs();
  if (prefix.length === 0) sweptAtMs.set(store, nowMs);
  const records = logRecords(store);
  try {
    for (const group of records.groups.list(prefix)) {
      const { retentionDays } = group.value;
      if (retentionDays === undefined) continue;
      const fromMs = visibleFromMs(group.value, nowMs);
      for (const stream of records.streams.list(group.key)) await sweepStream(store, stream, fromMs);
      if (records.dataKeys.count(group.key) > 0) {
        await store.write(() => deleteOldDataKeys(records, group.key, retentionDays * DAY_MS, nowMs));
      }
    }
  } catch (error) {
    debug("endpoint", () => `expired log events were not deleted: ${String(error)}`);
  }
}

async function sweepStream(
  store: Store,
  { key, value: stream }: Entry<LogStreamRecord>,
  fromMs: number,
): Promise<void> {
  if ((stream.firstEventMs ?? fromMs) >= fromMs) return;
  const records = logRecords(store);
  const files = new Set<string>();
  // A page at a time: a write keeps others waiting.
  for (let isMore = true; isMore; ) {
    isMore = false;
    if (expiredChunks(records, key, stream, fromMs).length === 0) break;
    await store.write(() => {
      const expired = expiredChunks(records, key, stream, fromMs);
      for (const { key: chunk, value: head } of expired) {
        records.chunks.delete(chunk);
        records.heads.delete(chunk);
        if (head.file !== undefined) files.add(head.file);
      }
      isMore = expired.length === PAGE;
    });
  }
  if (files.size > 0) await removeFiles(store, key, stream, files);
}

function expiredChunks(records: LogRecords, key: Key, stream: LogStreamRecord, fromMs: number): Entry<ChunkHead>[] {
  const heads = stream.isOrdered ? records.heads.list(key, { limit: PAGE }) : records.heads.list(key);
  return heads.filter(({ value }) => value.lastMs < fromMs).slice(0, PAGE);
}

/** The files that no chunk is in any more. Inside a write: who appends looks there whether its file is still there. */
async function removeFiles(store: Store, key: Key, stream: LogStreamRecord, files: ReadonlySet<string>): Promise<void> {
  const records = logRecords(store);
  await store.write(() => {
    const used = new Set(records.heads.list(key).map(({ value }) => value.file));
    for (const file of files) if (!used.has(file)) records.files?.removeNow(stream.number, file);
  });
}
