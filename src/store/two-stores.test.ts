/** Several stores on one folder, of this process and of others: none waits in the event loop for another's lock. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { systemIds } from "../core/ids.ts";
import { openStore, type Store } from "./index.ts";
import { loadSqliteDriver, type SqlDatabase } from "./sqlite-driver.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-two-stores-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
let stateDir = "";
let stores: Store[] = [];
let locker: SqlDatabase;
beforeEach(async () => {
  stateDir = join(root, String(folders++), ".kiln");
  const open = () => openStore({ stateDir, ids: systemIds, environment: {} });
  stores = [await open(), await open()];
  // What another process does, as far as SQLite can tell.
  locker = (await loadSqliteDriver())(join(stateDir, "kiln.db"));
});
afterEach(async () => {
  locker.close();
  await Promise.all(stores.map((store) => store.close()));
});
const put = (store: Store | undefined, key: string, value: number): Promise<void> | undefined =>
  store?.write(() => store.collection<number>("n").put([key], value));
const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
};

it("two stores of one process write in the same turn of the event loop", async () => {
  const inMs = async (count: number, write: (n: number) => unknown): Promise<number> => {
    const started = performance.now();
    for (let n = 0; n < count; n++) await write(n);
    return performance.now() - started;
  };
  // What so many commits take on this disk at this time.
  const aloneMs = await inMs(40, (n) => put(stores[0], "alone", n));
  const togetherMs = await inMs(20, (n) =>
    Promise.all(stores.flatMap((store, s) => [put(store, `${s}`, n), put(store, "x", n)])),
  );
  // Far below the seconds that SQLite's own waiting took.
  expect(togetherMs).toBeLessThan(5_000 + 20 * aloneMs);
  for (const store of stores) expect(store.collection("n").count([])).toBe(4);
});

it("writes that come in turns after each other share a commit while several write", async () => {
  await Promise.all([put(stores[0], "a", 1), put(stores[0], "b", 1)]);
  const done: string[] = [];
  const writes = ["a", "b"].map((key) => put(stores[0], key, 2)?.then(() => done.push(key)));
  await turns(1);
  writes.push(put(stores[0], "c", 2)?.then(() => done.push("c")));
  expect(stores[0]?.collection("n").get(["a"])).toBe(2);
  await writes[0];
  await Promise.resolve();
  expect(done).toEqual(["a", "b", "c"]);
  expect(stores[1]?.collection("n").get(["c"])).toBe(2);
});

it("a write waits for another's lock while the event loop goes on and reads are answered", async () => {
  await put(stores[0], "a", 1);
  locker.exec("BEGIN IMMEDIATE");
  const order: number[] = [];
  const writes = [1, 2, 3].map((n) => put(stores[0], "a", n)?.then(() => order.push(n)));
  await turns(50);
  expect(order).toEqual([]);
  expect(stores[0]?.collection("n").get(["a"])).toBe(1);
  locker.exec("COMMIT");
  await Promise.all(writes);
  expect(order).toEqual([1, 2, 3]);
  expect(stores[1]?.collection("n").get(["a"])).toBe(3);
});

it("a waiting change that throws is refused alone, and a close waits for what waits", async () => {
  locker.exec("BEGIN IMMEDIATE");
  const store = stores[0] as Store;
  const refused = store.write(() => {
    throw new RangeError("no");
  });
  const kept = put(store, "a", 7);
  const closed = store.close();
  await turns(5);
  locker.exec("COMMIT");
  await expect(refused).rejects.toThrow(new RangeError("no"));
  await Promise.all([kept, closed]);
  expect(stores[1]?.collection("n").get(["a"])).toBe(7);
});

it("a folder opens while another has the lock", async () => {
  locker.exec("BEGIN IMMEDIATE");
  const store = await openStore({ stateDir, ids: systemIds, environment: {} });
  expect(store.collection("n").get(["a"])).toBeUndefined();
  locker.exec("COMMIT");
  await put(store, "a", 1);
  await store.close();
});
