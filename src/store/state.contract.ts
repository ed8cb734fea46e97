/**
 * What every adapter of the store port must do with the state as a whole: reset, save, restore. Called once per adapter by
 * store.test.ts. `open` gives a fresh, empty store; the suite closes it.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TestClock } from "../core/clock.ts";
import type { KilnError } from "../core/errors.ts";
import type { StateFolder, Store } from "./store.ts";

export const STATE_CLOCK = new TestClock();

export function stateContract(adapter: string, open: () => Promise<Store>): void {
  describe(`state as a whole: ${adapter}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const put = (key: string, value: string): Promise<void> =>
      store.write(() => store.collection<string>("words").put([key], value));
    const words = (): Record<string, string> =>
      Object.fromEntries(
        store
          .collection<string>("words")
          .list([])
          .map(({ key, value }) => [key[0] ?? "", value]),
      );
    const putBlob = async (text: string): Promise<string> => {
      const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
      const upload = await store.blobs.upload(`of-${text.length}-${digest.slice(-8)}`);
      await upload.append(chunk(text));
      await upload.commit(digest);
      return digest;
    };
    const chunk = async function* (text: string) {
      yield Buffer.from(text);
    };
    const putFile = async (folder: StateFolder, name: string, text: string): Promise<void> => {
      await mkdir(join(store.folder(folder), "one"), { recursive: true });
      await writeFile(join(store.folder(folder), "one", name), text);
    };
    const fileOf = (folder: StateFolder, name: string): Promise<string | undefined> =>
      readFile(join(store.folder(folder), "one", name), "utf8").catch(() => undefined);
    const refusalOf = (promise: Promise<unknown>): Promise<KilnError> =>
      promise.then(
        () => {
          throw new Error("not refused");
        },
        (error: KilnError) => error,
      );

    it("forgets records, blobs, uploads and files at a reset, and goes on from there", async () => {
      await put("a", "1");
      const digest = await putBlob("bytes");
      await (await store.blobs.upload("open")).append(chunk("half"));
      for (const folder of ["logs", "builds", "artifacts", "cache"] as const) await putFile(folder, "f", "text");
      const old = store.folder("logs");
      await store.reset();
      expect(words()).toEqual({});
      expect(store.collection("words").get(["a"])).toBeUndefined();
      expect(await store.blobs.size(digest)).toBeUndefined();
      expect(await store.blobs.uploads()).toEqual([]);
      expect((await store.blobs.upload("open")).size).toBe(0);
      expect(existsSync(old)).toBe(false);
      for (const folder of ["logs", "builds", "artifacts", "cache"] as const) {
        expect(await fileOf(folder, "f")).toBeUndefined();
      }
      await put("a", "2");
      expect(await putBlob("bytes")).toBe(digest);
      await putFile("logs", "f", "new");
      expect(words()).toEqual({ a: "2" });
      await store.reset();
      expect([words(), await store.blobs.size(digest)]).toEqual([{}, undefined]);
    });

    it("opens what was sealed before, and keeps the mappings of images", async () => {
      const sealed = store.seal(Buffer.from("x"), "c");
      await store.write(() => store.collection("images.map").put(["python"], { to: "local" }));
      await store.saveSnapshot("s");
      await store.reset();
      await store.write(() => store.collection("images.map").put(["python"], { to: "newer" }));
      await store.restoreSnapshot("s");
      expect(store.unseal(sealed, "c").toString()).toBe("x");
      expect(store.collection("images.map").get(["python"])).toEqual({ to: "newer" });
    });

    it("brings back all of what was saved, as often as wanted", async () => {
      await put("a", "1");
      await put("b", "1");
      const [kept, dropped] = [await putBlob("kept"), await putBlob("dropped")];
      await (await store.blobs.upload("open")).append(chunk("half"));
      for (const folder of ["logs", "builds", "artifacts", "cache"] as const) await putFile(folder, "f", "text");
      await symlink("f", join(store.folder("artifacts"), "one", "link"));
      const info = await store.saveSnapshot("first");
      expect(info).toMatchObject({ name: "first", createdAtMs: STATE_CLOCK.nowMs(), records: 2 });
      expect(info.bytes).toBeGreaterThan("kept dropped half text text text".length);

      for (let round = 0; round < 2; round++) {
        await put("a", "2");
        await store.write(() => store.collection("words").delete(["b"]));
        await put("c", "3");
        await store.write(() => store.blobs.deleteNow(dropped));
        await putBlob("another");
        await (await store.blobs.upload("open")).append(chunk(" more"));
        for (const folder of ["builds", "artifacts"] as const) await putFile(folder, "f", "changed");
        await appendFile(join(store.folder("logs"), "one", "f"), " and more");
        await putFile("logs", "g", "new");
        await store.restoreSnapshot("first");
        expect(words()).toEqual({ a: "1", b: "1" });
        expect((await buffer(store.blobs.read(kept))).toString()).toBe("kept");
        expect((await buffer(store.blobs.read(dropped))).toString()).toBe("dropped");
        const upload = await store.blobs.upload("open");
        expect([upload.size, upload.isPublished]).toEqual([4, false]);
        expect(await fileOf("builds", "f")).toBe("text");
        expect(await fileOf("artifacts", "link")).toBe("text");
        expect(await fileOf("cache", "f")).toBeUndefined();
        // Places in a log file are said by records: what follows them is nobody's.
        expect(await fileOf("logs", "f")).toMatch(/^text/);
        expect(await fileOf("logs", "g")).toBeUndefined();
      }
    });

    it("keeps several, replaces one of the same name, deletes them, survives a reset", async () => {
      await put("a", "1");
      await store.saveSnapshot("one");
      await put("a", "2");
      await store.saveSnapshot("two");
      await put("a", "3");
      await store.saveSnapshot("one");
      await store.reset();
      expect((await store.snapshots()).map(({ name }) => name)).toEqual(["one", "two"]);
      await store.restoreSnapshot("two");
      expect(words()).toEqual({ a: "2" });
      await store.restoreSnapshot("one");
      expect(words()).toEqual({ a: "3" });
      await store.deleteSnapshot("one");
      expect((await store.snapshots()).map(({ name }) => name)).toEqual(["two"]);
      const error = await refusalOf(store.restoreSnapshot("one"));
      expect([error.code, error.message, error.fix]).toEqual([
        "KILN_E_NO_SNAPSHOT",
        "there is no snapshot `one`",
        ["save one of that name first"],
      ]);
      expect((await refusalOf(store.deleteSnapshot("tw"))).fix).toEqual(["did you mean `two`?"]);
      expect(words()).toEqual({ a: "3" });
    });

    it.each(["", ".", "..", "a/b", "ä", "x".repeat(65)])("refuses the name %j", async (name) => {
      const error = await refusalOf(store.saveSnapshot(name));
      expect([error.code, error.message]).toEqual(["KILN_E_SNAPSHOT_NAME", `\`${name}\` is not a name for a snapshot`]);
      for (const refused of [store.restoreSnapshot(name), store.deleteSnapshot(name)]) {
        expect((await refusalOf(refused)).code).toBe("KILN_E_SNAPSHOT_NAME");
      }
    });

    it("has a name that begins with a dot, and the longest one", async () => {
      for (const name of [".a", "...", "x".repeat(64)]) await store.saveSnapshot(name);
      expect(await store.snapshots()).toHaveLength(3);
    });

    it("takes writes that come meanwhile after it, in their order; those before it belong to it", async () => {
      for (let n = 0; n < 30; n++) await put(`n${n}`, "x".repeat(200));
      const before = put("before", "1");
      const saved = store.saveSnapshot("s");
      const during = [put("during", "1"), put("during", "2")];
      await Promise.all([before, saved, ...during]);
      const reset = store.reset();
      await Promise.all([reset, put("after", "1")]);
      expect([{}, { after: "1" }]).toContainEqual(words());
      await store.restoreSnapshot("s");
      expect(words()).toMatchObject({ before: "1" });
      expect([undefined, "2"]).toContain(words()["during"]);
    });

    it("is saved in one piece while writers go on: records that are written together are together in it", async () => {
      let isOver = false;
      const writer = async (): Promise<void> => {
        for (let n = 1; !isOver; n++) {
          await store.write(() => {
            for (const key of ["x", "y", "z"]) store.collection("words").put([key], String(n));
          });
        }
      };
      const writing = writer();
      for (let round = 0; round < 5; round++) {
        await put("turn", String(round));
        await store.saveSnapshot(`s${round}`);
      }
      isOver = true;
      await writing;
      for (let round = 0; round < 5; round++) {
        await store.restoreSnapshot(`s${round}`);
        const { x, y, z, turn } = words();
        expect([turn, y, z]).toEqual([String(round), x, x]);
      }
    });

    it("is what it was in every record when there are many", async () => {
      const many = store.collection<number>("many");
      await store.write(() => {
        for (let n = 0; n < 5_000; n++) many.put(["k", String(n)], n);
      });
      expect(await store.saveSnapshot("many")).toMatchObject({ records: 5_000 });
      await store.write(() => {
        for (let n = 0; n < 5_000; n += 3) many.delete(["k", String(n)]);
      });
      await store.restoreSnapshot("many");
      expect(many.count([])).toBe(5_000);
      expect(many.get(["k", "4998"])).toBe(4_998);
    });
  });
}
