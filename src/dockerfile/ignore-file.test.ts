import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { globMatcher, parseIgnoreFile } from "./ignore-file.ts";

describe(".dockerignore", () => {
  it.each([
    ["*.md\n!keep.md", ["a.md"], ["keep.md", "dir/a.md", "a.txt"]],
    ["**/*.md", ["a.md", "dir/sub/a.md"], ["a.mdx"]],
    ["dir", ["dir", "dir/a", "dir/sub/b"], ["dirs", "a/dir"]],
    ["*\n!src\nsrc/skip", ["a", "src/skip/x"], ["", "src", "src/a"]],
    ["/abs\n./dot\n../up", ["abs", "dot", "up"], ["x"]],
    ["a?c\n[x-z]1\nlit\\*", ["abc", "y1", "lit*"], ["a/c", "w1", "lita"]],
    ["# remark\n\n  spaced  \n", ["spaced"], ["# remark"]],
    ["a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az"]],
  ] as const)("%j", (text, ignored, kept) => {
    const rules = parseIgnoreFile(text);
    expect(ignored.filter((path) => !rules.isIgnored(path))).toEqual([]);
    expect(kept.filter((path) => rules.isIgnored(path))).toEqual([]);
  });

  it("knows whether something below an ignored folder may be taken back", () => {
    expect(parseIgnoreFile("a\n!a/b").hasExceptions).toBe(true);
    expect(parseIgnoreFile("a").hasExceptions).toBe(false);
    expect(parseIgnoreFile("# nothing\n").isEmpty).toBe(true);
  });

  it("takes patterns that would keep a regular expression busy for ever", () => {
    const matches = globMatcher(`${"*a".repeat(40)}b`);
    expect(matches("a".repeat(5000))).toBe(false);
    expect(matches(`${"a".repeat(200)}b`)).toBe(true);
    expect(globMatcher("**/**/**/**/x")("a/b/c/d/e/x")).toBe(true);
  });

  it("takes patterns that are as long as a file, or no patterns at all", () => {
    expect(globMatcher("**/".repeat(50_000))("a")).toBe(false);
    expect(globMatcher("[".repeat(500_000))("a")).toBe(false);
    expect(parseIgnoreFile("[z-a]\nb").isIgnored("z")).toBe(false);
    expect(parseIgnoreFile("[z-a]\nb").isIgnored("b")).toBe(true);
  });

  it("means the same whichever way a pattern is matched", () => {
    const parts = fc.constantFrom("a", "b", "/", "*", "?", "**", "**/", "[ab]");
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), fc.stringMatching(/^[ab/]{0,6}$/), (pattern, path) => {
        const whole = pattern.join("");
        // Two further stars that match nothing push the pattern over to the other way.
        expect(globMatcher(`${whole}***`)(path) || !globMatcher(whole)(path)).toBe(true);
      }),
    );
  });
});
