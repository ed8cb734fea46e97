/** The archive of a cache: what goes in comes out, and nothing else, whatever the archive holds. */
import { createReadStream } from "node:fs";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TAR_END, type TarEntryType, tarHeader, tarPadding } from "../../../images/tar.ts";
import { OwnFiles } from "../own-files.ts";
import { filesOfCache, packCache, unpackCache } from "./cache-archive.ts";
import { type CachePath, type CacheRoots, placeCachePath } from "./cache-paths.ts";

let folder = "";
let counter = 0;
const { signal } = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-cache-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Folders of one more build. */
async function newBuild(): Promise<CacheRoots> {
  const work = join(folder, `build-${++counter}`);
  const roots = { src: join(work, "codebuild/output/src7/src"), home: join(work, "home"), work };
  for (const root of Object.values(roots)) await mkdir(root, { recursive: true });
  return roots;
}

async function put(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode });
}

const ownOf = ({ work }: CacheRoots): OwnFiles => new OwnFiles({ workDir: work, isApart: true });

const pathsIn = (roots: CacheRoots, ...written: string[]): CachePath[] =>
  written.flatMap((path) => placeCachePath(path, roots) ?? []);

/** A tar with any entries, as an attacker would write it. */
function archiveOf(
  entries: readonly { name: string; type?: TarEntryType; text?: string; linkName?: string }[],
): Buffer {
  const blocks = entries.flatMap(({ name, type = "file", text = "", linkName = "" }) => [
    tarHeader({ name, type, sizeBytes: text.length, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, linkName }),
    Buffer.from(text),
    tarPadding(text.length),
  ]);
  return gzipSync(Buffer.concat([...blocks, TAR_END]));
}

async function unpack(archive: AsyncIterable<Uint8Array>, roots: CacheRoots, written: readonly string[]) {
  const skipped: string[] = [];
  const paths = pathsIn(roots, ...written);
  const result = await unpackCache({ archive, paths, roots, signal, onSkipped: (path) => skipped.push(path) });
  return { ...result, skipped };
}

async function* bytes(archive: Buffer): AsyncGenerator<Uint8Array> {
  yield archive;
}

describe("a cache", () => {
  it("brings files, modes, times and links into the folders of another build", async () => {
    const one = await newBuild();
    const long = `${"d".repeat(90)}/${"e".repeat(120)}`;
    await put(join(one.src, "node_modules/a/index.js"), "1", 0o755);
    await put(join(one.src, `node_modules/${long}`), "long");
    await symlink("../a/index.js", join(one.src, "node_modules/link"));
    await symlink(join(one.home, ".m2/x"), join(one.src, "node_modules/absolute"));
    await symlink("/usr/bin/python3", join(one.src, "node_modules/python"));
    await put(join(one.home, ".m2/x"), "maven");
    await put(join(one.src, "other"), "not cached");
    await utimes(join(one.home, ".m2/x"), 1000, 1000);
    const written = ["node_modules/**/*", "/root/.m2/**/*"];
    const files = await filesOfCache(pathsIn(one, ...written), one, ownOf(one));
    expect(files).toHaveLength(6);
    const archive = join(folder, "cache.tar.gz");
    expect((await packCache(files, one, archive, ownOf(one), signal)).files).toBe(6);

    const two = await newBuild();
    await put(join(two.src, "node_modules/a/index.js"), "from the source");
    const { files: count, skipped, bytes: size } = await unpack(createReadStream(archive), two, written);
    expect([count, skipped, size]).toEqual([6, [], (await stat(archive)).size]);
    expect(await readFile(join(two.src, "node_modules/a/index.js"), "utf8")).toBe("1");
    expect((await lstat(join(two.src, "node_modules/a/index.js"))).mode & 0o777).toBe(0o755);
    expect(await readFile(join(two.src, `node_modules/${long}`), "utf8")).toBe("long");
    expect(await readFile(join(two.src, "node_modules/absolute"), "utf8")).toBe("maven");
    expect(await readlink(join(two.src, "node_modules/python"))).toBe("/usr/bin/python3");
    expect((await stat(join(two.home, ".m2/x"))).mtimeMs).toBe(1_000_000);
  });

  it("of a folder by its name is what is in it, and of a file the file", async () => {
    const roots = await newBuild();
    await put(join(roots.src, "d [1]/x"), "1");
    await put(join(roots.src, "f"), "1");
    const files = await filesOfCache(pathsIn(roots, "d [1]", "f", "nope"), roots, ownOf(roots));
    expect(files).toEqual([
      { root: "src", path: "d [1]/x" },
      { root: "src", path: "f" },
    ]);
  });
});

