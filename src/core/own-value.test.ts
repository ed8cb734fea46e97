import { expect, it } from "vitest";
import { ownValue } from "./own-value.ts";

it("finds what is in the table, and nothing that every object has", () => {
  const table: Record<string, number> = { a: 1 };
  expect(["a", "b", "constructor", "toString", "__proto__"].map((name) => ownValue(table, name))).toEqual([
    1,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
