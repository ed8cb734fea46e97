/** Diffs as `patch` and `git apply` read them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { changedLines, unifiedDiff } from "./text-diff.ts";

it("shows changed lines with three of context, and a missing last line end", () => {
  expect(unifiedDiff("b.yml", "1\n2\n3\n4\n5\n6", "1\n2\n3\n4\nfive\nsix")).toBe(
    "--- a/b.yml\n+++ b/b.yml\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n-6\n\\ No newline at end of file\n+five\n+six\n\\ No newline at end of file\n",
  );
  expect(unifiedDiff("b.yml", "a\n", "a\n")).toBe("");
  expect(changedLines("a\nb\r\nc\n", "a\nB\r\nc\n")).toEqual(["- b", "+ B"]);
});

it("makes one hunk of changes that are near each other, and two of others", () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}\n`);
  const change = (...at: number[]) =>
    unifiedDiff("f", lines.join(""), lines.map((line, index) => (at.includes(index) ? `new ${line}` : line)).join(""));
  expect(change(3, 9).match(/^@@.*$/gm)).toEqual(["@@ -1,13 +1,13 @@"]);
  expect(change(3, 20).match(/^@@.*$/gm)).toEqual(["@@ -1,7 +1,7 @@", "@@ -18,7 +18,7 @@"]);
});

it("applies with git to give the other text", () => {
  const folder = mkdtempSync(join(tmpdir(), "kiln-diff-"));
  try {
    const text = fc
      .array(fc.constantFrom("a", "b", "c", "  d", ""), { maxLength: 30 })
      .map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && before !== "" && after !== "");
        writeFileSync(join(folder, "f"), before);
        const git = spawnSync("git", ["apply", "--unsafe-paths", "--whitespace=nowarn", "-"], {
          cwd: folder,
          input: unifiedDiff("f", before, after),
          env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
        });
        expect(git.stderr.toString()).toBe("");
        expect(readFileSync(join(folder, "f"), "utf8")).toBe(after);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
