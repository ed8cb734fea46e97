/** Opens the store: on a state folder (`kiln.db`, `master.key`, `blobs/`, `uploads/`), or in memory. Called by app.ts. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { makeOwnedFolder, removeOrphans } from "../core/owned-folders.ts";
import { FileBlobs } from "./file-blobs.ts";
import { createMasterKey, findMasterKey, MASTER_KEY_BYTES, openSealed, sealBytes } from "./master-key.ts";
import { encodeKey } from "./record-key.ts";
import { prepareDatabase } from "./schema.ts";
import { isBusy, loadSqliteDriver, type OpenDatabase, type SqlDatabase } from "./sqlite-driver.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { CHECK_COLLECTION, GENERATION_KEY, STATE_COLLECTION } from "./state-collections.ts";
import { StateFiles } from "./state-files.ts";
import { prepareStateFolder, stateFolderError } from "./state-folder.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** Undefined: everything in memory, gone on close (blobs in a temporary folder). */
  readonly stateDir?: string;
  readonly ids: Ids;
  /** Says when a snapshot was saved; default the system's. */
  readonly clock?: Clock;
  /** Where `KILN_MASTER_KEY` is read from. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Rejects with a `KILN_E_STATE_FOLDER_…` or `KILN_E_MASTER_KEY` error (exit code 4) when the folder cannot be used. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const openDatabase = await loadSqliteDriver();
  if (options.stateDir === undefined) return openMemoryStore(openDatabase, options);
  return openFolderStore(openDatabase, options.stateDir, options);
}

/** Of the folders of stores in memory. */
const BLOBS_PREFIX = "kiln-blobs-";

function openMemoryStore(openDatabase: OpenDatabase, options: StoreOptions): Store {
  const database = openDatabase(":memory:");
  prepareDatabase(database, undefined);
  let folder: string | undefined;
  const removeFolder = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  const base = (): string => {
    if (folder === undefined) {
      folder = makeOwnedFolder(tmpdir(), BLOBS_PREFIX);
      process.once("exit", removeFolder);
      void removeOrphans(tmpdir(), BLOBS_PREFIX);
    }
    return folder;
  };
  return storeOn({
    ...{ database, openDatabase, options, base },
    masterKey: options.ids.bytes(MASTER_KEY_BYTES),
    onClose: () => {
      process.removeListener("exit", removeFolder);
      removeFolder();
    },
  });
}

const OPEN_PAUSE_MS = 5;
const OPEN_ATTEMPTS = 2_000;

async function openFolderStore(openDatabase: OpenDatabase, stateDir: string, options: StoreOptions): Promise<Store> {
  prepareStateFolder(stateDir);
  for (let attempt = 1; ; attempt++) {
    let database: SqlDatabase | undefined;
    try {
      database = openDatabase(join(stateDir, "kiln.db"));
      prepareDatabase(database, stateDir);
      const masterKey = fittingMasterKey(database, stateDir, options.ids, options.environment ?? process.env);
      return storeOn({ database, openDatabase, options, base: () => stateDir, masterKey });
    } catch (error) {
      database?.close();
      // Another process, or another store of this one, is making the database or writing.
      if (!isBusy(error) || attempt === OPEN_ATTEMPTS) throw stateFolderError(error, stateDir) ?? error;
    }
    await new Promise((resolve) => setTimeout(resolve, OPEN_PAUSE_MS));
  }
}

interface OpenedParts {
  readonly database: SqlDatabase;
  readonly openDatabase: OpenDatabase;
  readonly options: StoreOptions;
  readonly base: () => string;
  readonly masterKey: Buffer;
  readonly onClose?: () => void;
}

function storeOn({ database, openDatabase, options, base, masterKey, onClose }: OpenedParts): Store {
  const { stateDir, ids, clock = systemClock } = options;
  const generation = (): string | undefined => states.get(GENERATION_KEY);
  const files = new StateFiles({ base, generation, ids });
  const store = new SqliteStore({
    ...{ database, masterKey, ids, stateDir },
    blobs: new FileBlobs(() => files.root(), stateDir),
    folder: (name) => join(files.root(), name),
    async openSnapshots(alone) {
      const [{ Snapshots }, { folderRecords, memoryRecords }] = await Promise.all([
        import("./snapshots.ts"),
        import("./state-records.ts"),
      ]);
      const records =
        stateDir === undefined
          ? memoryRecords(database, alone)
          : folderRecords(openDatabase, join(stateDir, "kiln.db"), alone);
      return new Snapshots({ records, files, masterKey, clock, stateDir });
    },
    ...(onClose && { onClose }),
  });
  const states = store.collection<string>(STATE_COLLECTION);
  // What others left behind is in nobody's way; that it cannot be removed now must not keep Kiln from starting.
  if (stateDir !== undefined) {
    files.sweep().catch((error: unknown) => debug("store", () => `not swept: ${String(error)}`));
  }
  return store;
}

const CHECK_KEY = Buffer.from(encodeKey(["check"]));
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
