import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { KilnError } from "../core/errors.ts";
import { systemIds } from "../core/ids.ts";
import { openStore } from "./index.ts";
import { prepareDatabase } from "./schema.ts";
import { loadSqliteDriver, type SqlDatabase } from "./sqlite-driver.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { stateFolderError } from "./state-folder.ts";
import type { BlobStore, Store } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-state-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
let stateDir: string;
beforeEach(() => {
  stateDir = join(root, String(folders++), ".kiln");
});

const open = (environment: NodeJS.ProcessEnv = {}): Promise<Store> =>
  openStore({ stateDir, ids: systemIds, environment });
const database = async (path = join(stateDir, "kiln.db")): Promise<SqlDatabase> => (await loadSqliteDriver())(path);

async function refusalOf(opening: Promise<unknown>): Promise<KilnError> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KilnError)) throw new Error(`not refused: ${String(error)}`);
  expect(error.exitCode).toBe(4);
  expect(error.fix.length).toBeGreaterThan(0);
  return error;
}

describe("the state folder", () => {
  it("is made private, ignored by git, with a key of its own", async () => {
    await (await open()).close();
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(stateDir, ".gitignore"), "utf8")).toBe("*\n");
    for (const file of ["master.key", "kiln.db"]) expect(statSync(join(stateDir, file)).mode & 0o777).toBe(0o600);
    expect(statSync(join(stateDir, "master.key")).size).toBe(32);
  });

  it("keeps records, blobs and the key over a restart", async () => {
    const first = await open();
    await first.write(() => first.collection("words").put(["a"], first.seal(Buffer.from("hunter2"), "a")));
    await first.close();
    const second = await open();
    expect(second.unseal(second.collection<string>("words").get(["a"]) ?? "", "a").toString()).toBe("hunter2");
    await second.close();
  });

  it("is refused when it is a file, or below one", async () => {
    mkdirSync(join(stateDir, ".."), { recursive: true });
    writeFileSync(stateDir, "");
    const error = await refusalOf(open());
    expect(error.code).toBe("KILN_E_STATE_FOLDER_UNUSABLE");
    expect(error.message).toContain(`the state folder \`${stateDir}\` cannot be used: EEXIST`);
  });

  it.runIf(process.platform === "linux")("is refused where no folder can be made", async () => {
    stateDir = "/proc/kiln/.kiln";
    expect((await refusalOf(open())).code).toBe("KILN_E_STATE_FOLDER_UNUSABLE");
  });

  it("is refused, untouched, when its database is not one", async () => {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, "kiln.db"), "not a database, but long enough to have a header".repeat(50));
    const error = await refusalOf(open());
    expect(error.code).toBe("KILN_E_STATE_FOLDER_CORRUPT");
    expect(error.message).toBe(`\`kiln.db\` in the state folder \`${stateDir}\` is not a database that can be read`);
    expect(readFileSync(join(stateDir, "kiln.db"), "utf8")).toMatch(/^not a database/);
  });

  it("is refused when a newer Kiln wrote it", async () => {
    await (await open()).close();
    const connection = await database();
    connection.exec("PRAGMA user_version = 99");
    connection.close();
    const error = await refusalOf(open());
    expect(error.code).toBe("KILN_E_STATE_FOLDER_NEWER");
    expect(error.message).toBe(
      `the state folder \`${stateDir}\` was written by a newer Kiln (state version 99, this one knows 1)`,
    );
  });

  it("is refused when it cannot be made, with the folder that is read-only", () => {
    const refused = Object.assign(new Error(), { code: "EACCES", syscall: "mkdir", path: "/home/you/app/.kiln" });
    const error = stateFolderError(refused, "/home/you/app/.kiln");
    expect(error?.message).toBe("the state folder `/home/you/app/.kiln` cannot be made");
    expect(error?.why).toBe("`/home/you/app` is read-only for this user");
  });

  it.skipIf(process.getuid?.() === 0)("is refused when it cannot be written", async () => {
    mkdirSync(stateDir, { recursive: true });
    chmodSync(stateDir, 0o500);
    expect((await refusalOf(open())).code).toBe("KILN_E_STATE_FOLDER_READ_ONLY");
  });
});

