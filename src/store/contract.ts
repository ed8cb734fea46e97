/**
 * What every adapter of the store port must do; called once per adapter by store.test.ts. `open` gives a fresh, empty
 * store; the suite closes it.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DigestMismatch, type Key, type Store, UploadIsWhole } from "./store.ts";

export function storeContract(adapter: string, open: () => Promise<Store>): void {
  describe(`store contract: ${adapter}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it("reads what was written, at once and after the write resolved", async () => {
      const numbers = store.collection<{ n: number }>("numbers");
      const written = store.write(() => numbers.put(["a"], { n: 1 }));
      expect(numbers.get(["a"])).toEqual({ n: 1 });
      await written;
      expect(numbers.get(["a"])).toEqual({ n: 1 });
      expect(numbers.has(["a"])).toBe(true);
      expect(numbers.get(["b"])).toBeUndefined();
      expect(numbers.has(["b"])).toBe(false);
    });

    it("replaces and deletes, and ignores the delete of an absent key", async () => {
      const words = store.collection<string>("words");
      await store.write(() => words.put(["a"], "one"));
      await store.write(() => {
        words.put(["a"], "two");
        words.delete(["nowhere"]);
      });
      expect(words.get(["a"])).toBe("two");
      await store.write(() => words.delete(["a"]));
      expect(words.get(["a"])).toBeUndefined();
    });

    it("keeps collections apart", async () => {
      await store.write(() => store.collection("one").put(["k"], 1));
      expect(store.collection("two").get(["k"])).toBeUndefined();
    });

    it("gives the function's result to the writer", async () => {
      await expect(store.write(() => 7)).resolves.toBe(7);
    });

    it("undoes only the write whose function throws", async () => {
      const words = store.collection<string>("words");
      const first = store.write(() => words.put(["first"], "kept"));
      const failed = store.write(() => {
        words.put(["second"], "undone");
        words.put(["first"], "undone");
        throw new RangeError("no");
      });
      const third = store.write(() => words.put(["third"], "kept"));
      await expect(failed).rejects.toThrow(new RangeError("no"));
      await Promise.all([first, third]);
      expect(words.list([]).map((entry) => entry.value)).toEqual(["kept", "kept"]);
    });

    it("refuses put and delete outside a write, and a write inside a write", async () => {
      const words = store.collection<string>("words");
      expect(() => words.put(["a"], "x")).toThrow("collection words: put and delete only inside Store.write");
      expect(() => words.delete(["a"])).toThrow("collection words: put and delete only inside Store.write");
      let inner: Promise<unknown> | undefined;
      await store.write(() => {
        inner = store.write(() => undefined);
        inner.catch(() => undefined);
      });
      await expect(inner).rejects.toThrow("write inside a write: change everything in one function");
    });

    it("refuses an asynchronous change and undoes it", async () => {
      const words = store.collection<string>("words");
      const written = store.write(async () => words.put(["a"], "x"));
      await expect(written).rejects.toThrow("the function given to write must not be asynchronous");
      expect(words.get(["a"])).toBeUndefined();
    });

    it("lists by whole parts of the prefix, the prefix itself included", async () => {
      const words = store.collection<string>("words");
      const keys: Key[] = [["a"], ["a", "b"], ["a", "b", "c"], ["a", "bc"], ["ab"], ["b"]];
      await store.write(() => {
        for (const key of keys) words.put(key, key.join("/"));
      });
      expect(words.list(["a", "b"]).map((entry) => entry.value)).toEqual(["a/b", "a/b/c"]);
      expect(words.list(["a"]).map((entry) => entry.key)).toEqual(keys.slice(0, 4));
      expect(words.list([], { reverse: true }).map((entry) => entry.key)).toEqual([...keys].reverse());
    });

    it("counts what a list would give, with the changes of the running write", async () => {
      const words = store.collection<string>("words");
      const keys: Key[] = [["a"], ["a", "b"], ["a", "b", "c"], ["ab"]];
      const counts = () => [[], ["a"], ["a", "b"], ["b"]].map((prefix) => words.count(prefix));
      await store.write(() => {
        for (const key of keys) words.put(key, key.join("/"));
        expect(counts()).toEqual([4, 3, 2, 0]);
      });
      await store.write(() => {
        words.delete(["a", "b"]);
        expect(counts()).toEqual([3, 2, 1, 0]);
      });
      expect(counts()).toEqual([3, 2, 1, 0]);
    });

    it("pages with limit and after in both directions, inside the prefix only", async () => {
      const words = store.collection<number>("words");
      await store.write(() => {
        for (let n = 1; n <= 5; n++) words.put(["p", String(n)], n);
        words.put(["o", "9"], 0);
        words.put(["q", "1"], 9);
      });
      const values = (options: object) => words.list(["p"], options).map((entry) => entry.value);
      expect(values({ limit: 2 })).toEqual([1, 2]);
      expect(values({ limit: 2, after: ["p", "2"] })).toEqual([3, 4]);
      expect(values({ after: ["p", "5"] })).toEqual([]);
      expect(values({ reverse: true, limit: 2 })).toEqual([5, 4]);
      expect(values({ reverse: true, after: ["p", "3"] })).toEqual([2, 1]);
      expect(values({ after: ["o"] })).toEqual([1, 2, 3, 4, 5]);
      expect(values({ reverse: true, after: ["q"] })).toEqual([5, 4, 3, 2, 1]);
    });

    it("orders any keys bytewise by part and gives them back unchanged", async () => {
      const control = fc.constantFrom("\u0000", "\u0001", "\u0002");
      const part = fc.oneof(
        fc.string({ unit: "binary", maxLength: 6 }),
        fc.string({ unit: fc.oneof(control, fc.constantFrom("a", "b")), maxLength: 4 }),
      );
      const keyOf = fc.array(part, { minLength: 1, maxLength: 3 });
      const compare = (a: Key, b: Key): number => {
        for (let i = 0; i < Math.min(a.length, b.length); i++) {
          const order = Buffer.compare(Buffer.from(a[i] ?? ""), Buffer.from(b[i] ?? ""));
          if (order !== 0) return order;
        }
        return a.length - b.length;
      };
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(keyOf, { maxLength: 8 }), async (keys) => {
          const found = store.collection<Key>(`round ${round++}`);
          await store.write(() => {
            for (const key of keys) found.put(key, key);
          });
          const unique = new Map(keys.map((key) => [JSON.stringify(key), key]));
          expect(found.list([]).map((entry) => entry.key)).toEqual([...unique.values()].sort(compare));
          for (const key of keys) expect(found.get(key)).toEqual(key);
        }),
        { numRuns: 60 },
      );
    });

    it("keeps a key part with U+0000 apart from two parts", async () => {
      const collection = store.collection<number>("c");
      await store.write(() => {
        collection.put(["a", "b"], 1);
        collection.put(["a\u0000b"], 2);
      });
      expect([collection.get(["a", "b"]), collection.get(["a\u0000b"])]).toEqual([1, 2]);
      expect(collection.list(["a"]).map((entry) => entry.key)).toEqual([["a", "b"]]);
    });

    it("seals so that only the same context opens it", () => {
      const sealed = store.seal(Buffer.from("hunter2"), "key 1");
      expect(sealed).not.toContain(Buffer.from("hunter2").toString("base64"));
      expect(store.unseal(sealed, "key 1").toString()).toBe("hunter2");
      expect(() => store.unseal(sealed, "key 2")).toThrow("the master key does not fit the stored state");
      expect(() => store.unseal(`${sealed.slice(0, -8)}AAAAAAA=`, "key 1")).toThrow();
    });

    it("close waits for writes that were not yet committed", async () => {
      const written = store.write(() => store.collection("words").put(["a"], 1));
      await store.close();
      await written;
      await expect(store.write(() => 1)).rejects.toThrow("write on a closed store");
    });

    describe("blobs", () => {
      const bytes = Buffer.from("the quick brown fox".repeat(10_000));
      const sha256 = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      const sha512 = `sha512:${createHash("sha512").update(bytes).digest("hex")}`;
      const chunks = async function* (from: number, to: number) {
        for (let at = from; at < to; at += 65_536) yield bytes.subarray(at, Math.min(to, at + 65_536));
      };

      it.each([sha256, sha512])("keeps bytes under their digest %s", async (digest) => {
        const upload = await store.blobs.upload("u1");
        await upload.append(chunks(0, bytes.length));
        expect(upload.size).toBe(bytes.length);
        expect(await store.blobs.size(digest)).toBeUndefined();
        await upload.commit(digest);
        expect(await store.blobs.size(digest)).toBe(bytes.length);
        expect(await buffer(store.blobs.read(digest))).toEqual(bytes);
        expect(await buffer(store.blobs.read(digest, { start: 4, end: 9 }))).toEqual(Buffer.from("quick"));
        expect(await buffer(store.blobs.read(digest, { start: 4, end: 4 }))).toEqual(Buffer.alloc(0));
        await store.blobs.delete(digest);
        expect(await store.blobs.size(digest)).toBeUndefined();
        expect(() => store.blobs.read(digest)).toThrow("ENOENT");
        await store.blobs.delete(digest);
      });

      it("resumes an upload where it stopped", async () => {
        await (await store.blobs.upload("u2")).append(chunks(0, 100_000));
        const again = await store.blobs.upload("u2");
        expect(again.size).toBe(100_000);
        await again.append(chunks(100_000, bytes.length));
        await again.commit(sha256);
        expect(await store.blobs.size(sha256)).toBe(bytes.length);
        expect((await store.blobs.upload("u2")).size).toBe(0);
      });

      it("keeps what arrived before the sender broke off", async () => {
        const upload = await store.blobs.upload("u3");
        const breaking = async function* () {
          yield bytes.subarray(0, 50_000);
          throw new Error("connection reset");
        };
        await expect(upload.append(breaking())).rejects.toThrow("connection reset");
        expect(upload.size).toBe(50_000);
        await upload.append(chunks(50_000, bytes.length));
        await upload.commit(sha256);
        expect(await store.blobs.size(sha256)).toBe(bytes.length);
      });

      it("refuses content of another digest and keeps the upload", async () => {
        const upload = await store.blobs.upload("u4");
        await upload.append(chunks(0, 5));
        const wrong = upload.commit(sha256);
        await expect(wrong).rejects.toThrow(DigestMismatch);
        await expect(wrong).rejects.toThrow(`not ${sha256}`);
        expect((await store.blobs.upload("u4")).size).toBe(5);
        await upload.cancel();
        expect((await store.blobs.upload("u4")).size).toBe(0);
      });

      it("tells the digest of an upload, and which ones are unfinished", async () => {
        const [going, done, gone] = await Promise.all(["u1", "u2", "u3"].map((id) => store.blobs.upload(id)));
        await done?.append(chunks(0, bytes.length));
        expect(await done?.digest()).toBe(sha256);
        await done?.commit(sha256);
        await gone?.cancel();
        await going?.append(chunks(0, 100));
        expect(await store.blobs.uploads()).toEqual(["u1"]);
      });

      it("publishes an upload that stays until it is cancelled, and cannot grow any more", async () => {
        const upload = await store.blobs.upload("u1");
        await upload.append(chunks(0, bytes.length));
        expect([upload.isPublished, store.blobs.hasNow(sha256)]).toEqual([false, false]);
        await upload.publish(sha256);
        expect([upload.isPublished, store.blobs.hasNow(sha256)]).toEqual([true, true]);
        const again = await store.blobs.upload("u1");
        expect([again.isPublished, again.size, await again.digest("sha512")]).toEqual([true, bytes.length, sha512]);
        await expect(again.append(chunks(0, 5))).rejects.toThrow(UploadIsWhole);
        await again.append(chunks(0, 0));
        // Another client's upload of the same.
        const other = await store.blobs.upload("u2");
        await other.append(chunks(0, bytes.length));
        await other.publish(sha256);
        await Promise.all([again.cancel(), other.cancel()]);
        expect(await store.blobs.uploads()).toEqual([]);
        expect(await buffer(store.blobs.read(sha256))).toEqual(bytes);
        store.blobs.deleteNow(sha256);
        store.blobs.deleteNow(sha256);
        expect(store.blobs.hasNow(sha256)).toBe(false);
      });

      it("hashes as it goes under the algorithm that was asked for, the empty blob included", async () => {
        const upload = await store.blobs.upload("u1", "sha512");
        await upload.append(chunks(0, 100_000));
        await upload.append(chunks(100_000, bytes.length));
        await upload.commit(sha512);
        const empty = await store.blobs.upload("u2");
        await empty.commit(`sha256:${createHash("sha256").digest("hex")}`);
        expect(await store.blobs.size(`sha256:${createHash("sha256").digest("hex")}`)).toBe(0);
      });

      it("gives pieces whose memory is used again, of any range, also while the blob is deleted", async () => {
        const large = Buffer.concat(Array.from({ length: 12 }, (_, n) => Buffer.alloc(200_000, n)));
        const digest = `sha256:${createHash("sha256").update(large).digest("hex")}`;
        const upload = await store.blobs.upload("u1");
        await upload.append(Readable.from([large]));
        await upload.commit(digest);
        for (const range of [
          undefined,
          { start: 0, end: 1 },
          { start: 600_000, end: 1_700_001 },
          { start: 5, end: 5 },
        ]) {
          const copies: Buffer[] = [];
          for await (const piece of store.blobs.pieces(digest, range)) copies.push(Buffer.from(piece));
          expect(Buffer.concat(copies).equals(large.subarray(range?.start, range?.end))).toBe(true);
        }
        const reader = store.blobs.pieces(digest);
        const first = Buffer.from((await reader.next()).value ?? []);
        await store.blobs.delete(digest);
        const rest: Buffer[] = [];
        for await (const piece of reader) rest.push(Buffer.from(piece));
        expect(Buffer.concat([first, ...rest]).equals(large)).toBe(true);
        expect(() => store.blobs.pieces(digest)).toThrow("ENOENT");
      });

      it("refuses a digest or an upload id that would leave its folder", async () => {
        await expect(store.blobs.size("sha256:../../etc/passwd")).rejects.toThrow("not a digest");
        await expect(store.blobs.upload("../x")).rejects.toThrow("not an upload id");
      });
    });
  });
}
