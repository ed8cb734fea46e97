import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "./wildcard.ts";

const none = () => undefined;
const glob = (pattern: string, value: string) =>
  compilePattern(pattern, { wildcards: true, variables: false }).matches(value, none);

/** The textbook definition, exponential and obviously right. */
function matchesSlowly(pattern: string, value: string): boolean {
  if (pattern === "") return value === "";
  if (pattern[0] === "*") {
    return matchesSlowly(pattern.slice(1), value) || (value !== "" && matchesSlowly(pattern, value.slice(1)));
  }
  return (
    value !== "" && (pattern[0] === "?" || pattern[0] === value[0]) && matchesSlowly(pattern.slice(1), value.slice(1))
  );
}

const text = (alphabet: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength });

describe("wildcards", () => {
  it("agree with their textbook definition", () => {
    fc.assert(
      fc.property(text("ab*?", 7), text("ab", 9), (pattern, value) => {
        expect(glob(pattern, value)).toBe(matchesSlowly(pattern, value));
      }),
      { numRuns: 3_000 },
    );
  });

  it("agree with their definition where runs are long or full of question marks", () => {
    const definition = (pattern: string, value: string) =>
      new RegExp(`^${pattern.replaceAll("*", "[^]*").replaceAll("?", "[^]")}$`).test(value);
    const run = text("ab?", 40).map((short) => short.repeat(8));
    fc.assert(
      fc.property(run, run, text("ab", 5), fc.nat(40), (first, second, filler, cut) => {
        const pattern = `*${first}*${second}*`;
        const filled = (one: string) => one.replaceAll("?", "b");
        const value = filler + filled(first) + filler + filled(second).slice(cut) + filler;
        expect(glob(pattern, value)).toBe(definition(pattern, value));
        expect(glob(pattern, value.slice(1, -1))).toBe(definition(pattern, value.slice(1, -1)));
      }),
      { numRuns: 500 },
    );
  });

  it("take no exponential time on a hostile pattern", () => {
    expect(glob(`${"a*".repeat(2_000)}b`, "a".repeat(20_000))).toBe(false);
  });

  it("match a pattern made from the value with parts replaced by stars", () => {
    fc.assert(
      fc.property(text("ab:/*?", 12), fc.nat(12), fc.nat(12), (value, from, length) => {
        expect(glob(`${value.slice(0, from)}*${value.slice(from + length)}`, value)).toBe(true);
      }),
    );
  });

  it("keep a variable's value literal whatever it holds", () => {
    fc.assert(
      fc.property(text("a*?${}", 6), text("a*?${}", 6), (tag, value) => {
        const pattern = compilePattern("${aws:PrincipalTag/t}", { wildcards: true, variables: true });
        expect(pattern.matches(value, () => tag)).toBe(tag === value);
      }),
    );
  });

  it("take text that only looks like a variable literally", () => {
    for (const source of ["${", "${}", "$x", "a${b"]) {
      expect(compilePattern(source, { wildcards: true, variables: true }).matches(source, none)).toBe(true);
    }
  });

  it("let a default hold a brace", () => {
    const pattern = compilePattern("${aws:x, 'a}b'}", { wildcards: true, variables: true });
    expect(pattern.matches("a}b", none)).toBe(true);
  });
});
