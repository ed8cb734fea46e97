/**
 * Keyed JSON records in one SQLite table, with group commit: all `write`s of one turn of the event loop share one
 * transaction and one fsync, each in its own savepoint. Adapter of the port in store.ts; opened by open-store.ts.
 * WAL and synchronous=FULL: a resolved `write` survives `kill -9` and power loss (https://www.sqlite.org/wal.html).
 */

import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { openSealed, sealBytes } from "./master-key.ts";
import type { SqlDatabase, SqlRow, SqlStatement } from "./sqlite-driver.ts";
import { stateFolderError } from "./state-folder.ts";
import type { BlobStore, Collection, Entry, Key, Store } from "./store.ts";

export interface SqliteStoreParts {
  /** A connection whose schema is up to date (schema.ts). The store closes it. */
  readonly database: SqlDatabase;
  readonly masterKey: Buffer;
  readonly blobs: BlobStore;
  readonly ids: Ids;
  readonly stateDir: string | undefined;
  /** Runs once, after the database is closed. */
  readonly onClose?: () => void;
}

/** One event-loop turn's writes, waiting for the commit. */
type Turn = { readonly resolve: () => void; readonly reject: (error: Error) => void }[];

export class SqliteStore implements Store {
  readonly blobs: BlobStore;
  readonly stateDir: string | undefined;
  readonly #database: SqlDatabase;
  readonly #masterKey: Buffer;
  readonly #ids: Ids;
  readonly #onClose: (() => void) | undefined;
  readonly #collections = new Map<string, Collection<unknown>>();
  readonly #statements: Record<"get" | "put" | "delete" | "list" | "listReverse", SqlStatement>;
  #turn: Turn | undefined;
  #isChanging = false;
  #isClosed = false;

  constructor(parts: SqliteStoreParts) {
    this.#database = parts.database;
    this.#masterKey = parts.masterKey;
    this.#ids = parts.ids;
    this.#onClose = parts.onClose;
    this.blobs = parts.blobs;
    this.stateDir = parts.stateDir;
    const range = "SELECT key, value FROM records WHERE collection = ? AND key >= ? AND key < ? ORDER BY key";
    this.#statements = {
      get: parts.database.prepare("SELECT value FROM records WHERE collection = ? AND key = ?"),
      put: parts.database.prepare(
        "INSERT INTO records (collection, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      ),
      delete: parts.database.prepare("DELETE FROM records WHERE collection = ? AND key = ?"),
      list: parts.database.prepare(`${range} LIMIT ?`),
      listReverse: parts.database.prepare(`${range} DESC LIMIT ?`),
    };
  }

  collection<T>(name: string): Collection<T> {
    const known = this.#collections.get(name);
    if (known) return known as Collection<T>;
    const collection = this.#makeCollection<T>(name);
    this.#collections.set(name, collection as Collection<unknown>);
    return collection;
  }

