import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommitLog, openCommitLog } from "./commit-log.ts";
import { prepareDatabase } from "./schema.ts";
import { loadSqliteDriver, type SqlDatabase, type SqlRow } from "./sqlite-driver.ts";

let stateDir: string;
let database: SqlDatabase;
const pragma = (name: string): unknown => (database.prepare(`PRAGMA ${name}`).get() as SqlRow)[name];

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "kiln-log-"));
  database = (await loadSqliteDriver())(join(stateDir, "kiln.db"));
  prepareDatabase(database, stateDir);
});
afterEach(() => {
  database.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const flushed = (log: CommitLog): Promise<void> =>
  new Promise((resolve, reject) => log.flush((error) => (error ? reject(error) : resolve())));

const FULL = 2;
const NORMAL = 1;

describe.runIf(process.platform === "linux")("the log of commits", () => {
  it("is flushed by the store, once it is found, and by SQLite until then", async () => {
    expect(pragma("synchronous")).toBe(FULL);
    const log = openCommitLog(database, stateDir);
    expect(pragma("synchronous")).toBe(NORMAL);
    log?.requireSound();
    await flushed(log as CommitLog);
    await log?.close();
  });

  it("is flushed for all commits of one moment together, in their order, and closed after them", async () => {
    const log = openCommitLog(database, stateDir) as CommitLog;
    const order: number[] = [];
    for (let n = 0; n < 5; n++) {
      log.flush((error) => {
        expect(error).toBeUndefined();
        order.push(n);
      });
    }
    await log.close();
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it("that is not where it should be is left to SQLite", () => {
    const elsewhere = join(stateDir, "elsewhere");
    mkdirSync(elsewhere);
    expect(openCommitLog(database, elsewhere)).toBeUndefined();
    expect(pragma("synchronous")).toBe(FULL);
  });

  it("is begun anew after a flush that failed, before anything more is written", async () => {
    // No file of a disk: it cannot be flushed.
    const descriptor = openSync("/dev/null", "r+");
    const log = new CommitLog(database, descriptor);
    database.exec("INSERT INTO records (collection, key, value) VALUES ('c', x'00', '1')");
    closeSync(descriptor);
    const both = [flushed(log), flushed(log)];
    for (const one of both) await expect(one).rejects.toThrow("EBADF");
    log.requireSound();
    expect(database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()).toMatchObject({ busy: 0, log: 0 });
    expect(database.prepare("SELECT value FROM records WHERE collection = 'c'").get()).toMatchObject({ value: "1" });
  });

  it("is not begun anew while another connection reads from it: nothing is written until then", async () => {
    const reader = (await loadSqliteDriver())(join(stateDir, "kiln.db"));
    try {
      database.exec("INSERT INTO records (collection, key, value) VALUES ('c', x'00', '1')");
      reader.exec("BEGIN; SELECT 1 FROM records");
      const descriptor = openSync("/dev/null", "r+");
      const log = new CommitLog(database, descriptor);
      closeSync(descriptor);
      await expect(flushed(log)).rejects.toThrow("EBADF");
      expect(() => log.requireSound()).toThrow();
      reader.exec("COMMIT");
      log.requireSound();
    } finally {
      reader.close();
    }
  });
});
