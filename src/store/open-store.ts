/** Opens the store: on a state folder (`kiln.db`, `master.key`, `blobs/`, `uploads/`), or in memory. Called by app.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { FileBlobs } from "./file-blobs.ts";
import { createMasterKey, findMasterKey, MASTER_KEY_BYTES, openSealed, sealBytes } from "./master-key.ts";
import { prepareDatabase } from "./schema.ts";
import { loadSqliteDriver, type OpenDatabase, type SqlDatabase } from "./sqlite-driver.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { prepareStateFolder, stateFolderError } from "./state-folder.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** Undefined: everything in memory, gone on close (blobs in a temporary folder). */
  readonly stateDir?: string;
  readonly ids: Ids;
  /** Where `KILN_MASTER_KEY` is read from. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Rejects with a `KILN_E_STATE_FOLDER_…` or `KILN_E_MASTER_KEY` error (exit code 4) when the folder cannot be used. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const openDatabase = await loadSqliteDriver();
  if (options.stateDir === undefined) return openMemoryStore(openDatabase, options.ids);
  return openFolderStore(openDatabase, options.stateDir, options.ids, options.environment ?? process.env);
}

function openMemoryStore(openDatabase: OpenDatabase, ids: Ids): Store {
  const database = openDatabase(":memory:");
  prepareDatabase(database, undefined);
  let folder: string | undefined;
  const removeFolder = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  const blobRoot = (): string => {
    if (folder === undefined) {
      folder = mkdtempSync(join(tmpdir(), "kiln-blobs-"));
      process.once("exit", removeFolder);
    }
    return folder;
  };
  return new SqliteStore({
    database,
    masterKey: ids.bytes(MASTER_KEY_BYTES),
    blobs: new FileBlobs(blobRoot, undefined),
    ids,
    stateDir: undefined,
    onClose: () => {
      process.removeListener("exit", removeFolder);
      removeFolder();
    },
  });
}

async function openFolderStore(
  openDatabase: OpenDatabase,
  stateDir: string,
  ids: Ids,
  environment: NodeJS.ProcessEnv,
): Promise<Store> {
  prepareStateFolder(stateDir);
  let database: SqlDatabase | undefined;
  try {
    database = openDatabase(join(stateDir, "kiln.db"));
    prepareDatabase(database, stateDir);
    const masterKey = fittingMasterKey(database, stateDir, ids, environment);
    return new SqliteStore({ database, masterKey, blobs: new FileBlobs(() => stateDir, stateDir), ids, stateDir });
  } catch (error) {
    database?.close();
    throw stateFolderError(error, stateDir) ?? error;
  }
}

const CHECK_COLLECTION = "kiln/master-key-check";
const CHECK_KEY = Buffer.from("check\u0000");
const CHECK_TEXT = "kiln";

/** The master key, proved by a sealed record to be the one this state was made with. */
function fittingMasterKey(database: SqlDatabase, stateDir: string, ids: Ids, environment: NodeJS.ProcessEnv): Buffer {
  const select = database.prepare("SELECT value FROM records WHERE collection = ? AND key = ?");
  const stored = (): string | undefined =>
    (select.get(CHECK_COLLECTION, CHECK_KEY) as { readonly value: string } | undefined)?.value;
  const found = findMasterKey(stateDir, environment);
  if (found === undefined && stored() !== undefined) {
    throw new KilnError({
      code: "KILN_E_MASTER_KEY",
      message: `\`master.key\` is missing in the state folder \`${stateDir}\``,
      why: "the values stored encrypted in this folder cannot be read without the key they were written with",
      fix: ["restore `master.key` from a copy", "or set KILN_MASTER_KEY", "or move the folder away and start empty"],
      exitCode: 4,
    });
  }
  const key = found ?? createMasterKey(stateDir, ids);
  if (stored() === undefined) {
    database
      .prepare("INSERT INTO records (collection, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .run(
        CHECK_COLLECTION,
        CHECK_KEY,
        JSON.stringify(sealBytes(key, ids.bytes(12), Buffer.from(CHECK_TEXT), CHECK_COLLECTION)),
      );
  }
  openSealed(key, JSON.parse(stored() ?? '""') as string, CHECK_COLLECTION);
  return key;
}
