/**
 * The table of records (schema.ts) on one connection: reads, ranges, and changes in bulk. Used by sqlite-store.ts, which
 * says when, and inside which transaction. Throws what SQLite throws.
 */
import type { CacheEntry } from "./record-cache.ts";
import { decodeKey, rangeOf } from "./record-key.ts";
import { isBusy, type SqlDatabase, type SqlRow, type SqlStatement, type SqlValue } from "./sqlite-driver.ts";
import type { Entry, Key, ListOptions } from "./store.ts";

/** One record as a change leaves it. */
export interface RecordChange {
  readonly collection: string;
  /** Encoded (record-key.ts). */
  readonly key: string;
  readonly entry: CacheEntry;
}

/** Rows of one INSERT: each call into SQLite costs more than a row does. */
const ROWS_AT_ONCE = 8;
/** Readers wait only while another process recovers the log of a dead one or ends as the last: for some milliseconds. */
const READ_PAUSE_MS = 2;
const READ_ATTEMPTS = 2_500;

export class RecordTable {
  readonly #get: SqlStatement;
  readonly #put: SqlStatement;
  readonly #putMany: SqlStatement;
  readonly #delete: SqlStatement;
  readonly #list: SqlStatement;
  readonly #listReverse: SqlStatement;
  readonly #count: SqlStatement;
  readonly #dataVersion: SqlStatement;

  constructor(database: SqlDatabase) {
    const one = "collection = ? AND key = ?";
    const range = "collection = ? AND key >= ? AND key < ?";
    const list = `SELECT key, value FROM records WHERE ${range} ORDER BY key`;
    const put = (rows: number): string =>
      `INSERT INTO records (collection, key, value) VALUES ${Array(rows).fill("(?, ?, ?)").join(", ")} ON CONFLICT DO UPDATE SET value = excluded.value`;
    this.#get = database.prepare(`SELECT value FROM records WHERE ${one}`);
    this.#put = database.prepare(put(1));
    this.#putMany = database.prepare(put(ROWS_AT_ONCE));
    this.#delete = database.prepare(`DELETE FROM records WHERE ${one}`);
    this.#list = database.prepare(`${list} LIMIT ?`);
    this.#listReverse = database.prepare(`${list} DESC LIMIT ?`);
    this.#count = database.prepare(`SELECT COUNT(*) AS count FROM records WHERE ${range}`);
    this.#dataVersion = database.prepare("PRAGMA data_version");
  }

  /** The text of the record with this encoded key. */
  textOf(collection: string, key: string): string | undefined {
    const row = patiently(() => this.#get.get(collection, Buffer.from(key))) as SqlRow | undefined;
    return row?.["value"] as string | undefined;
  }

  /** As `Collection.list`. */
  list<T>(collection: string, prefix: Key, options: ListOptions): Entry<T>[] {
    const { from, to } = rangeOf(prefix, options);
    const statement = options.reverse ? this.#listReverse : this.#list;
    return (patiently(() => statement.all(collection, from, to, options.limit ?? -1)) as SqlRow[]).map(entryOf<T>);
  }

  count(collection: string, prefix: Key): number {
    const { from, to } = rangeOf(prefix, {});
    return Number((patiently(() => this.#count.get(collection, from, to)) as SqlRow)["count"]);
  }

  /** Inside a transaction. */
  apply(changes: Iterable<RecordChange>): void {
    let rows: SqlValue[] = [];
    for (const { collection, key, entry } of changes) {
      if (entry.text === undefined) this.#delete.run(collection, Buffer.from(key));
      else rows.push(collection, Buffer.from(key), entry.text);
      if (rows.length === 3 * ROWS_AT_ONCE) {
        this.#putMany.run(...rows);
        rows = [];
      }
    }
    for (let i = 0; i < rows.length; i += 3) this.#put.run(...rows.slice(i, i + 3));
  }

  /** Another one after each commit of another connection (https://www.sqlite.org/pragma.html#pragma_data_version). */
  dataVersion(): unknown {
    return (patiently(() => this.#dataVersion.get()) as SqlRow)["data_version"];
  }
}

/** Reads are synchronous: the few that find the database locked try again in short slices. */
function patiently<R>(read: () => R): R {
  for (let attempt = 1; ; attempt++) {
    try {
      return read();
    } catch (error) {
      if (!isBusy(error) || attempt === READ_ATTEMPTS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READ_PAUSE_MS);
    }
  }
}

const entryOf = <T>(row: SqlRow): Entry<T> => ({
  key: decodeKey(row["key"] as Uint8Array | ArrayBuffer),
  value: JSON.parse(row["value"] as string) as T,
});
