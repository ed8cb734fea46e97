import { describe, expect, it } from "vitest";
import { parseFilterPattern } from "./filter-pattern.ts";

const matches = (pattern: string, message: string): boolean => parseFilterPattern(pattern)(message);

describe("patterns for text", () => {
  it.each([
    ["", "anything", true],
    ["ERROR", "[ERROR 400] bad", true],
    ["ERROR", "error", false],
    ["ERROR bad", "[ERROR 400] bad", true],
    ["ERROR good", "[ERROR 400] bad", false],
    ['"ERROR 400"', "[ERROR 400] bad", true],
    ['"say \\"x\\""', 'say "x"', true],
    ["?ERROR ?WARN", "WARN", true],
    ["?ERROR ?WARN", "INFO", false],
    ["ERROR -EXITING", "ERROR EXITING", false],
    ["ERROR -EXITING", "ERROR", true],
    ["-INFO", "WARN", true],
    ['-"in order"', "in order", false],
    ["INFO ?ERROR", "INFO", true],
  ])("%s on %s: %s", (pattern, message, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });

  it("says what is wrong", () => {
    expect(() => matches("a:b", "")).toThrow("Invalid character(s) in term 'a:b'");
    expect(() => matches('"a', "")).toThrow("Unclosed double quote");
    expect(() => matches("[a, b]", "")).toThrow("kiln does not offer `filter pattern `[…]``");
    expect(() => matches("%a%", "")).toThrow("kiln does not offer `filter pattern `%…%``");
  });
});

describe("patterns for JSON", () => {
  const message = JSON.stringify({
    type: "UpdateTrail",
    code: 404,
    user: { name: "anna", admin: true, left: null },
    items: [{ ok: false }],
  });

  it.each([
    ['{ $.type = "UpdateTrail" }', true],
    ["{ $.type = UpdateTrail }", true],
    ['{ $.type = "Update*" }', true],
    ['{ $.type != "UpdateTrail" }', false],
    ["{ $.code = 404 }", true],
    ["{ $.code >= 400 && $.code < 404 }", false],
    ["{ ($.code = 1) || ($.user.name = ann*) }", true],
    ["{ $.user.admin IS TRUE }", true],
    ["{ $.user.left IS NULL }", true],
    ["{ $.items[0].ok IS FALSE }", true],
    ["{ $.user.age NOT EXISTS }", true],
    ["{ $.user.age = 5 }", false],
    ["{ $.user.age != 5 }", false],
    ["{ $.code = 1 || $.code = 404 && $.type = x }", false],
  ])("%s: %s", (pattern, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });

  it("never match what is no JSON", () => {
    expect(matches("{ $.a NOT EXISTS }", "plain text")).toBe(false);
    expect(matches("{ $.a NOT EXISTS }", "{broken")).toBe(false);
  });

  it.each(["{ $.a = }", "{ a = 1 }", "{ $.a = 1", "{ $.a ~ 1 }", "{ $.a IS BIG }", "{ $.a = 1 } x", "{ $.a < b }"])(
    "refuses %s",
    (pattern) => {
      expect(() => matches(pattern, message)).toThrow(/^Invalid filter pattern: unexpected/);
    },
  );
});
