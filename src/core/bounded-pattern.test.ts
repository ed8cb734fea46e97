import { describe, expect, it } from "vitest";
import { createPatternMatcher, patternProblem } from "./bounded-pattern.ts";
import { TestClock } from "./clock.ts";

const isMatch = (pattern: string, value: string): boolean =>
  createPatternMatcher(new TestClock()).isAllOfEach(pattern, [value]);

describe("a pattern means what it means to Java", () => {
  it.each([
    ["\\p{Alnum}+", "aZ9", "a-b"],
    ["\\p{Alpha}+", "abc", "é"],
    ["[\\p{Alnum}_-]+", "a_B-9", "a.b"],
    ["\\P{Digit}+", "abc", "a1"],
    ["\\p{Punct}", "$", "a"],
    ["\\p{Punct}", "]", " "],
    ["\\p{Space}", "\t", "\u00a0"],
    ["\\pL+", "né", "n1"],
    ["\\p{IsAlphabetic}+", "né", "n1"],
    ["[\\p{L}\\-\\_\\@]+", "né-_@", "n.e"],
    ["\\p{L}\\-\\_\\Q-.\\E]}", "é-_-.]}", "é-_-x]}"],
    ["[]a]+", "]a", "b"],
    ["[^]a]+", "bc", "b]"],
    ["[\\Qa-c\\E]+", "a-c", "b"],
    ["a{2,3}", "aaa", "a"],
    ["a]b}", "a]b}", "ab"],
    ["(?i)\\Aabc\\z", "ABC", "ABCD"],
    ["(\\w)\\1", "aa", "ab"],
    ["\\h\\/", " /", "x/"],
  ])("%s", (pattern, matching, other) => {
    expect(patternProblem(pattern)).toBeUndefined();
    expect(isMatch(pattern, matching)).toBe(true);
    expect(isMatch(pattern, other)).toBe(false);
  });

  it.each([
    ["{", "a brace that begins no repetition"],
    ["a{,3}", "a brace that begins no repetition"],
    ["a{x}", "a brace that begins no repetition"],
    ["[a[b]]", "a character class inside a character class"],
    ["[a-z&&[^b]]", "an intersection of character classes"],
    ["[\\P{Alpha}]", "\\P{Alpha} inside a character class"],
    ["\\Ga", "\\G is not supported"],
  ])("%s is none", (pattern, problem) => {
    expect(patternProblem(pattern)).toBe(problem);
  });

  it.each(["[a-z", "(a", "*a", "a{3,2}", "\\", "\\p", "\\p{Nothing}", "[b-a]"])("%s is none", (pattern) => {
    expect(patternProblem(pattern)).toBeDefined();
  });
});
