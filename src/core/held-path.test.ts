/** What is held stays what it is, whatever happens to the path that led to it. */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heldChunks, holdEntry, holdFolderBelow, holdPath, withHeld } from "./held-path.ts";

let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-held-")));
  mkdirSync(join(folder, "a", "b"), { recursive: true });
  writeFileSync(join(folder, "a", "b", "file"), "one");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("says where a path leads, and what a name is itself", () => {
  symlinkSync("a/b", join(folder, "link"));
  expect(withHeld(holdPath(join(folder, "link", "file")), ({ realPath }) => realPath)).toBe(
    join(folder, "a", "b", "file"),
  );
  const entry = withHeld(holdEntry(join(folder, "link")), ({ realPath, stats }) => [realPath, stats.isSymbolicLink()]);
  expect(entry).toEqual([join(folder, "link"), true]);
  expect(holdPath(join(folder, "none"))).toBeUndefined();
  expect(holdPath(join(folder, "a", "b", "file", "x"))).toBeUndefined();
});

describe.runIf(process.platform === "linux")("on Linux", () => {
  it("reads what is held when another file has its name", async () => {
    const held = holdPath(join(folder, "a", "b", "file"));
    if (!held) throw new Error("nothing is held");
    renameSync(join(folder, "a", "b"), join(folder, "a", "old"));
    symlinkSync("/etc", join(folder, "a", "b"));
    expect(readFileSync(held.path, "utf8")).toBe("one");
    const chunks: Uint8Array[] = [];
    for await (const chunk of heldChunks(held)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("one");
    held.close();
  });

  it("waits for no pipe, and leaves no descriptor open", () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const before = readdirSync("/proc/self/fd").length;
    expect(withHeld(holdPath(join(folder, "pipe")), ({ stats }) => stats.isFIFO())).toBe(true);
    withHeld(holdFolderBelow(folder, "a/b/c/d", true), () => {});
    holdFolderBelow(folder, "a/b/file");
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  it("makes and finds folders through no link, except for the first", () => {
    symlinkSync(join(folder, "a"), join(folder, "root"));
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), join(folder, "a", "way"));
    const made = withHeld(holdFolderBelow(join(folder, "root"), "new/er", true), ({ realPath }) => realPath);
    expect(made).toBe(join(folder, "a", "new", "er"));
    for (const way of ["way", "way/below", "b/file", "b/../b", "../elsewhere"]) {
      expect(holdFolderBelow(join(folder, "root"), way, true)).toBeUndefined();
    }
    expect(readdirSync(join(folder, "elsewhere"))).toEqual([]);
    expect(holdFolderBelow(folder, "missing")).toBeUndefined();
  });
});
