import { expect, test } from "vitest";
import { shownText, shownValue } from "./shown-value.ts";

test.each([
  [null, "null"],
  ["", "an empty text"],
  [["a"], "a list"],
  [{ a: 1 }, "an object"],
  [() => 1, "a function"],
  [1.5, "`1.5`"],
  [true, "`true`"],
  [undefined, "`undefined`"],
  ["36h", "`36h`"],
])("%j is shown as %s", (value, shown) => {
  expect(shownValue(value)).toBe(shown);
});

test("a text is one line, and no longer than that", () => {
  expect(shownText("a\n`b`\u001b")).toBe("a??b??");
  expect(shownText("x".repeat(61))).toBe(`${"x".repeat(60)}…`);
});
