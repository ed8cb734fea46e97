/** Conditions at their edges: sets of nothing, values that are none, keys in two spellings. */
import { describe, expect, it } from "vitest";
import { contextLookup } from "../context.ts";
import type { RequestContext } from "../decision.ts";
import { compileCondition } from "./condition.ts";
import { parsePolicyDate } from "./dates.ts";

function holds(condition: unknown, general: RequestContext, specific?: RequestContext): boolean | undefined {
  const tests = compileCondition(condition, true);
  return tests?.every((test) => test.holds(contextLookup(general, specific)));
}

describe("a set operator", () => {
  it.each<[string, RequestContext]>([
    ["an absent key", {}],
    ["an empty set", { "aws:TagKeys": [] }],
    ["an empty text", { "aws:TagKeys": "" }],
    ["a set of an empty text", { "aws:TagKeys": [""] }],
  ])("takes %s for nothing", (_name, context) => {
    for (const operator of ["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIgnoreCase"]) {
      expect(holds({ [`ForAllValues:${operator}`]: { "aws:TagKeys": ["a"] } }, context)).toBe(true);
      expect(holds({ [`ForAnyValue:${operator}`]: { "aws:TagKeys": ["a", ""] } }, context)).toBe(false);
    }
  });

  it("takes an empty text beside others for a value", () => {
    const context = { "aws:TagKeys": ["", "a"] };
    expect(holds({ "ForAllValues:StringEquals": { "aws:TagKeys": "a" } }, context)).toBe(false);
    expect(holds({ "ForAnyValue:StringEquals": { "aws:TagKeys": "" } }, context)).toBe(true);
  });
});

describe("values", () => {
  it("that are neither text, number nor boolean are no values", () => {
    for (const value of [null, { toString: 1 }, [["a"]], [null]]) {
      expect(holds({ StringLike: { "aws:x": value } }, { "aws:x": "a" })).toBe(false);
      expect(holds({ StringNotLike: { "aws:x": value } }, { "aws:x": "a" })).toBe(true);
    }
  });

  it("that are numbers or booleans are their text", () => {
    expect(holds({ StringEquals: { "aws:x": 7 }, Bool: { "aws:y": true } }, { "aws:x": "7", "aws:y": "true" })).toBe(
      true,
    );
  });

  it("that are no base64 match nothing", () => {
    expect(holds({ BinaryEquals: { k: "!" } }, { k: "?" })).toBe(false);
    expect(holds({ BinaryEquals: { k: "QQ" } }, { k: "QQ==" })).toBe(true);
  });

  it("that are ranges lie in a range only as a whole", () => {
    expect(holds({ IpAddress: { k: "10.0.0.0/16" } }, { k: "10.0.0.0/8" })).toBe(false);
    expect(holds({ IpAddress: { k: "10.0.0.0/8" } }, { k: "10.0.0.0/16" })).toBe(true);
  });
});

describe("keys", () => {
  it("of the request win over the caller's, however they are spelled", () => {
    const condition = { StringEquals: { "aws:x": "red" } };
    expect(holds(condition, { "aws:x": "blue" }, { "AWS:X": "red" })).toBe(true);
    expect(holds(condition, { "AWS:X": "red" }, { "aws:y": "1" })).toBe(true);
    expect(holds(condition, { "aws:x": "red" }, { "aws:y": "1" })).toBe(true);
  });

  it("with the name of a member of every object are keys like others", () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      expect(holds({ Null: { [key]: "true" } }, {})).toBe(true);
      const context = JSON.parse(`{"${key}":"v"}`) as RequestContext;
      expect(holds(JSON.parse(`{"StringEquals":{"${key}":"v"}}`), context)).toBe(true);
    }
  });
});

describe("a date", () => {
  it.each([
    ["2020", Date.UTC(2020, 0, 1)],
    ["2020-02", Date.UTC(2020, 1, 1)],
    ["2020-02-29", Date.UTC(2020, 1, 29)],
    ["2020-02-29T10:20Z", Date.UTC(2020, 1, 29, 10, 20)],
    ["2020-02-29T10:20:30.25+01:30", Date.UTC(2020, 1, 29, 8, 50, 30, 250)],
    ["2020-02-29T10:20:30-0130", Date.UTC(2020, 1, 29, 11, 50, 30)],
    ["2020-12-31T24:00:00Z", Date.UTC(2021, 0, 1)],
    ["2016-12-31T23:59:60Z", Date.UTC(2017, 0, 1)],
    ["0050-01-01", new Date("0050-01-01T00:00:00Z").getTime()],
    ["1582934400", Date.UTC(2020, 1, 29)],
    ["1582934400.5", Date.UTC(2020, 1, 29) + 500],
    ["-1", -1000],
  ])("may be %s", (text, instant) => expect(parsePolicyDate(text)).toBe(instant));

  it.each([
    "",
    "soon",
    "2020-13-01",
    "2021-02-29",
    "2020-04-31",
    "2020-00-10",
    "2020-01-01T10:20:30",
    "2020-01-01T24:00:01Z",
    "2020-01-01T10:60Z",
    "2020-01-01T10:20:61Z",
    "2020-01-01T10:20Z+01:00",
    "2020-01-01T10:20+24:00",
    "20-01-01",
    "1e9",
  ])("cannot be `%s`", (text) => expect(parsePolicyDate(text)).toBeUndefined());
});