  write<R>(change: () => R): Promise<R> {
    if (this.#isClosed) return Promise.reject(new Error("write on a closed store"));
    if (this.#isChanging) return Promise.reject(new Error("write inside a write: change everything in one function"));
    let turn: Turn;
    try {
      turn = this.#turn ?? this.#beginTurn();
      this.#database.exec("SAVEPOINT change");
    } catch (error) {
      return Promise.reject(this.#explain(error));
    }
    let result: R;
    this.#isChanging = true;
    try {
      result = change();
      if (result instanceof Promise) throw new Error("the function given to write must not be asynchronous");
      this.#database.exec("RELEASE change");
    } catch (error) {
      this.#undoChange(turn, error);
      return Promise.reject(this.#explain(error));
    } finally {
      this.#isChanging = false;
    }
    return new Promise<R>((resolve, reject) => turn.push({ resolve: () => resolve(result), reject }));
  }

  seal(plaintext: Uint8Array, context: string): string {
    return sealBytes(this.#masterKey, this.#ids.bytes(12), plaintext, context);
  }

  unseal(sealed: string, context: string): Buffer {
    return openSealed(this.#masterKey, sealed, context);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#turn) this.#commitTurn(this.#turn);
    this.#isClosed = true;
    try {
      this.#database.close();
    } finally {
      this.#onClose?.();
    }
  }

  #beginTurn(): Turn {
    // IMMEDIATE: takes the write lock now, so that a later statement cannot fail because another process wrote first.
    this.#database.exec("BEGIN IMMEDIATE");
    const turn: Turn = [];
    this.#turn = turn;
    setImmediate(() => {
      if (this.#turn === turn) this.#commitTurn(turn);
    });
    return turn;
  }

  #commitTurn(turn: Turn): void {
    this.#turn = undefined;
    try {
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rejectTurn(turn, error);
      return;
    }
    debug("store", () => `committed ${turn.length} writes`);
    for (const write of turn) write.resolve();
  }

  #undoChange(turn: Turn, error: unknown): void {
    try {
      this.#database.exec("ROLLBACK TO change; RELEASE change");
    } catch {
      // A full disk or an I/O error makes SQLite roll back the whole transaction: the turn's other writes are lost too.
      if (this.#turn === turn) this.#turn = undefined;
      this.#rejectTurn(turn, error);
    }
  }

  #rejectTurn(turn: Turn, error: unknown): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has already ended the transaction.
    }
    for (const write of turn) write.reject(this.#explain(error));
  }

  #explain(error: unknown): Error {
    return stateFolderError(error, this.stateDir) ?? (error as Error);
  }

  #makeCollection<T>(name: string): Collection<T> {
    const { get, put, delete: remove, list, listReverse } = this.#statements;
    const inWrite = (): void => {
      if (!this.#isChanging) throw new Error(`collection ${name}: put and delete only inside Store.write`);
    };
    const find = (key: Key): SqlRow | undefined => {
      try {
        return get.get(name, encodeKey(key)) as SqlRow | undefined;
      } catch (error) {
        throw this.#explain(error);
      }
    };
    return {
      get(key) {
        const row = find(key);
        return row === undefined ? undefined : (JSON.parse(row["value"] as string) as T);
      },
      has: (key) => find(key) !== undefined,
      list: (prefix, options = {}) => {
        const { from, to } = rangeOf(prefix, options);
        const statement = options.reverse ? listReverse : list;
        try {
          return (statement.all(name, from, to, options.limit ?? -1) as SqlRow[]).map(entryOf<T>);
        } catch (error) {
          throw this.#explain(error);
        }
      },
      put(key, value) {
        inWrite();
        put.run(name, encodeKey(key), JSON.stringify(value));
      },
      delete(key) {
        inWrite();
        remove.run(name, encodeKey(key));
      },
    };
  }
}

/** Each part is followed by U+0000: keys sort by parts, and a prefix of parts is a prefix of bytes. */
function encodeKey(key: Key): Buffer {
  let text = "";
  for (const part of key) {
    if (part.includes("\u0000")) throw new Error(`key part holds U+0000: ${JSON.stringify(part)}`);
    text += `${part}\u0000`;
  }
  return Buffer.from(text);
}

const decodeKey = (bytes: Uint8Array | ArrayBuffer): Key =>
  Buffer.from(bytes as ArrayBuffer)
    .toString()
    .split("\u0000")
    .slice(0, -1);

/** The half-open range of encoded keys: everything under `prefix`, beyond `after` in the direction of travel. */
function rangeOf(
  prefix: Key,
  options: { readonly reverse?: boolean; readonly after?: Key },
): { from: Buffer; to: Buffer } {
  let from = encodeKey(prefix);
  let to: Buffer;
  if (from.length === 0) to = Buffer.of(0xff);
  else {
    to = Buffer.from(from);
    to[to.length - 1] = 1;
  }
  if (options.after) {
    const after = encodeKey(options.after);
    // A bound outside the prefix must not widen the range.
    if (options.reverse) to = Buffer.compare(after, to) < 0 ? after : to;
    else if (Buffer.compare(after, from) >= 0) from = Buffer.concat([after, Buffer.of(0)]);
  }
  return { from, to };
}

const entryOf = <T>(row: SqlRow): Entry<T> => ({
  key: decodeKey(row["key"] as Uint8Array | ArrayBuffer),
  value: JSON.parse(row["value"] as string) as T,
});
