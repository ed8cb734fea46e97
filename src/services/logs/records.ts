/**
 * What CloudWatch Logs keeps: groups, streams, and events in chunks; and the keys they are kept under. A big chunk lies in
 * a file (log-files.ts) and its record says where; in memory all of them are records.
 */
import type { AwsScope } from "../../core/arn.ts";
import { HOUR_MS } from "../../core/clock.ts";
import type { Collection, Key, Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { DataKeyCache, openSealed } from "./data-key-cache.ts";
import { groupNotFound, standardClassOnly, streamNotFound } from "./errors.ts";
import { type FilePlace, LogFiles } from "./log-files.ts";
import { unpackBatch } from "./packed-batch.ts";

/** Lead of the newest event that PutLogEvents takes. */
export const MAX_AHEAD_MS = 2 * HOUR_MS;

export interface LogGroupRecord {
  readonly groupName: string;
  readonly createdMs: number;
  readonly retentionDays?: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Absent: STANDARD. */
  readonly groupClass?: "INFREQUENT_ACCESS";
  /** The KMS key that new events are encrypted under. */
  readonly kmsKeyArn?: string;
  readonly isDeletionProtected?: true;
}

export interface LogStreamRecord {
  readonly streamName: string;
  /** 18 digits, unlike any other stream's; part of every event id. */
  readonly number: string;
  readonly createdMs: number;
  readonly firstEventMs?: number;
  readonly lastEventMs?: number;
  readonly lastIngestionMs?: number;
  /** Number of the next chunk. */
  readonly nextChunk: number;
  /** How many batches came; absent before the first, and in streams of old. */
  readonly batches?: number;
  /** True while every batch began at or after the end of the one before: then chunks are in order of time. */
  readonly isOrdered: boolean;
}

/** Facts of a chunk, kept apart so that looking for a time reads no messages. */
export interface ChunkHead {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
  readonly bytes: number;
  /** The file that the chunk is in. */
  readonly file?: string;
}

/** Many events in one record. Runs are `[count, value, count, value, …]`: neighbours mostly share their times. */
export interface Chunk {
  readonly messages: readonly string[];
  readonly timestampRuns: readonly number[];
  readonly ingestionRuns: readonly number[];
}

/** A chunk in a file. */
export interface StoredChunk {
  readonly place: FilePlace;
  /** Id of the data key that its bytes are encrypted with. */
  readonly dataKeyId?: string;
}

/** A small chunk of a group with a KMS key. */
export interface SealedChunk {
  /** Base64 of the encrypted batch. */
  readonly sealed: string;
  readonly dataKeyId: string;
}

/** A key that events of a group are encrypted with (kms-encryption.ts), itself encrypted by KMS. */
export interface DataKeyRecord {
  /** Base64 of KMS's ciphertext. */
  readonly wrapped: string;
  readonly kmsKeyArn: string;
  readonly createdMs: number;
}

export interface LogRecords {
  readonly groups: Collection<LogGroupRecord>;
  readonly streams: Collection<LogStreamRecord>;
  readonly heads: Collection<ChunkHead>;
  readonly chunks: Collection<Chunk | StoredChunk | SealedChunk>;
  /** By group, oldest first. */
  readonly dataKeys: Collection<DataKeyRecord>;
  readonly openKeys: DataKeyCache;
  /** Undefined in memory. */
  readonly files: LogFiles | undefined;
}

const opened = new WeakMap<Store, LogRecords>();

export function logRecords(store: Store): LogRecords {
  let records = opened.get(store);
  if (!records) {
    records = {
      groups: store.collection("log-groups"),
      streams: store.collection("log-streams"),
      heads: store.collection("log-chunk-heads"),
      chunks: store.collection("log-chunks"),
      dataKeys: store.collection("log-data-keys"),
      openKeys: new DataKeyCache(),
      files: store.stateDir === undefined ? undefined : new LogFiles(store),
    };
    opened.set(store, records);
  }
  return records;
}

export const groupsKey = (scope: AwsScope): Key => [scope.accountId, scope.region];
export const groupKey = (scope: AwsScope, groupName: string): Key => [scope.accountId, scope.region, groupName];
export const streamKey = (scope: AwsScope, groupName: string, streamName: string): Key => [
  ...groupKey(scope, groupName),
  streamName,
];
export const chunkKey = (stream: Key, chunk: number): Key => [...stream, String(chunk).padStart(10, "0")];

/** The group, or AWS's error. */
export function requireGroup(records: LogRecords, scope: AwsScope, groupName: string): LogGroupRecord {
  const group = records.groups.get(groupKey(scope, groupName));
  if (!group) throw groupNotFound();
  return group;
}

/** Throws AWS's error for a group whose class does not have the operation. */
export function requireStandardClass({ groupClass }: LogGroupRecord): void {
  if (groupClass !== undefined) throw standardClassOnly();
}

/** The stream, or AWS's error: the group is looked for first. */
export function requireStream(
  records: LogRecords,
  scope: AwsScope,
  groupName: string,
  streamName: string,
): LogStreamRecord {
  const stream = records.streams.get(streamKey(scope, groupName, streamName));
  if (stream) return stream;
  requireGroup(records, scope, groupName);
  throw streamNotFound();
}

/**
 * The events of a chunk, wherever they are; undefined when it was deleted meanwhile. For a group that has data keys
 * after `openDataKeys` (kms-encryption.ts).
 */
export function readChunk(records: LogRecords, key: Key, stream: LogStreamRecord): Chunk | undefined {
  const chunk = records.chunks.get(key);
  if (chunk === undefined || "messages" in chunk) return chunk;
  if ("sealed" in chunk) return openChunk(records, Buffer.from(chunk.sealed, "base64"), chunk.dataKeyId);
  try {
    return records.files && openChunk(records, records.files.read(stream.number, chunk.place), chunk.dataKeyId);
  } catch (error) {
    // Files go after the records: another process may have deleted the stream just now.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !records.chunks.has(key)) return undefined;
    throw error;
  }
}

/** The events in packed bytes, encrypted or not. */
export function openChunk(records: LogRecords, bytes: Buffer, dataKeyId: string | undefined): Chunk {
  return unpackBatch(dataKeyId === undefined ? bytes : openSealed(bytes, records.openKeys.require(dataKeyId)));
}

/** Changes the record of a group, or throws AWS's error where there is none. */
export async function changeGroup(
  { store, scope }: Pick<OperationContext, "store" | "scope">,
  groupName: string,
  change: (group: LogGroupRecord) => LogGroupRecord,
): Promise<void> {
  const records = logRecords(store);
  await store.write(() => {
    records.groups.put(groupKey(scope, groupName), change(requireGroup(records, scope, groupName)));
  });
}

/** Inside a write: removes a stream and its events. Their files go afterwards, with `LogFiles.remove`. */
export function deleteStream(records: LogRecords, key: Key): void {
  for (const head of records.heads.list(key)) {
    records.chunks.delete(head.key);
    records.heads.delete(head.key);
  }
  records.streams.delete(key);
}
