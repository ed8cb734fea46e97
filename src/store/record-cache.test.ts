import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemIds } from "../core/ids.ts";
import { openStore } from "./index.ts";
import { parsedValue, RecordCache } from "./record-cache.ts";
import type { Store } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-cache-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const entry = (text: string | undefined) => ({ text, value: undefined });
/** Ends the turn of the event loop: what was known of other processes is asked again. */
const nextTurn = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)));

describe("RecordCache", () => {
  it("keeps what is asked for and drops what is not, within its bound", () => {
    const cache = new RecordCache(10_000);
    cache.set("hot", entry("1"));
    for (let n = 0; n < 1_000; n++) {
      cache.set(`cold ${n}`, entry("x".repeat(20)));
      expect(cache.get("hot")).toEqual(entry("1"));
    }
    const kept = Array.from({ length: 1_000 }, (_, n) => cache.get(`cold ${n}`)).filter(Boolean);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(100);
  });

  it("forgets the old entry of a record that has become too large to keep", () => {
    const cache = new RecordCache(10_000);
    cache.set("a", entry("1"));
    cache.replace("a", entry("x".repeat(9_000)));
    expect(cache.get("a")).toBeUndefined();
  });

  it("replaces only what is there", () => {
    const cache = new RecordCache();
    cache.replace("a", entry("1"));
    expect(cache.get("a")).toBeUndefined();
  });

  it("parses a text once and freezes it to the bottom", () => {
    const one = entry('{"a":{"b":[1]}}');
    const value = parsedValue<{ a: { b: number[] } }>(one);
    expect(parsedValue(one)).toBe(value);
    expect(() => value?.a.b.push(2)).toThrow(TypeError);
    expect(parsedValue(entry(undefined))).toBeUndefined();
  });
});

describe("records read through the cache", () => {
  let folders = 0;
  let stateDir: string;
  let store: Store;
  let other: Store;
  const open = (): Promise<Store> => openStore({ stateDir, ids: systemIds, environment: {} });

  beforeEach(async () => {
    stateDir = join(root, String(folders++), ".kiln");
    store = await open();
    other = await open();
    await store.write(() => store.collection("words").put(["a"], "one"));
    await nextTurn();
  });
  afterEach(async () => {
    await store.close();
    await other.close();
  });

  it("are those of another process as soon as its write is committed", () => {
    expect(store.collection("words").get(["a"])).toBe("one");
    expect(store.collection("words").get(["b"])).toBeUndefined();
    return nextTurn().then(async () => {
      const script = `
        const { default: Database } = await import("libsql");
        const database = new Database(process.argv[1]);
        database.exec("UPDATE records SET value = '\\"two\\"' WHERE collection = 'words'");
        database.prepare("INSERT INTO records VALUES (?, ?, '\\"new\\"')").run("words", Buffer.of(98, 0));
        database.close();`;
      execFileSync(process.execPath, ["--input-type=module", "-e", script, join(stateDir, "kiln.db")], {
        cwd: resolve(import.meta.dirname, "../.."),
      });
      expect(store.collection("words").get(["a"])).toBe("two");
      expect(store.collection("words").get(["b"])).toBe("new");
    });
  });

  it("follow two connections that write in turn", async () => {
    for (let n = 0; n < 20; n++) {
      const [writer, reader] = n % 2 === 0 ? [store, other] : [other, store];
      await writer.write(() => writer.collection("words").put(["a"], n));
      await nextTurn();
      expect(reader.collection("words").get(["a"])).toBe(n);
    }
  });

  it("are up to date inside a write, also in the turn of an earlier read", async () => {
    const counters = (of: Store) => of.collection<number>("counters");
    const count = (of: Store) => of.write(() => counters(of).put(["n"], (counters(of).get(["n"]) ?? 0) + 1));
    for (let n = 0; n < 50; n++) {
      counters(store).get(["n"]);
      counters(other).get(["n"]);
      await count(other);
      await count(store);
    }
    expect(counters(store).get(["n"])).toBe(100);
  });

  it("are as before after a write that threw", async () => {
    const words = store.collection<string>("words");
    expect(words.get(["a"])).toBe("one");
    const failed = store.write(() => {
      words.put(["a"], "undone");
      expect(words.get(["a"])).toBe("undone");
      throw new RangeError("no");
    });
    expect(words.get(["a"])).toBe("one");
    await expect(failed).rejects.toThrow(RangeError);
    expect(words.get(["a"])).toBe("one");
  });

  it("are as before after a write that threw when SQLite had seen its changes", async () => {
    const words = store.collection<string>("words");
    const kept = store.write(() => words.put(["b"], "kept"));
    const failed = store.write(() => {
      words.put(["a"], "undone");
      words.delete(["b"]);
      // A range is SQLite's to answer: it needs the changes.
      expect(words.list([]).map(({ value }) => value)).toEqual(["undone"]);
      expect(words.get(["a"])).toBe("undone");
      expect(words.get(["b"])).toBeUndefined();
      throw new RangeError("no");
    });
    expect(words.get(["a"])).toBe("one");
    expect(words.get(["b"])).toBe("kept");
    await expect(failed).rejects.toThrow(RangeError);
    await kept;
    await nextTurn();
    expect(
      other
        .collection("words")
        .list([])
        .map(({ value }) => value),
    ).toEqual(["one", "kept"]);
    expect(words.list([]).map(({ value }) => value)).toEqual(["one", "kept"]);
  });

  it("goes on after a list in the middle of a write", async () => {
    const words = store.collection<string>("words");
    await store.write(() => {
      for (const { key } of words.list([])) words.delete(key);
      for (let n = 0; n < 20; n++) words.put(["n", String(n).padStart(2, "0")], String(n));
      expect(words.list(["n"])).toHaveLength(20);
      words.put(["n", "00"], "again");
      words.delete(["n", "19"]);
    });
    const found = other.collection<string>("words").list([]);
    expect(found).toHaveLength(19);
    expect(found[0]).toEqual({ key: ["n", "00"], value: "again" });
    expect(words.list([])).toEqual(found);
  });

  it("are not visible to others before their turn is committed", async () => {
    const written = store.write(() => store.collection("words").put(["a"], "two"));
    expect(store.collection("words").get(["a"])).toBe("two");
    expect(other.collection("words").get(["a"])).toBe("one");
    await written;
    await nextTurn();
    expect(other.collection("words").get(["a"])).toBe("two");
  });

  it("cannot be changed in place", () => {
    const value = store.collection<{ n: number }>("things");
    return store
      .write(() => value.put(["a"], { n: 1 }))
      .then(() => {
        expect(() => Object.assign(value.get(["a"]) ?? {}, { n: 2 })).toThrow(TypeError);
        expect(value.get(["a"])).toEqual({ n: 1 });
      });
  });

  it("are JSON: anything else is refused where it is written", async () => {
    const things = store.collection<unknown>("things");
    const written = store.write(() => things.put(["a"], undefined));
    await expect(written).rejects.toThrow("collection things: the value is not JSON");
  });

  it("have one key for a lone surrogate and what SQLite makes of it", async () => {
    const words = store.collection<string>("words");
    await store.write(() => words.put(["\ud800"], "lone"));
    expect(words.get(["\ufffd"])).toBe("lone");
    await store.write(() => words.put(["\ufffd"], "replaced"));
    expect(words.get(["\ud800"])).toBe("replaced");
  });
});