describe("the master key", () => {
  it("can come from the environment, and then is not written down", async () => {
    const key = { KILN_MASTER_KEY: Buffer.alloc(32, 7).toString("base64") };
    await (await open(key)).close();
    expect(existsSync(join(stateDir, "master.key"))).toBe(false);
    await (await open(key)).close();
    const wrong = await refusalOf(open({ KILN_MASTER_KEY: Buffer.alloc(32, 8).toString("base64") }));
    expect(wrong.message).toBe("the master key does not fit the stored state");
    expect((await refusalOf(open())).message).toBe(`\`master.key\` is missing in the state folder \`${stateDir}\``);
  });

  it("must have 32 bytes, and is never printed", async () => {
    const error = await refusalOf(open({ KILN_MASTER_KEY: "c2VjcmV0" }));
    expect(error.code).toBe("KILN_E_MASTER_KEY");
    expect(error.message).toBe("KILN_MASTER_KEY holds 6 bytes, expected base64 of 32");
    await (await open()).close();
    writeFileSync(join(stateDir, "master.key"), "short");
    expect((await refusalOf(open())).message).toBe(
      `\`master.key\` in the state folder \`${stateDir}\` holds 5 bytes, expected 32`,
    );
  });

  it("is one when several processes, here openings, race to make it", async () => {
    const stores = await Promise.all([open(), open(), open()]);
    const sealed = stores[0]?.seal(Buffer.from("x"), "c") ?? "";
    for (const store of stores) expect(store.unseal(sealed, "c").toString()).toBe("x");
    await Promise.all(stores.map((store) => store.close()));
  });
});

describe("a commit that fails", () => {
  const storeOver = (connection: SqlDatabase): Store =>
    new SqliteStore({
      database: connection,
      masterKey: Buffer.alloc(32),
      blobs: {} as BlobStore,
      ids: systemIds,
      stateDir: "/state",
      folder: (name) => name,
      openSnapshots: () => Promise.reject(new Error("none here")),
    });

  it("on a full disk rejects what was not saved, and the store works again when there is space", async () => {
    const connection = await database(":memory:");
    prepareDatabase(connection, undefined);
    connection.exec("PRAGMA max_page_count = 20");
    const store = storeOver(connection);
    const words = store.collection<string>("words");
    await store.write(() => words.put(["before"], "kept"));
    const small = store.write(() => words.put(["small"], "x"));
    const large = store.write(() => words.put(["large"], "x".repeat(500_000)));
    const error = await refusalOf(large);
    expect(error.code).toBe("KILN_E_STATE_FOLDER_FULL");
    expect(error.message).toBe("no space left for the state folder `/state`");
    // The other write of the turn is either saved or refused, never lost in silence.
    const outcome = await small.then(
      () => "saved",
      (reason: KilnError) => reason.code,
    );
    expect(words.has(["small"])).toBe(outcome === "saved");
    connection.exec("PRAGMA max_page_count = 10000");
    await store.write(() => words.put(["large"], "x".repeat(500_000)));
    expect(words.get(["before"])).toBe("kept");
    await store.close();
  });

  it("on a read-only database says so and keeps reading", async () => {
    const connection = await database(":memory:");
    prepareDatabase(connection, undefined);
    const store = storeOver(connection);
    const words = store.collection<string>("words");
    await store.write(() => words.put(["a"], "kept"));
    connection.exec("PRAGMA query_only = 1");
    const error = await refusalOf(store.write(() => words.put(["b"], "x")));
    expect(error.code).toBe("KILN_E_STATE_FOLDER_READ_ONLY");
    expect(error.message).toBe("the state folder `/state` cannot be written");
    expect(words.get(["a"])).toBe("kept");
    connection.exec("PRAGMA query_only = 0");
    await store.write(() => words.put(["b"], "x"));
    await store.close();
  });

  it("rejects every write of the turn when the COMMIT itself fails", async () => {
    const connection = await database(":memory:");
    prepareDatabase(connection, undefined);
    let failures = 1;
    const failing: SqlDatabase = {
      prepare: (sql) => connection.prepare(sql),
      close: () => connection.close(),
      exec(sql) {
        if (sql === "COMMIT" && failures-- > 0)
          throw Object.assign(new Error("database or disk is full"), { rawCode: 13 });
        return connection.exec(sql);
      },
    };
    const store = storeOver(failing);
    const words = store.collection<string>("words");
    const writes = ["a", "b"].map((key) => store.write(() => words.put([key], "x")));
    for (const write of writes) expect((await refusalOf(write)).code).toBe("KILN_E_STATE_FOLDER_FULL");
    expect(words.list([])).toEqual([]);
    await store.write(() => words.put(["c"], "x"));
    expect(words.list([])).toHaveLength(1);
    await store.close();
  });

  it("because of a lock names the other process as the reason", () => {
    const error = stateFolderError(Object.assign(new Error("database is locked"), { rawCode: 5 }), "/state");
    expect(error?.code).toBe("KILN_E_STATE_FOLDER_BUSY");
    expect(error?.message).toBe("the state folder `/state` is locked by another process");
    expect(stateFolderError(new TypeError("a bug"), "/state")).toBeUndefined();
  });
});
