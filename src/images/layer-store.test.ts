/** Layers on disk: packed when asked for, always to the same bytes; marks, capabilities and devices kept. */
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { link, lstat, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type LayerRecord, LayerStore } from "./layer-store.ts";
import { removeTree } from "./remove-tree.ts";
import { type ReadTarEntry, readTar, TAR_END, type TarHeaderEntry, tarHeader, tarPadding } from "./tar.ts";

const run = promisify(execFile);
const isRoot = process.platform === "linux" && process.geteuid?.() === 0;
/** CAP_NET_RAW, permitted and effective: capabilities(7), version 2. */
const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex").toString("latin1");

let dir = "";
let store: LayerStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kiln-layers-"));
  store = await LayerStore.open(join(dir, "store"));
});
afterEach(() => removeTree(dir));

type TextEntry = TarHeaderEntry & { readonly text?: string };

const entry = (name: string, more: Partial<TextEntry> = {}): TextEntry => ({
  ...{ name, type: "file", sizeBytes: 0, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 7, linkName: "" },
  ...more,
});

function archive(...entries: readonly TextEntry[]): Buffer {
  const parts = entries.flatMap(({ text = "", ...header }) => [
    tarHeader({ ...header, sizeBytes: text.length }),
    Buffer.from(text),
    tarPadding(text.length),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

const chunks = (bytes: Buffer): AsyncIterable<Buffer> =>
  (async function* () {
    yield bytes;
  })();

async function entriesOf(layer: LayerRecord): Promise<Omit<ReadTarEntry, "body">[]> {
  const found: Omit<ReadTarEntry, "body">[] = [];
  for await (const { body: _, ...one } of readTar(store.layerBytes(layer))) found.push(one);
  return found;
}

it("packs a layer when it is asked for, once, and keeps that", async () => {
  const layer = await store.newLayer([], async (writer) => {
    await writer.write("a", Buffer.from("text"), { mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 5 });
    await writer.finish();
    return store.commit(undefined, writer);
  });
  expect(layer).toMatchObject({ sizeBytes: 4 });
  expect(layer.blob).toBeUndefined();
  const [[first], [second]] = await Promise.all([store.packed([layer]), store.packed([layer])]);
  expect(first?.blob).toEqual(second?.blob);
  expect((await store.find(layer.chainId))?.blob).toEqual(first?.blob);
  const again = await LayerStore.open(join(dir, "other"));
  const moved = await again.add([], createReadStream(store.blobPath(first?.blob.digest ?? "")), layer.diffId);
  expect(moved.chainId).toBe(layer.chainId);
});

it("refuses to pack a layer that somebody changed", async () => {
  const layer = await store.newLayer([], async (writer) => {
    await writer.write("a", Buffer.from("text"), { mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 5 });
    return store.commit(undefined, writer);
  });
  await writeFile(join(store.layerDir(layer), "a"), "other");
  await expect(store.packed([layer])).rejects.toThrow("a layer's files have changed since it was built: ");
});

it("gives the bytes of a pulled layer back: links, modes, times, whiteouts, opaque folders, capabilities, devices", async () => {
  const tar = archive(
    entry("bin", { type: "directory", mode: 0o755 }),
    entry("bin/.wh..wh..opq", { mode: 0, mtimeSeconds: 0 }),
    entry("bin/.wh.gone", { mode: 0, mtimeSeconds: 0 }),
    entry("bin/null", { type: "character-device", device: { major: 1, minor: 3 }, mode: 0o666 }),
    entry("bin/ping", { mode: 0o4755, text: "elf", xattrs: { "security.capability": CAPABILITY } }),
    entry("bin/pipe", { type: "fifo" }),
    entry("bin/sh", { type: "symlink", linkName: "ping", mode: 0o777 }),
    entry("bin/twin", { type: "hardlink", linkName: "bin/ping", mode: 0o4755 }),
  );
  const layer = await store.add([], chunks(gzipSync(tar)));
  const parts: Buffer[] = [];
  for await (const part of store.layerBytes(layer)) parts.push(part);
  expect((await entriesOf(layer)).map(({ name }) => name)).toEqual([
    ...["bin", "bin/.wh..wh..opq", "bin/.wh.gone", "bin/null", "bin/ping", "bin/pipe", "bin/sh", "bin/twin"],
  ]);
  const given = [];
  for await (const { body: _, ...one } of readTar(chunks(tar))) given.push(one);
  expect(await entriesOf(layer)).toEqual(given);
  expect(Buffer.concat(parts).equals(tar)).toBe(true);
  expect(layer).toMatchObject({ whiteouts: ["bin/gone"], opaque: ["bin"] });
});

it.runIf(isRoot)("marks a pulled layer on disk for overlayfs and for commands, but makes no device", async () => {
  const layer = await store.add(
    [],
    chunks(
      archive(
        entry("d", { type: "directory", mode: 0o755 }),
        entry("d/.wh..wh..opq"),
        entry(".wh.gone"),
        entry("ping", { text: "elf", xattrs: { "security.capability": CAPABILITY } }),
        entry("sda", { type: "block-device", device: { major: 8, minor: 0 } }),
      ),
    ),
  );
  const at = store.layerDir(layer);
  expect((await lstat(join(at, "gone"))).isCharacterDevice()).toBe(true);
  expect((await lstat(join(at, "sda"))).isFile()).toBe(true);
  const { stdout } = await run("tar", ["--xattrs", "--xattrs-include=*", "-cf", "-", "-C", at, "d", "ping"], {
    encoding: "buffer",
  });
  const xattrs = new Map<string, Record<string, string>>();
  for await (const { name, xattrs: own } of readTar(chunks(stdout))) xattrs.set(name, { ...own });
  expect(xattrs.get("d")).toEqual({ "trusted.overlay.opaque": "y" });
  expect(xattrs.get("ping")).toEqual({ "security.capability": CAPABILITY });
});

it.runIf(process.platform === "linux")("reads what a command wrote to the bytes that it packs later", async () => {
  const upper = await store.newFolder();
  await mkdir(join(upper, "é/x"), { recursive: true });
  await writeFile(join(upper, "é/x/new\nline"), "1");
  await writeFile(join(upper, "a.txt"), "2".repeat(100_000));
  await writeFile(join(upper, "a"), "");
  await link(join(upper, "a.txt"), join(upper, "b"));
  await symlink("../é", join(upper, "l"));
  await run("mkfifo", [join(upper, "pipe")]);
  for (const at of ["1.999999999", "1700000000.9999997"])
    await run("touch", ["-d", `@${at}`, join(upper, at.length < 12 ? "a" : "b")]);
  if (isRoot) await run("sh", ["-c", 'mknod "$1/gone" c 0 0', "sh", upper]);
  const layer = await store.commitUpper(undefined, upper);
  expect(layer.whiteouts).toEqual(isRoot ? ["gone"] : []);
  expect(layer.sizeBytes).toBe(100_001);
  const [packed] = await store.packed([layer]);
  expect(packed?.blob.sizeBytes).toBeGreaterThan(0);
  const names = (await entriesOf(layer)).map(({ name }) => name);
  expect(names).toEqual(
    [...(isRoot ? [".wh.gone"] : []), "a", "a.txt", "b", "l", "pipe", "é", "é/x", "é/x/new\nline"].sort((a, b) =>
      Buffer.compare(Buffer.from(a.replace(".wh.", "")), Buffer.from(b.replace(".wh.", ""))),
    ),
  );
});

it("digests the contents of a layer without their times", async () => {
  const make = (mtimeSeconds: number, text: string): Promise<LayerRecord> =>
    store.add([], chunks(archive(entry("a", { mtimeSeconds, text }))));
  const [one, later, other] = [await make(1, "x"), await make(2, "x"), await make(1, "y")];
  expect(one.diffId).not.toBe(later.diffId);
  expect(await store.contentDigest(one)).toBe(await store.contentDigest(later));
  expect(await store.contentDigest(one)).not.toBe(await store.contentDigest(other));
});

it("refuses a layer whose digest is another, and leaves nothing of it", async () => {
  await expect(store.add([], chunks(archive(entry("a"))), "sha256:0")).rejects.toThrow("layer verification failed");
  expect(await store.find("sha256:0")).toBeUndefined();
});

it.runIf(isRoot)("is nobody else's to look into: layers hold set-id programs", async () => {
  expect(((await lstat(join(store.dir, "layers"))).mode & 0o777).toString(8)).toBe("700");
  expect(await readFile(join(dir, "nothing"), "utf8").catch(() => "absent")).toBe("absent");
});

it("removes what processes that are gone were making, and nothing of those that still do", async () => {
  const own = await store.temporary();
  await mkdir(join(own.replace(`-${process.pid}-`, "-999999999-"), "d"), { recursive: true });
  await LayerStore.removeLeft(store.dir);
  expect(await readdir(join(store.dir, "tmp"))).toEqual([basename(own)]);
});
