/**
 * Keyed JSON records in one SQLite table, with group commit: all `write`s of one turn of the event loop, of a few while
 * many write, share one transaction and one fsync. Adapter of the port in store.ts; opened by open-store.ts.
 * WAL and synchronous=FULL: a resolved `write` survives `kill -9` and power loss (https://www.sqlite.org/wal.html).
 *
 * Changes are kept in memory until the turn ends and reach SQLite together; the write lock is taken before the first of
 * them is computed, so what a change reads cannot be changed by another process before it is committed. Reads come from
 * a cache (record-cache.ts), checked against SQLite's `data_version` once per turn: a read sees everything that other
 * processes had committed when the turn began (https://www.sqlite.org/pragma.html#pragma_data_version).
 */
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { openSealed, sealBytes } from "./master-key.ts";
import { type CacheEntry, parsedValue, RecordCache } from "./record-cache.ts";
import { encodeKey } from "./record-key.ts";
import { type RecordChange, RecordTable } from "./record-table.ts";
import type { Snapshots } from "./snapshots.ts";
import { isBusy, type SqlDatabase } from "./sqlite-driver.ts";
import { placeGuard, stateFolderError } from "./state-folder.ts";
import type { BlobStore, Collection, Key, SnapshotInfo, StateFolder, Store } from "./store.ts";

export interface SqliteStoreParts {
  /** A connection whose schema is up to date (schema.ts). The store closes it. */
  readonly database: SqlDatabase;
  readonly masterKey: Buffer;
  readonly blobs: BlobStore;
  readonly ids: Ids;
  readonly stateDir: string | undefined;
  readonly folder: (name: StateFolder) => string;
  /** Called once, when first needed; `alone` lets no write of this store run meanwhile. */
  readonly openSnapshots: (alone: <R>(run: () => Promise<R>) => Promise<R>) => Promise<Snapshots>;
  /** Runs once, after the database is closed. */
  readonly onClose?: () => void;
}

/** The writes of a commit: of one turn of the event loop, or of a few. */
interface Turn {
  readonly writes: { readonly resolve: () => void; readonly reject: (error: Error) => void }[];
  /** Changes that SQLite has not seen yet, the newest of each record. */
  readonly pending: Map<string, RecordChange>;
}

/** A write that could not begin: another process has the lock, or the state is being replaced. */
interface WaitingWrite {
  readonly run: () => void;
  readonly reject: (error: Error) => void;
}

/** Where a record is: its encoded key, and its name in the cache and among the changes of a turn. */
interface Place {
  readonly collection: string;
  readonly key: Key;
  readonly text: string;
  readonly id: string;
}

/** So many turns of the event loop more, the commit waits for more writes when the last one held several. */
const TURNS_TO_GATHER = 2;
const LOCK_PAUSE_MS = 1;
/** After as many pauses, ten seconds or more, a write that waits for the lock is refused. */
const LOCK_ATTEMPTS = 10_000;
/** After a commit of another process is seen, so many turns begin with a pause in which others find the lock free. */
const TURNS_TO_YIELD = 16;

export class SqliteStore implements Store {
  readonly blobs: BlobStore;
  readonly stateDir: string | undefined;
  readonly #database: SqlDatabase;
  readonly #masterKey: Buffer;
  readonly #ids: Ids;
  readonly #onClose: (() => void) | undefined;
  readonly #parts: Pick<SqliteStoreParts, "folder" | "openSnapshots">;
  #snapshots: Promise<Snapshots> | undefined;
  readonly #collections = new Map<string, Collection<unknown>>();
  readonly #table: RecordTable;
  readonly #cache = new RecordCache();
  #turn: Turn | undefined;
  /** How many the last commit held. */
  #lastWrites = 0;
  /** Of the last record that was looked for: most are looked for again. */
  #lastPlace: Place = { collection: "", key: [], text: "", id: "" };
  /** The changes of the write that is running, until it has returned. */
  #change: Map<string, RecordChange> | undefined;
  /** True when the running write's changes are in SQLite, under a savepoint. */
  #hasSavepoint = false;
  /** True until the turn of the event loop ends in which the cache was found to be up to date. */
  #isFresh = false;
  #dataVersion: unknown;
  /** While others write, too. */
  #turnsToYield = 0;
  readonly #requirePlace: () => void;
  #isClosed = false;
  #waiting: WaitingWrite[] = [];
  #retry: NodeJS.Timeout | undefined;
  #attempts = 0;
  /** True while writes must wait for an operation on the state as a whole. */
  #isHeld = false;

