/** Archives of sources: what they hold is kept; what would leave the folder or fill the disk is refused. */

import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestEntry, zipOf } from "../../../../test/support/zip-fixture.ts";
import { extractZip, ZIP_LIMITS, type ZipLimits } from "./extract-zip.ts";
import { safeRelativePath } from "./safe-path.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "kiln-zip-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let number = 0;
async function extract(bytes: Buffer, limits: ZipLimits = ZIP_LIMITS, signal = new AbortController().signal) {
  const folder = join(root, String(number++));
  const file = `${folder}.zip`;
  writeFileSync(file, bytes);
  const target = join(folder, "in", "src");
  return { target, folder, result: await extractZip(file, target, signal, limits) };
}
const extractEntries = async (entries: readonly TestEntry[], limits?: ZipLimits) =>
  extract(await zipOf(entries), limits);

describe("an archive", () => {
  it("is unpacked with folders, modes and links, stored or deflated, zip64 or not", async () => {
    const { target, result } = await extractEntries([
      { name: "a.txt", text: "a\n" },
      { name: "bin/run.sh", text: "#!/bin/sh\n", mode: 0o100755, store: true },
      { name: "deep/er/b.txt", text: "b".repeat(100_000), zip64: true },
      { name: "ünïcode ☃.txt", text: "u" },
      { name: "read-only.txt", text: "r", mode: 0o100444 },
      { name: "link", text: "deep/er/b.txt", mode: 0o120777 },
      { name: "up/link", text: "../a.txt", mode: 0o120777 },
      { name: "dangling", text: "nothing", mode: 0o120777 },
      { name: "set-user", text: "s", mode: 0o104755 },
    ]);
    expect(result).toEqual({ ok: true, value: 9 });
    expect(readFileSync(join(target, "a.txt"), "utf8")).toBe("a\n");
    expect(statSync(join(target, "bin/run.sh")).mode & 0o7777).toBe(0o755);
    expect(statSync(join(target, "read-only.txt")).mode & 0o7777).toBe(0o444);
    expect(statSync(join(target, "set-user")).mode & 0o7777).toBe(0o755);
    expect(readFileSync(join(target, "link"), "utf8")).toHaveLength(100_000);
    expect(readFileSync(join(target, "up/link"), "utf8")).toBe("a\n");
    expect(readlinkSync(join(target, "dangling"))).toBe("nothing");
    expect(readdirSync(target)).toContain("ünïcode ☃.txt");
  });

  it("may name a file twice: the last one counts", async () => {
    const { target, result } = await extractEntries([
      { name: "a.txt", text: "one" },
      { name: "./a.txt", text: "two" },
    ]);
    expect(result.ok).toBe(true);
    expect(readFileSync(join(target, "a.txt"), "utf8")).toBe("two");
  });

  it.each<[string, readonly TestEntry[], string]>([
    ["a path upwards", [{ name: "../../evil.txt", text: "x" }], "invalid relative path: ../../evil.txt"],
    ["a path upwards in its middle", [{ name: "a/../../evil", text: "x" }], "invalid relative path: a/../../evil"],
    ["an absolute path", [{ name: "/etc/evil", text: "x" }], "absolute path: /etc/evil"],
    ["a path with backslashes", [{ name: "..\\evil.txt", text: "x" }], "invalid relative path: ../evil.txt"],
    ["a drive letter", [{ name: "c:\\evil.txt", text: "x" }], "absolute path: c:/evil.txt"],
    ["a link upwards", [{ name: "l", text: "../../..", mode: 0o120777 }], "the link `l` leads outside the source"],
    ["an absolute link", [{ name: "l", text: "/etc/passwd", mode: 0o120777 }], "the link `l` leads outside the source"],
    ["an empty link", [{ name: "l", text: "", mode: 0o120777 }], "the link `l` leads outside the source"],
    ["a device", [{ name: "d", mode: 0o020666 }], "the entry `d` is a device, pipe or socket"],
    ["a pipe", [{ name: "p", mode: 0o010666 }], "the entry `p` is a device, pipe or socket"],
  ])("is refused for %s", async (_, entries, reason) => {
    const { result, folder } = await extractEntries([{ name: "fine.txt", text: "fine" }, ...entries]);
    expect(result).toEqual({ ok: false, error: reason });
    expect(existsSync(join(folder, "evil.txt")) || existsSync(join(folder, "..", "evil.txt"))).toBe(false);
  });

  it("cannot write through a link it brings, in whatever order", async () => {
    for (const entries of [
      [
        { name: "out", text: "..", mode: 0o120777 },
        { name: "out/evil.txt", text: "x" },
      ],
      [
        { name: "out/evil.txt", text: "x" },
        { name: "out", text: "..", mode: 0o120777 },
      ],
      [
        { name: "dir", text: ".", mode: 0o120777 },
        { name: "out", text: "dir/..", mode: 0o120777 },
      ],
    ]) {
      const { result, folder } = await extractEntries(entries);
      expect(result.ok).toBe(false);
      expect(existsSync(join(folder, "in", "evil.txt"))).toBe(false);
    }
  });

  it("is refused for a file where a folder is", async () => {
    const { result } = await extractEntries([
      { name: "a", text: "x" },
      { name: "a/b", text: "y" },
    ]);
    expect(result.ok).toBe(false);
  });

  it("is refused as a bomb by its ratio, its size and its number of entries, before anything is written", async () => {
    const zeros = await zipOf([{ name: "zeros", text: Buffer.alloc(4_000_000) }]);
    const limits = { ...ZIP_LIMITS, freeBytes: 1_000_000 };
    const bomb = await extract(zeros, limits);
    expect(bomb.result).toEqual({
      ok: false,
      error: "the archive unpacks to more than 200 times its size; it is taken for a zip bomb",
    });
    expect(existsSync(bomb.target)).toBe(false);
    expect((await extract(zeros, { ...limits, maxRatio: 10_000 })).result.ok).toBe(true);
    expect((await extract(zeros, { ...ZIP_LIMITS, maxBytes: 3_000_000 })).result).toEqual({
      ok: false,
      error: "the archive holds more than 3000000 bytes, which is the limit",
    });
    const many = await extractEntries([{ name: "a" }, { name: "b" }], { ...ZIP_LIMITS, maxEntries: 1 });
    expect(many.result).toEqual({ ok: false, error: "the archive has 2 entries; 1 is the limit" });
  });

  it("cannot hold more than its directory declares", async () => {
    for (const [size, error] of [
      [5_000, "the entry `a` does not have the 10 bytes that the archive declares"],
      [5_000_000, "too many bytes in the stream. expected 10. got at least "],
    ] as const) {
      const bytes = await zipOf([{ name: "a", text: randomBytes(size) }]);
      // Uncompressed size in the central directory: offset 24 of its record.
      bytes.writeUInt32LE(10, bytes.indexOf(Buffer.from("PK\x01\x02", "latin1")) + 24);
      expect((await extract(bytes)).result).toEqual({ ok: false, error: expect.stringContaining(error) });
    }
  });

  it.each([
    ["text", Buffer.from("this is no archive")],
    ["nothing", Buffer.alloc(0)],
  ])("is refused when it is %s", async (_, bytes) => {
    expect((await extract(bytes)).result).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^not a valid zip file \(/),
    });
  });

  it("is refused when it is cut off or encrypted", async () => {
    const bytes = await zipOf([{ name: "a", text: "x".repeat(5000), store: true }]);
    expect((await extract(bytes.subarray(0, bytes.length - 30))).result.ok).toBe(false);
    const encrypted = await zipOf([{ name: "a", text: "x".repeat(5000) }]);
    encrypted.writeUInt16LE(1, encrypted.indexOf(Buffer.from("PK\x01\x02", "latin1")) + 8);
    expect((await extract(encrypted)).result).toEqual({ ok: false, error: "the entry `a` is encrypted" });
  });

  it("stops when the build ends", async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(extract(await zipOf([{ name: "a", text: "x" }]), ZIP_LIMITS, stop.signal)).rejects.toThrow();
  });

  it("never writes outside, whatever its bytes are", async () => {
    const whole = await zipOf([
      { name: "a/b.txt", text: "hello ".repeat(50) },
      { name: "link", text: "a/b.txt", mode: 0o120777 },
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          const { folder, target } = await extract(bytes);
          if (existsSync(folder)) expect(readdirSync(folder)).toEqual(["in"]);
          if (existsSync(target)) {
            for (const name of readdirSync(target, { recursive: true, encoding: "utf8" })) {
              const found = lstatSync(join(target, name));
              expect(found.isFile() || found.isDirectory() || found.isSymbolicLink()).toBe(true);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a path from outside", () => {
  it.each([
    ["a/b", "a/b"],
    ["./a//b/.", "a/b"],
    ["a/..b", "a/..b"],
    ["", undefined],
    ["/a", undefined],
    ["a/../b", undefined],
    ["..", undefined],
    ["C:\\x", undefined],
    ["a\0b", undefined],
  ])("%j becomes %j", (path, expected) => {
    expect(safeRelativePath(path)).toBe(expected);
  });
});
