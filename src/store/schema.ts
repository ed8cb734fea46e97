/**
 * Prepares a connection (WAL, synchronous=FULL, busy timeout) and brings the schema up to date. The version is SQLite's
 * `user_version`; a newer one than this build knows is refused and left untouched.
 * Sources: https://www.sqlite.org/pragma.html, https://www.sqlite.org/withoutrowid.html
 */
import { KilnError } from "../core/errors.ts";
import { SQLITE, type SqlDatabase, type SqlRow, sqliteCode } from "./sqlite-driver.ts";

export const SCHEMA_VERSION = 1;
const BUSY_TIMEOUT_MS = 10_000;
const WAL_ATTEMPTS = 200;
const WAL_PAUSE_MS = 25;

export function prepareDatabase(database: SqlDatabase, stateDir: string | undefined): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  enterWal(database);
  database.exec("PRAGMA synchronous = FULL");
  refuseNewer(database, stateDir);
  if (versionOf(database) === SCHEMA_VERSION) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have done it between the check and the lock.
    if (versionOf(database) === 0) {
      database.exec(`
        CREATE TABLE records (
          collection TEXT NOT NULL, key BLOB NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)
        ) WITHOUT ROWID;
        PRAGMA user_version = ${SCHEMA_VERSION};
      `);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** Two processes that switch a new file to WAL at once get BUSY whatever the timeout says; so try again. */
function enterWal(database: SqlDatabase): void {
  for (let attempt = 1; ; attempt++) {
    try {
      database.prepare("PRAGMA journal_mode = WAL").get();
      return;
    } catch (error) {
      if (sqliteCode(error) !== SQLITE.BUSY || attempt === WAL_ATTEMPTS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_PAUSE_MS);
    }
  }
}

function versionOf(database: SqlDatabase): number {
  return Number((database.prepare("PRAGMA user_version").get() as SqlRow)["user_version"]);
}

function refuseNewer(database: SqlDatabase, stateDir: string | undefined): void {
  const version = versionOf(database);
  if (version <= SCHEMA_VERSION) return;
  throw new KilnError({
    code: "KILN_E_STATE_FOLDER_NEWER",
    message: `the state folder \`${stateDir}\` was written by a newer Kiln (state version ${version}, this one knows ${SCHEMA_VERSION})`,
    fix: ["use the newer Kiln", "or use another folder with `--state-dir DIR`"],
    exitCode: 4,
  });
}
