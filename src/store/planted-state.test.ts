/** A state folder that came with somebody's repository: names and links in it lead nowhere else. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemIds } from "../core/ids.ts";
import { openStore, type Store } from "./index.ts";
import { GENERATION_KEY, STATE_COLLECTION } from "./state-collections.ts";

let root = "";
let stateDir = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kiln-planted-"));
  stateDir = join(root, ".kiln");
  mkdirSync(join(root, "own"));
  writeFileSync(join(root, "own", "file"), "mine");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (): Promise<Store> => openStore({ stateDir, ids: systemIds, environment: {} });
const isWhole = () => existsSync(join(root, "own", "file"));

it("a generation that is a way out of the folder is neither used nor removed", async () => {
  const planted = await open();
  await planted.write(() => planted.collection(STATE_COLLECTION).put(GENERATION_KEY, "../../own"));
  await planted.close();
  const store = await open();
  expect(() => store.folder("logs")).toThrow(
    `\`kiln.db\` in the state folder \`${stateDir}\` says that its files are elsewhere`,
  );
  await expect(store.reset()).rejects.toMatchObject({ code: "KILN_E_STATE_FOLDER_CORRUPT" });
  expect(isWhole()).toBe(true);
  await store.close();
});

it("a snapshot whose manifest names another folder is no snapshot", async () => {
  const store = await open();
  await store.saveSnapshot("s");
  const path = join(stateDir, "snapshots", "s", "snapshot.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  for (const planted of [{ id: "../../../own" }, { id: "own" }, { id: 7 }, { createdAtMs: 1e300 }]) {
    writeFileSync(path, JSON.stringify({ ...manifest, ...planted }));
    await expect(store.restoreSnapshot("s")).rejects.toMatchObject({ code: "KILN_E_SNAPSHOT_UNREADABLE" });
  }
  writeFileSync(path, "null");
  await expect(store.snapshots()).rejects.toMatchObject({ code: "KILN_E_SNAPSHOT_UNREADABLE" });
  await store.saveSnapshot("s");
  await store.restoreSnapshot("s");
  await store.close();
});

it("links in the place of folders take nothing with them", async () => {
  mkdirSync(join(root, "own", "999999999-holidays"));
  mkdirSync(stateDir);
  symlinkSync("../own", join(stateDir, "generations"));
  mkdirSync(join(stateDir, "snapshots"));
  symlinkSync("../../own", join(stateDir, "snapshots", "s"));
  const store = await open();
  await store.saveSnapshot("s");
  await store.reset();
  await store.deleteSnapshot("s");
  await store.close();
  expect([isWhole(), existsSync(join(root, "own", "999999999-holidays"))]).toEqual([true, true]);
});
