import { expect, test } from "vitest";
import { percentDecoded } from "./percent-decoded.ts";

test.each([
  ["a%2Fb%20c", "a/b c"],
  ["caf%C3%A9", "café"],
  ["a+b", "a+b"],
  ["100%", "100%"],
  ["%E9", "%E9"],
])("%s is %s", (text, decoded) => {
  expect(percentDecoded(text)).toBe(decoded);
});
