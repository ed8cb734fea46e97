/**
 * The log that SQLite commits to (`kiln.db-wal`), made durable by the store instead of by SQLite, on Linux. SQLite as it is
 * built for Node calls fsync, which also writes the file's times, a commit of the file system's own journal each; fdatasync
 * writes what was committed, and the disk is asked once. It is asked beside the event loop, for all commits since the last
 * time together: requests are served while the disk works. The promise is the same: no write resolves before it.
 * Elsewhere (and where the log cannot be opened) SQLite flushes each commit itself: synchronous=FULL, see schema.ts.
 * Sources: https://www.sqlite.org/pragma.html#pragma_synchronous, https://www.sqlite.org/wal.html,
 * https://man7.org/linux/man-pages/man2/fdatasync.2.html
 */
import { closeSync, fdatasync, openSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { debug } from "../core/log.ts";
import { SQLITE, type SqlDatabase, type SqlRow } from "./sqlite-driver.ts";

/** Called once what was committed is on disk, or with the reason why nobody knows. */
export type FlushDone = (error: Error | undefined) => void;

export class CommitLog {
  readonly #database: SqlDatabase;
  readonly #descriptor: number;
  /** True when a flush failed: what the log holds from then on may stand behind a gap. */
  #isDoubtful = false;
  /** Commits since the flush that is under way began. */
  #waiting: FlushDone[] = [];
  #isFlushing = false;
  #onIdle: (() => void) | undefined;

  constructor(database: SqlDatabase, descriptor: number) {
    this.#database = database;
    this.#descriptor = descriptor;
  }

  /** Call after each COMMIT; `done` is called later, in the order of the calls. */
  flush(done: FlushDone): void {
    this.#waiting.push(done);
    if (!this.#isFlushing) this.#begin();
  }

  #begin(): void {
    const covered = this.#waiting;
    this.#waiting = [];
    this.#isFlushing = true;
    fdatasync(this.#descriptor, (error) => {
      this.#isFlushing = false;
      if (error) {
        this.#isDoubtful = true;
        // What was committed meanwhile stands behind the gap.
        covered.push(...this.#waiting.splice(0));
      }
      if (this.#waiting.length > 0) this.#begin();
      for (const done of covered) done(error ?? undefined);
      if (!this.#isFlushing) this.#onIdle?.();
    });
  }

  /** Call before each transaction: after a failed flush the log is begun anew, or nothing more is written. */
  requireSound(): void {
    if (!this.#isDoubtful) return;
    const { busy } = this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as SqlRow;
    if (busy !== 0) throw Object.assign(new Error("the log is in use"), { errcode: SQLITE.BUSY });
    this.#isDoubtful = false;
  }

  /** Waits for what is under way. Nothing may be flushed afterwards. */
  async close(): Promise<void> {
    if (this.#isFlushing) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    closeSync(this.#descriptor);
  }
}

/** For a connection that has read from `kiln.db`, so that its log exists and stays; leaves the flushing to the result. */
export function openCommitLog(database: SqlDatabase, stateDir: string): CommitLog | undefined {
  if (process.platform !== "linux") return undefined;
  let descriptor: number;
  try {
    // SQLite puts the log beside the file that a link leads to.
    descriptor = openSync(`${realpathSync(join(stateDir, "kiln.db"))}-wal`, "r+");
  } catch (error) {
    debug("store", () => `SQLite flushes its log: ${String(error)}`);
    return undefined;
  }
  database.exec("PRAGMA synchronous = NORMAL");
  return new CommitLog(database, descriptor);
}
