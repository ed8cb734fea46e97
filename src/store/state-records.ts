/**
 * What a reset, a save and a restore do to the records. In a folder they work on connections of their own: the store's own
 * connection learns of it as it learns of other processes, reads the old state until the transaction is committed, and its
 * event loop is never kept for long: rows are copied some at a time. In memory the one connection does it all.
 */
import { closeSync, openSync } from "node:fs";
import { encodeKey } from "./record-key.ts";
import { RECORDS_TABLE, SCHEMA_VERSION } from "./schema.ts";
import { isBusy, type OpenDatabase, type SqlDatabase, type SqlRow } from "./sqlite-driver.ts";
import { CHECK_COLLECTION, GENERATION_KEY, KEPT_COLLECTIONS, STATE_COLLECTION } from "./state-collections.ts";
import { nextTurn } from "./state-files.ts";

const IS_STATE = `collection NOT IN (${KEPT_COLLECTIONS.map((name) => `'${name}'`).join(", ")})`;
const GENERATION_BYTES = Buffer.from(encodeKey(GENERATION_KEY));
const ROWS_AT_ONCE = 2_000;
/** How long the lock is asked for, in milliseconds, one try each. */
const LOCK_ATTEMPTS = 10_000;

export interface RecordTotals {
  readonly records: number;
  readonly bytes: number;
}

export interface StateRecords {
  /** Gives the generation of files that was in use before; so does `restore`. */
  reset(generation: string): Promise<string | undefined>;
  /** `whileLocked` runs while no process can change a record: what it sees fits what is saved. */
  save(id: string, path: string, whileLocked: () => Promise<void>): Promise<RecordTotals>;
  /** The saved check of the master key, sealed; throws SQLite's error when the copy is not whole. */
  checkOf(id: string, path: string): { readonly version: number; readonly sealed: string | undefined };
  restore(id: string, path: string, generation: string): Promise<string | undefined>;
  /** Forgets what `save` kept outside `path`. */
  drop(id: string): void;
}

const PUT =
  "INSERT INTO main.records (collection, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value";
/** Names the generation of files that goes with the records; gives the one before. */
const putGeneration = (database: SqlDatabase, generation: string): string | undefined => {
  const old = database
    .prepare("SELECT value FROM main.records WHERE collection = ? AND key = ?")
    .get(STATE_COLLECTION, GENERATION_BYTES);
  database.prepare(PUT).run(STATE_COLLECTION, GENERATION_BYTES, JSON.stringify(generation));
  return textIn(old);
};
const totalsOf = (database: SqlDatabase, from: string, ...values: string[]): RecordTotals => {
  const row = database
    .prepare(
      `SELECT COUNT(*) AS records, COALESCE(SUM(LENGTH(CAST(value AS BLOB)) + LENGTH(key)), 0) AS bytes FROM ${from} AND ${IS_STATE}`,
    )
    .get(...values) as SqlRow;
  return { records: Number(row["records"]), bytes: Number(row["bytes"]) };
};

/** `path` is that of the database. `alone` keeps this process's writes waiting meanwhile. */
export function folderRecords(openDatabase: OpenDatabase, databasePath: string, alone: Alone): StateRecords {
  const connected = async <R>(run: (database: SqlDatabase) => Promise<R>): Promise<R> => {
    const database = openDatabase(databasePath);
    try {
      database.exec("PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL");
      return await run(database);
    } finally {
      database.close();
    }
  };
  /** Runs `change` in one transaction; other processes and this one's store wait to write. */
  const changed = <R>(database: SqlDatabase, change: () => Promise<R>): Promise<R> =>
    alone(async () => {
      await beginImmediate(database);
      try {
        const result = await change();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        rollBack(database);
        throw error;
      }
    });
  const attach = (database: SqlDatabase, path: string): void => {
    database.prepare("ATTACH DATABASE ? AS snapshot").run(path);
  };

  return {
    reset: (generation) =>
      connected((database) =>
        changed(database, async () => {
          database.exec(`DELETE FROM records WHERE ${IS_STATE}`);
          return putGeneration(database, generation);
        }),
      ),

    save: (_id, path, whileLocked) =>
      connected((reader) =>
        connected(async (lock) => {
          closeSync(openSync(path, "wx", 0o600));
          attach(reader, path);
          reader.exec(`CREATE TABLE snapshot.${RECORDS_TABLE}; PRAGMA snapshot.user_version = ${SCHEMA_VERSION}`);
          await alone(async () => {
            await beginImmediate(lock);
            try {
              // The first read of a transaction decides what it sees until its end.
              reader.exec("BEGIN; SELECT 1 FROM main.records LIMIT 1");
              await whileLocked();
            } finally {
              rollBack(lock);
            }
          });
          await copyRows(reader, "main", "snapshot", "");
          reader.exec("COMMIT");
          return totalsOf(reader, "snapshot.records WHERE 1");
        }),
      ),

    checkOf(_id, path) {
      const database = openDatabase(path);
      try {
        const version = Number((database.prepare("PRAGMA user_version").get() as SqlRow)["user_version"]);
        const found = database.prepare("SELECT value FROM records WHERE collection = ?").get(CHECK_COLLECTION);
        return { version, sealed: textIn(found) };
      } finally {
        database.close();
      }
    },

    restore: (_id, path, generation) =>
      connected(async (database) => {
        attach(database, path);
        return changed(database, async () => {
          database.exec(`DELETE FROM main.records WHERE ${IS_STATE}`);
          await copyRows(database, "snapshot", "main", `AND ${IS_STATE}`);
          return putGeneration(database, generation);
        });
      }),

    drop() {},
  };
}