describe("a hostile archive", () => {
  it("writes nothing outside of the paths of the cache", async () => {
    const roots = await newBuild();
    await symlink(folder, join(roots.src, "up"));
    await put(join(roots.src, "d/keep/x"), "x");
    const archive = archiveOf([
      { name: "src/../../escape", text: "1" },
      { name: "/etc/kiln-test", text: "1" },
      { name: "src//escape", text: "1" },
      { name: "elsewhere/x", text: "1" },
      { name: "src/up/escape", text: "1" },
      { name: "src/d/inside", text: "1" },
      { name: "src/d/door", type: "symlink", linkName: folder },
      { name: "src/d/door/escape", text: "1" },
      { name: "src/d/door2", type: "symlink", linkName: folder },
      { name: "src/d/door2/escape", type: "symlink", linkName: "x" },
      { name: "src/d/keep", text: "1" },
      { name: "src/d/hard", type: "hardlink", linkName: "src/d/inside" },
      { name: "src/d/pipe", type: "fifo" },
    ]);
    const { files, skipped } = await unpack(bytes(archive), roots, ["d/**/*", "up/**/*"]);
    await expect(stat(join(folder, "escape"))).rejects.toThrow("ENOENT");
    expect(await readFile(join(roots.src, "d/inside"), "utf8")).toBe("1");
    // A file made the folder `door` first, so the link has no place; `door2` is a link, which nothing is put behind.
    expect(skipped).toEqual([
      "src/../../escape",
      "/etc/kiln-test",
      "src//escape",
      "elsewhere/x",
      "up/escape",
      "d/keep",
      "d/hard",
      "d/pipe",
      "d/door",
      "d/door2/escape",
    ]);
    expect(files).toBe(3);
  });

  it("that is damaged or no archive at all is an error, not half a success", async () => {
    const roots = await newBuild();
    await expect(unpack(bytes(Buffer.from("no gzip")), roots, ["d/**/*"])).rejects.toThrow();
    const cut = archiveOf([{ name: "src/d/x", text: "y".repeat(100_000) }]);
    await expect(unpack(bytes(cut.subarray(0, cut.length - 30)), roots, ["d/**/*"])).rejects.toThrow();
  });

  it("never leaves the build's folders, for any names and links", async () => {
    const part = fc.constantFrom("src", "home", "work", "..", ".", "", "d", "a", "/", "\\", "d\0x");
    const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
    const entry = fc.record({
      name,
      type: fc.constantFrom<TarEntryType>("file", "symlink", "directory", "hardlink"),
      linkName: fc.constantFrom("..", "../../..", "/", "a"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
        const place = await mkdtemp(join(folder, "property-"));
        const inside = join(place, "inside");
        const roots = { src: join(inside, "s/src"), home: join(inside, "home"), work: inside };
        await mkdir(roots.src, { recursive: true });
        await mkdir(roots.home);
        const texts = entries.map((one) => ({ ...one, text: one.type === "file" ? "x" : "" }));
        await unpack(bytes(archiveOf(texts)), roots, ["**/*", "/root/**/*", "../**/*"]);
        expect(await readdir(place)).toEqual(["inside"]);
      }),
      { numRuns: 60 },
    );
  });
});
