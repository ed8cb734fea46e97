/**
 * The few SQLite calls the store needs, over `node:sqlite` (built into Node 22.13 and later) or `libsql` (a native
 * package for older ones). Both are synchronous. Nothing outside this file knows which one is in use.
 * Sources: https://nodejs.org/api/sqlite.html, https://www.sqlite.org/rescode.html
 */
import { KilnError } from "../core/errors.ts";

export type SqlValue = string | number | Uint8Array;
/** Blobs arrive as `Uint8Array` (node:sqlite) or `ArrayBuffer` (libsql). */
export type SqlRow = Readonly<Record<string, string | number | Uint8Array | ArrayBuffer | null>>;

export interface SqlStatement {
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  run(...values: SqlValue[]): unknown;
}

export interface SqlDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqlStatement;
  close(): unknown;
}

/** Opens one connection; `:memory:` for a database that ends with it. Throws what the driver throws. */
export type OpenDatabase = (path: string) => SqlDatabase;

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => SqlDatabase;
}

/** The driver this Node version offers. */
export async function loadSqliteDriver(): Promise<OpenDatabase> {
  const builtIn = loadNodeSqlite();
  if (builtIn) return (path) => new builtIn.DatabaseSync(path);
  try {
    const { default: Database } = await import("libsql");
    return (path) => new Database(path);
  } catch (cause) {
    throw new KilnError({
      code: "KILN_E_NO_SQLITE",
      message: `no SQLite found for Node ${process.versions.node} on ${process.platform} ${process.arch}`,
      why: "Node before 22.13 has none built in, and the optional package `libsql` is not installed",
      fix: ["use Node 22.13 or newer", "or install again without `--omit=optional`"],
      exitCode: 4,
      cause,
    });
  }
}

function loadNodeSqlite(): NodeSqlite | undefined {
  // Node 22 prints an ExperimentalWarning when the module is loaded; users of the tool can do nothing about it.
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.("node:sqlite") as unknown as NodeSqlite | undefined;
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** SQLite's primary result codes that the store tells apart. */
export const SQLITE = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

/** True when another connection has the lock. */
export const isBusy = (error: unknown): boolean => sqliteCode(error) === SQLITE.BUSY;

/** The primary result code of an error thrown by either driver, or undefined when it is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errcode, rawCode } = error as { errcode?: unknown; rawCode?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  if (typeof rawCode === "number") return rawCode & 0xff;
  // libsql reports a failed open as `ConnectionFailed("Unable to open connection to local database PATH: 14")`.
  const opening = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(error.message);
  return opening ? Number(opening[1]) & 0xff : undefined;
}