export type Alone = <R>(run: () => Promise<R>) => Promise<R>;

/** In memory saved records are rows of a second table. */
export function memoryRecords(database: SqlDatabase, alone: Alone): StateRecords {
  database.exec(
    "CREATE TABLE snapshots (id TEXT, collection TEXT, key BLOB, value TEXT, PRIMARY KEY (id, collection, key)) WITHOUT ROWID",
  );
  const forget = (id: string): void => void database.prepare("DELETE FROM snapshots WHERE id = ?").run(id);
  const replace = (generation: string, fill: () => void): Promise<string | undefined> =>
    alone(async () => {
      database.exec("BEGIN");
      try {
        database.exec(`DELETE FROM records WHERE ${IS_STATE}`);
        fill();
        const old = putGeneration(database, generation);
        database.exec("COMMIT");
        return old;
      } catch (error) {
        rollBack(database);
        throw error;
      }
    });
  return {
    reset: (generation) => replace(generation, () => {}),
    save: (id, _path, whileLocked) =>
      alone(async () => {
        database.prepare("INSERT INTO snapshots SELECT ?, collection, key, value FROM records").run(id);
        try {
          await whileLocked();
          return totalsOf(database, "snapshots WHERE id = ?", id);
        } catch (error) {
          forget(id);
          throw error;
        }
      }),
    checkOf: () => ({ version: SCHEMA_VERSION, sealed: undefined }),
    restore: (id, _path, generation) =>
      replace(generation, () => {
        database
          .prepare(`INSERT INTO records SELECT collection, key, value FROM snapshots WHERE id = ? AND ${IS_STATE}`)
          .run(id);
      }),
    drop: forget,
  };
}

/** Copies all rows, some at a time, inside the transaction that is open. */
async function copyRows(database: SqlDatabase, from: string, to: string, only: string): Promise<void> {
  const bound = database.prepare(
    `SELECT collection, key FROM ${from}.records WHERE (collection, key) > (?, ?) ORDER BY collection, key LIMIT 1 OFFSET ${ROWS_AT_ONCE - 1}`,
  );
  const insert = `INSERT INTO ${to}.records SELECT collection, key, value FROM ${from}.records WHERE (collection, key) > (?, ?)`;
  const some = database.prepare(`${insert} AND (collection, key) <= (?, ?) ${only}`);
  let after: [string, Buffer] = ["", Buffer.alloc(0)];
  for (;;) {
    const row = bound.get(...after) as SqlRow | undefined;
    if (!row) break;
    const last: [string, Buffer] = [row["collection"] as string, Buffer.from(row["key"] as ArrayBuffer)];
    some.run(...after, ...last);
    after = last;
    await nextTurn();
  }
  database.prepare(`${insert} ${only}`).run(...after);
}

/** Takes the write lock, without keeping the event loop while another has it. */
async function beginImmediate(database: SqlDatabase): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      database.exec("BEGIN IMMEDIATE");
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === LOCK_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

function rollBack(database: SqlDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has already ended the transaction.
  }
}

function textIn(row: unknown): string | undefined {
  const value = (row as SqlRow | undefined)?.["value"];
  return typeof value === "string" ? (JSON.parse(value) as string) : undefined;
}
