import fc from "fast-check";
import { expect, it } from "vitest";
import { editDistance, nearest, nearestOnes } from "./nearest.ts";

it("counts insertions, deletions and replacements", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("abc", "abc")).toBe(0);
});

it("is exact up to the limit, and above it for what is farther", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 9 });
  fc.assert(
    fc.property(word, word, fc.nat(6), (a, b, limit) => {
      const distance = editDistance(a, b);
      expect(editDistance(b, a)).toBe(distance);
      if (distance <= limit) expect(editDistance(a, b, limit)).toBe(distance);
      else expect(editDistance(a, b, limit)).toBeGreaterThan(limit);
    }),
  );
});

it("suggests what is near enough, nearest first, letter case aside", () => {
  expect(nearest("Comands", ["command", "commands", "phases"])).toBe("commands");
  expect(nearest("phase", ["artifacts"])).toBeUndefined();
  expect(nearestOnes("build", ["built", "bulid", "build2", "test"], 2)).toEqual(["built", "build2"]);
});

it("looks for no name that is longer than names are", () => {
  expect(nearest("a".repeat(1_000_000), ["a".repeat(999_999)])).toBeUndefined();
});
