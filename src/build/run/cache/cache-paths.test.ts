/** `cache.paths` on this machine: what is the build's, and what is the user's. */
import { expect, it } from "vitest";
import { cacheVersion, fixedPart, folderOf, isAllowed, placeCachePath } from "./cache-paths.ts";

const ROOTS = { src: "/w/codebuild/output/src1/src", home: "/w/home", work: "/w" };

it.each([
  ["node_modules/**/*", "src", "node_modules/**/*"],
  ["./a/../b", "src", "b"],
  ["../other/x", "work", "codebuild/output/src1/other/x"],
  ["/root/.m2/**/*", "home", ".m2/**/*"],
  ["/root", "home", ""],
  ["~/.npm", "home", ".npm"],
  ["/w/home/.cache/pip", "home", ".cache/pip"],
  ["/w/codebuild/output/src1/src/x", "src", "x"],
  ["/w/go/pkg", "work", "go/pkg"],
])("%s lies in %s", (written, root, pattern) => {
  expect(placeCachePath(written, ROOTS)).toEqual({ written, root, pattern });
});

it.each([
  "/etc/passwd",
  "/home/me/.m2/**/*",
  "/rooter/x",
  "/root/../etc/x",
  "../../../../../x",
  "../../../../**/*",
  "/w/private/env.sh",
  "/",
  "/**/*",
  "/w2/x",
])("%s is not the build's to cache", (written) => {
  expect(placeCachePath(written, ROOTS)).toBeUndefined();
});

it("keeps caches of different paths apart, whatever their order", () => {
  expect(cacheVersion(["b", "a"])).toBe(cacheVersion(["a", "b", "a"]));
  expect(cacheVersion(["a"])).not.toBe(cacheVersion(["a", "b"]));
});

it("allows entries below what is fixed of a path", () => {
  const paths = [
    { written: "", root: "home" as const, pattern: ".m2/**/*" },
    { written: "", root: "src" as const, pattern: "one.txt" },
  ];
  expect(fixedPart(".m2/**/*")).toBe(".m2");
  expect(isAllowed(paths, "home", ".m2/x/y")).toBe(true);
  expect(isAllowed(paths, "home", ".m2x")).toBe(false);
  expect(isAllowed(paths, "src", ".m2/x")).toBe(false);
  expect(isAllowed(paths, "src", "one.txt")).toBe(true);
  expect(isAllowed(paths, "src", "two.txt")).toBe(false);
  expect(isAllowed([{ written: "", root: "src", pattern: "**/node_modules/**" }], "src", "a/b")).toBe(true);
});

it("knows the folder that a local path means", () => {
  for (const pattern of ["a/b", "a/b/", "a/b/*", "a/b/**", "a/b/**/*"]) expect(folderOf(pattern)).toBe("a/b");
  for (const pattern of ["*", "**/*", "a*/b", "a/*.txt"]) expect(folderOf(pattern)).toBeUndefined();
});
