/**
 * Makes commits durable without holding up the event loop: SQLite appends to its write-ahead log without waiting
 * (synchronous=NORMAL, which still orders log, checkpoint and database file by fsyncs of its own), and the log is flushed
 * here, on Node's thread pool, before a `write` resolves. Commits made during a flush share the next one.
 * Sources: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous
 */
import { close, fdatasync, openSync } from "node:fs";
import { promisify } from "node:util";
import { syncFolder } from "./sync-folder.ts";

const flush = promisify(fdatasync);
const closeFile = promisify(close);

export class WalSync {
  readonly #walPath: string;
  readonly #folder: string;
  /**
   * Stays open until after the database is closed. invariant: SQLite keeps one log file while a connection is open, and
   * takes no file locks on it, so a second descriptor disturbs nothing.
   */
  #file: number | undefined;
  #isNameDurable = false;
  /** The flush under way. */
  #running: Promise<void> | undefined;
  /** The flush that begins when that one has ended. */
  #next: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(walPath: string, folder: string) {
    this.#walPath = walPath;
    this.#folder = folder;
  }

  /** Resolves when everything committed before the call is on disk. After a failure it never resolves again. */
  sync(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    // The flush under way may have begun before the commit.
    const begin = (): Promise<void> => this.#begin();
    this.#next = this.#running.then(begin, begin);
    return this.#next;
  }

  /** Only after the database is closed, with no flush waiting. */
  async close(): Promise<void> {
    await this.#running?.catch(() => undefined);
    if (this.#file !== undefined) await closeFile(this.#file);
    this.#file = undefined;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const running = this.#flush();
    this.#running = running;
    const end = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    running.then(end, end);
    return running;
  }

  async #flush(): Promise<void> {
    // The kernel reports lost pages once and then calls them clean: a later success would prove nothing.
    if (this.#failure) throw this.#failure;
    try {
      this.#file ??= openSync(this.#walPath, "r+");
      await flush(this.#file);
      if (!this.#isNameDurable) await syncFolder(this.#folder);
      this.#isNameDurable = true;
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }
}
