import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemIds } from "../../core/ids.ts";
import { ownerName } from "../../core/owned-folders.ts";
import { bytesOf } from "../../core/streaming-blob.ts";
import { openStore, type Store } from "../../store/index.ts";
import { ContentStore } from "./content-store.ts";

/** No process has it: the largest there can be. */
/** The number of this process at another time; where times are not told, one that no process has. */
const GONE = existsSync("/proc/self/ns/pid") ? ownerName().replace(/\d+$/, "1") : "0-999999999-0";
const KEY = Buffer.alloc(32, 7);
let stateDir: string;
let store: Store;
let contents: ContentStore;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "kiln-contents-"));
  store = await openStore({ ids: systemIds, stateDir });
  contents = new ContentStore(store, systemIds);
});

afterEach(async () => {
  await store.close();
  await rm(stateDir, { recursive: true, force: true });
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(join(stateDir, folder), { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

it("gives back any range of contents in a row, across frames and parts", async () => {
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 31) % 253));
  const cuts = [0, 131_072, 131_073, 400_000, 700_000];
  const parts = await Promise.all(
    cuts.slice(1).map((end, i) => contents.write(KEY, pieces(bytes.subarray(cuts[i], end), 50_001))),
  );
  expect(parts.map(({ size }) => size)).toEqual([131_072, 1, 268_927, 300_000]);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.nat(bytes.length), async (a, b) => {
      const range = { start: Math.min(a, b), end: Math.max(a, b) };
      const read = await bytesOf(contents.read(KEY, parts, range));
      expect(read.equals(bytes.subarray(range.start, range.end))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

it("leaves nothing in clear on the disk, and notices changed bytes", async () => {
  const part = await contents.write(KEY, pieces(Buffer.from("a secret that must not lie about"), 8));
  const [file = ""] = await filesBelow("blobs");
  const sealed = await readFile(file);
  expect(sealed.includes("secret")).toBe(false);
  const range = { start: 0, end: part.size };
  await writeFile(
    file,
    sealed.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
  );
  await expect(bytesOf(contents.read(KEY, [part], range))).rejects.toThrow();
  await truncate(file, 0);
  await expect(bytesOf(contents.read(KEY, [part], range))).rejects.toThrow("ends after 0 of 32 bytes");
});

it("keeps nothing of a body that breaks off", async () => {
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(200_000);
    throw new Error("the client went away");
  }
  await expect(contents.write(KEY, breaking())).rejects.toThrow("the client went away");
  expect([await filesBelow("blobs"), await filesBelow("uploads")]).toEqual([[], []]);
});

it("removes a file only when its last reader is done", async () => {
  const part = await contents.write(KEY, pieces(Buffer.alloc(300_000, 5), 300_000));
  const reading = contents.read(KEY, [part], { start: 0, end: 300_000 });
  const first = await reading.next();
  await store.write(() => contents.disown([part]));
  await contents.remove([part]);
  expect(await filesBelow("blobs")).toHaveLength(1);
  const rest = await bytesOf(reading);
  expect((first.value as Uint8Array).length + rest.length).toBe(300_000);
  expect(await filesBelow("blobs")).toHaveLength(0);
});

it("keeps a file from the moment it is asked for, and lets it go when nobody reads after all", async () => {
  const part = await contents.write(KEY, pieces(Buffer.alloc(300_000, 5), 300_000));
  const range = { start: 0, end: 300_000 };
  const [read, unread] = [contents.read(KEY, [part], range), contents.read(KEY, [part], range)];
  await store.write(() => contents.disown([part]));
  await contents.remove([part]);
  expect(await bytesOf(read)).toHaveLength(300_000);
  expect(await filesBelow("blobs")).toHaveLength(1);
  await unread.return?.();
  expect(await filesBelow("blobs")).toHaveLength(0);
});

it("finishes what a killed process left, also when its number was given again, and leaves alone what a living one does", async () => {
  const orphan = await contents.write(KEY, pieces(Buffer.from("never acknowledged"), 100));
  const owned = await contents.write(KEY, pieces(Buffer.from("owned"), 100));
  const inWork = await contents.write(KEY, pieces(Buffer.from("in work"), 100));
  await store.write(() => {
    contents.own([owned]);
    store.collection("s3/unowned").put([orphan.blob], { owner: GONE });
  });
  for (const id of [`s3-${GONE}-half`, `s3-${ownerName()}-going-on`, "registry-upload"]) {
    await (await store.blobs.upload(id)).append(pieces(Buffer.from("half"), 100));
  }
  await new ContentStore(store, systemIds).sweep();
  expect((await store.blobs.uploads()).toSorted()).toEqual(["registry-upload", `s3-${ownerName()}-going-on`]);
  expect(await store.blobs.size(orphan.blob)).toBeUndefined();
  expect(await store.blobs.size(owned.blob)).toBeDefined();
  expect(await store.blobs.size(inWork.blob)).toBeDefined();
});