  constructor(parts: SqliteStoreParts) {
    this.#database = parts.database;
    this.#masterKey = parts.masterKey;
    this.#ids = parts.ids;
    this.#onClose = parts.onClose;
    this.#parts = parts;
    this.#requirePlace = parts.stateDir === undefined ? () => {} : placeGuard(parts.stateDir);
    this.blobs = parts.blobs;
    this.stateDir = parts.stateDir;
    this.#table = new RecordTable(parts.database);
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
    if (this.#change) return Promise.reject(new Error("write inside a write: change everything in one function"));
    if (this.#isHeld || this.#waiting.length > 0 || this.#isYielding()) return this.#wait(change);
    let turn: Turn;
    try {
      turn = this.#turn ?? this.#beginTurn();
    } catch (error) {
      return isBusy(error) ? this.#wait(change) : Promise.reject(this.#explain(error));
    }
    return new Promise((resolve, reject) => this.#run(turn, change, resolve, reject));
  }

  #run<R>(turn: Turn, change: () => R, resolve: (result: R) => void, reject: (error: Error) => void): void {
    const own = new Map<string, RecordChange>();
    let result: R;
    this.#change = own;
    try {
      result = change();
      if (result instanceof Promise) throw new Error("the function given to write must not be asynchronous");
      if (this.#turn !== turn) throw new Error("the transaction of this write was rolled back");
      if (this.#hasSavepoint) this.#database.exec("RELEASE change");
      for (const [id, pending] of own) turn.pending.set(id, pending);
    } catch (error) {
      this.#undoChange(turn, error);
      reject(this.#explain(error));
      return;
    } finally {
      this.#change = undefined;
      this.#hasSavepoint = false;
    }
    turn.writes.push({ resolve: () => resolve(result), reject });
  }

  seal(plaintext: Uint8Array, context: string): string {
    return sealBytes(this.#masterKey, this.#ids.bytes(12), plaintext, context);
  }

  unseal(sealed: string, context: string): Buffer {
    return openSealed(this.#masterKey, sealed, context);
  }

  folder(name: StateFolder): string {
    return this.#parts.folder(name);
  }

  async reset(): Promise<void> {
    await (await this.#openSnapshots()).reset();
  }

  async saveSnapshot(name: string): Promise<SnapshotInfo> {
    return (await this.#openSnapshots()).save(name);
  }

  async restoreSnapshot(name: string): Promise<void> {
    await (await this.#openSnapshots()).restore(name);
  }

  async snapshots(): Promise<readonly SnapshotInfo[]> {
    return (await this.#openSnapshots()).list();
  }

  async deleteSnapshot(name: string): Promise<void> {
    await (await this.#openSnapshots()).delete(name);
  }

  #openSnapshots(): Promise<Snapshots> {
    if (this.#isClosed) return Promise.reject(new Error("the store is closed"));
    if (!this.#snapshots) {
      const opening = this.#parts.openSnapshots((run) => this.#alone(run));
      this.#snapshots = opening;
      // The next call tries again.
      opening.catch(() => {
        this.#snapshots = undefined;
      });
    }
    return this.#snapshots;
  }

  /** Lets `run` change or copy the state as a whole; writes that come meanwhile run after it. */
  async #alone<R>(run: () => Promise<R>): Promise<R> {
    this.#isHeld = true;
    if (this.#turn) this.#commitTurn(this.#turn);
    try {
      return await run();
    } finally {
      this.#isHeld = false;
      // What was read in this turn of the event loop may be of the state before.
      this.#isFresh = false;
      this.#cache.clear();
      // It may have been changed by another connection, which is not another process.
      this.#dataVersion = undefined;
      this.#runWaiting();
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await (await this.#snapshots?.catch(() => undefined))?.idle();
    while (this.#waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
    if (this.#isClosed) return;
    if (this.#turn) this.#commitTurn(this.#turn);
    this.#isClosed = true;
    this.#cache.clear();
    try {
      this.#database.close();
    } finally {
      this.#onClose?.();
    }
  }

  #wait<R>(change: () => R): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      // Nothing comes between: whoever runs the waiting ones has just begun a turn.
      this.#waiting.push({ run: () => this.#run(this.#turn as Turn, change, resolve, reject), reject });
      this.#retrySoon();
    });
  }

  #retrySoon(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#runWaiting();
    }, LOCK_PAUSE_MS);
  }

  #runWaiting(): void {
    while (!this.#isHeld && this.#waiting.length > 0) {
      try {
        this.#turn ?? this.#beginTurn();
      } catch (error) {
        if (isBusy(error) && ++this.#attempts < LOCK_ATTEMPTS) {
          this.#retrySoon();
          return;
        }
        this.#attempts = 0;
        for (const { reject } of this.#waiting.splice(0)) reject(this.#explain(error));
      }
      this.#attempts = 0;
      // One at a time: a full disk may end the turn between two.
      this.#waiting.shift()?.run();
    }
  }

  /** True when it is the others' turn: whoever begins again at once would keep the lock from those who ask now and then. */
  #isYielding(): boolean {
    return this.#turn === undefined && this.#turnsToYield > 0;
  }

  #beginTurn(): Turn {
    this.#requirePlace();
    // IMMEDIATE: takes the write lock now, so that a later statement cannot fail because another process wrote first.
    this.#database.exec("BEGIN IMMEDIATE");
    const turn: Turn = { writes: [], pending: new Map() };
    this.#turn = turn;
    this.#commitSoon(turn, this.#lastWrites > 1 ? TURNS_TO_GATHER : 0);
    // Another process may have committed since the last look; from here on none can.
    this.#checkDataVersion();
    return turn;
  }

  /**
   * Clients that were answered together write again together, but not all in one turn of the event loop. If what came first
   * were committed alone, the rest would wait for its fsync.
   */
  #commitSoon(turn: Turn, turnsLeft: number): void {
    setImmediate(() => {
      if (this.#turn !== turn) return;
      if (turnsLeft > 0) this.#commitSoon(turn, turnsLeft - 1);
      else this.#commitTurn(turn);
    });
  }

  #commitTurn(turn: Turn): void {
    this.#turn = undefined;
    this.#lastWrites = turn.writes.length;
    try {
      this.#apply(turn.pending);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rejectTurn(turn, error);
      return;
    }
    if (this.#turnsToYield > 0) this.#turnsToYield--;
    debug("store", () => `committed ${turn.writes.length} writes`);
    for (const write of turn.writes) write.resolve();
  }

  /** Hands changes to SQLite, inside the turn's transaction, and to the cache. */
  #apply(changes: Map<string, RecordChange>): void {
    this.#table.apply(changes.values());
    for (const [id, { entry }] of changes) this.#cache.replace(id, entry);
    changes.clear();
  }

  /** Makes SQLite see what is pending, so that it can answer a range. */
  #applyPending(): void {
    const turn = this.#turn;
    if (!turn) return;
    try {
      this.#apply(turn.pending);
      if (!this.#change || this.#change.size === 0) return;
      if (!this.#hasSavepoint) this.#database.exec("SAVEPOINT change");
      this.#hasSavepoint = true;
      this.#apply(this.#change);
    } catch (error) {
      // Half of it may be in SQLite, and the transaction may be gone (disk full): nothing of this turn can be kept.
      this.#rejectTurn(turn, error);
      throw error;
    }
  }

  #undoChange(turn: Turn, error: unknown): void {
    // Changes that SQLite has not seen are gone with the map that held them.
    if (!this.#hasSavepoint || this.#turn !== turn) return;
    this.#cache.clear();
    try {
      this.#database.exec("ROLLBACK TO change; RELEASE change");
    } catch {
      // A full disk or an I/O error makes SQLite roll back the whole transaction: the turn's other writes are lost too.
      this.#rejectTurn(turn, error);
    }
  }

  #rejectTurn(turn: Turn, error: unknown): void {
    if (this.#turn === turn) this.#turn = undefined;
    this.#cache.clear();
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has already ended the transaction.
    }
    for (const write of turn.writes) write.reject(this.#explain(error));
  }

  #explain(error: unknown): Error {
    return stateFolderError(error, this.stateDir) ?? (error as Error);
  }

  /** Empties the cache when another process has committed since the last look; looks once per turn of the loop. */
  #refresh(): void {
    // Inside the turn's transaction nobody else can commit; in memory there is nobody else.
    if (this.#isFresh || this.#turn || this.stateDir === undefined) return;
    this.#isFresh = true;
    setImmediate(() => {
      this.#isFresh = false;
    });
    this.#checkDataVersion();
  }

  #checkDataVersion(): void {
    const version = this.#table.dataVersion();
    if (version === this.#dataVersion) return;
    if (this.#dataVersion !== undefined) this.#turnsToYield = TURNS_TO_YIELD;
    this.#dataVersion = version;
    this.#cache.clear();
  }

  #place(collection: string, key: Key): Place {
    if (this.#lastPlace.key !== key || this.#lastPlace.collection !== collection) {
      const text = encodeKey(key);
      this.#lastPlace = { collection, key, text, id: `${collection}\u0000\u0000${text}` };
    }
    return this.#lastPlace;
  }

  #find(collection: string, key: Key): CacheEntry {
    const { text, id } = this.#place(collection, key);
    const pending = this.#change?.get(id) ?? this.#turn?.pending.get(id);
    if (pending) return pending.entry;
    try {
      this.#refresh();
      const cached = this.#cache.get(id);
      if (cached) return cached;
      const entry: CacheEntry = { text: this.#table.textOf(collection, text), value: undefined };
      // What SQLite holds under a savepoint may yet be undone; undoing clears the cache.
      this.#cache.set(id, entry);
      return entry;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #put(collection: string, key: Key, text: string | undefined): void {
    if (!this.#change) throw new Error(`collection ${collection}: put and delete only inside Store.write`);
    const { text: encoded, id } = this.#place(collection, key);
    this.#change.set(id, { collection, key: encoded, entry: { text, value: undefined } });
  }

  #makeCollection<T>(name: string): Collection<T> {
    return {
      get: (key) => parsedValue<T>(this.#find(name, key)),
      has: (key) => this.#find(name, key).text !== undefined,
      list: (prefix, options = {}) => {
        try {
          this.#applyPending();
          return this.#table.list<T>(name, prefix, options);
        } catch (error) {
          throw this.#explain(error);
        }
      },
      count: (prefix) => {
        try {
          this.#applyPending();
          return this.#table.count(name, prefix);
        } catch (error) {
          throw this.#explain(error);
        }
      },
      put: (key, value) => {
        const text: string | undefined = JSON.stringify(value);
        if (text === undefined) throw new Error(`collection ${name}: the value is not JSON`);
        this.#put(name, key, text);
      },
      delete: (key) => this.#put(name, key, undefined),
    };
  }
}
