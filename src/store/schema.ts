/**
 * Prepares a connection (WAL, synchronous=FULL) and brings the schema up to date. The version is SQLite's
 * `user_version`; a newer one than this build knows is refused and left untouched.
 * Sources: https://www.sqlite.org/pragma.html, https://www.sqlite.org/withoutrowid.html
 */
import { KilnError } from "../core/errors.ts";
import type { SqlDatabase, SqlRow } from "./sqlite-driver.ts";

export const SCHEMA_VERSION = 1;
export const RECORDS_TABLE = `records (
  collection TEXT NOT NULL, key BLOB NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)
) WITHOUT ROWID`;

/** Throws SQLite's BUSY at once: whoever waits for a lock must not keep the event loop (sqlite-store.ts, open-store.ts). */
export function prepareDatabase(database: SqlDatabase, stateDir: string | undefined): void {
  database.exec("PRAGMA busy_timeout = 0");
  database.prepare("PRAGMA journal_mode = WAL").get();
  database.exec("PRAGMA synchronous = FULL");
  refuseNewer(database, stateDir);
  if (versionOf(database) === SCHEMA_VERSION) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have done it between the check and the lock.
    if (versionOf(database) === 0) {
      database.exec(`
        CREATE TABLE ${RECORDS_TABLE};
        PRAGMA user_version = ${SCHEMA_VERSION};
      `);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
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
