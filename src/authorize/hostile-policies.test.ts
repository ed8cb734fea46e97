/**
 * Policies made to hurt: deep, huge, full of wildcards and variables, with the names of members that every object has.
 * Costs are counted in steps (comparisons of text, look-ups of keys), never in time.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { principals } from "../../test/support/decision-tables.ts";
import { contextKeysUsed, evaluate, nearestMisses, validatePolicy } from "./index.ts";
import { compilePolicy } from "./policy.ts";
import { splitVariables } from "./variables.ts";
import { compilePattern } from "./wildcard.ts";

const VERSION = "2012-10-17";
const resource = "arn:aws:s3:::bucket/key";
const ALLOW = { Effect: "Allow", Action: "*", Resource: "*" };

function decide(document: unknown, about: { resource?: string; context?: Record<string, string> } = {}) {
  const named = { name: "hostile", document: document as never };
  const decision = evaluate({
    principal: principals.role,
    policies: { identity: [named], boundary: named, session: [named], organization: [[named]] },
    request: {
      action: "s3:GetObject",
      resource: about.resource ?? resource,
      resourcePolicy: { ...named, accountId: "111122223333", mandatory: false },
    },
    context: about.context ?? {},
  });
  decision.byType();
  nearestMisses(decision, decision.explain());
  return decision;
}

const documentWith = (statement: object) => ({ Version: VERSION, Statement: { ...ALLOW, ...statement } });

/** `[[[…]]]`, as an attacker's text would be parsed. */
const deep = (): unknown => JSON.parse("[".repeat(100_000) + "]".repeat(100_000));

describe("depth", () => {
  const places: Record<string, (nested: unknown) => unknown> = {
    "as the document": (nested) => nested,
    "as the statement": (nested) => ({ Version: VERSION, Statement: nested }),
    "as the action": (nested) => documentWith({ Action: nested }),
    "as the resource": (nested) => documentWith({ Resource: [nested, "*"] }),
    "as the principal": (nested) => documentWith({ Principal: { AWS: nested, Service: [nested] } }),
    "as the condition": (nested) => documentWith({ Condition: nested }),
    "as a condition's keys": (nested) => documentWith({ Condition: { StringLike: nested } }),
    "as a condition's value": (nested) => documentWith({ Condition: { StringNotLike: { "aws:x": [nested] } } }),
    "as an unknown member": (nested) => ({ Version: VERSION, Statement: [ALLOW], Extra: nested }),
  };
  it.each(Object.entries(places))("%s does no harm", (_name, place) => {
    expect(() => decide(place(deep()))).not.toThrow();
    expect(() => contextKeysUsed(place(deep()) as never)).not.toThrow();
  });

  it("does no harm to validation", () => {
    const text = `{"Version":"${VERSION}","Statement":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(validatePolicy(text, "identity")).toEqual({ ok: false, error: "Syntax errors in policy." });
  });

  it("does not keep a document from being read", () => {
    expect(decide({ Version: VERSION, Statement: [{ ...ALLOW, Principal: "*" }], Extra: deep() }).effect).toBe(
      "allowed",
    );
  });

  it("in a circle does no harm either", () => {
    const circle: Record<string, unknown> = { Version: VERSION, Statement: ALLOW };
    circle["Self"] = circle;
    expect(decide(circle).effect).toBe("allowed");
  });
});

describe("size", () => {
  it("of lists costs no more than reading them", () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `arn:aws:s3:::bucket/${i}*`);
    const document = documentWith({ Action: many.map((_, i) => `s3:Get${i}`).concat("s3:GetObject"), Resource: many });
    expect(decide(document).effect).toBe("implicitDeny");
    const same = Array.from({ length: 20_000 }, () => ({ ...ALLOW, Action: "s3:GetObject" }));
    expect(
      compilePolicy({ Version: VERSION, Statement: same }).allows.candidates({ service: "s3", name: "getobject" }),
    ).toHaveLength(20_000);
  });

  it("of a document does not show in the explanation", () => {
    const long = "x".repeat(100_000);
    const statements = [
      { Action: long },
      { Resource: Array.from({ length: 100 }, () => `arn:aws:s3:::${long}`) },
      { Principal: { AWS: Array.from({ length: 100 }, () => long) } },
      { Principal: "*", Condition: { StringEquals: { [long]: [long] } } },
      { Principal: "*", Condition: { [long]: { "aws:x": long } } },
    ];
    for (const statement of statements) {
      for (const trace of decide(documentWith(statement)).explain()) {
        expect(JSON.stringify(trace).length).toBeLessThan(8_000);
      }
    }
  });

  it("of all texts that are remembered is bounded", () => {
    const first = documentWith({ Sid: "first" });
    const compiled = compilePolicy(structuredClone(first));
    expect(compilePolicy(structuredClone(first))).toBe(compiled);
    for (let i = 0; i < 40; i++) compilePolicy(documentWith({ Sid: `s${i}`, Resource: "x".repeat(500_000) }));
    expect(compilePolicy(structuredClone(first))).not.toBe(compiled);
  });
});

describe("patterns", () => {
  afterEach(() => vi.restoreAllMocks());

  /** Comparisons and searches of text while `work` runs. */
  function stepsOf(work: () => void): number {
    const startsWith = vi.spyOn(String.prototype, "startsWith");
    const indexOf = vi.spyOn(String.prototype, "indexOf");
    work();
    const steps = startsWith.mock.calls.length + indexOf.mock.calls.length;
    vi.restoreAllMocks();
    return steps;
  }

  /** How many characters `indexOf` goes through while `work` runs. */
  function charactersSearched(work: () => void): number {
    const indexOf = vi.spyOn(String.prototype, "indexOf");
    work();
    const { calls, results, contexts } = indexOf.mock;
    vi.restoreAllMocks();
    return calls.reduce((sum, [, from = 0], i) => {
      const found = results[i]?.value as number;
      return sum + (found === -1 ? String(contexts[i]).length : found) - from;
    }, 0);
  }
  const matcher = (source: string) => compilePattern(source, { wildcards: true, variables: true });
  const none = () => undefined;

  it.each([
    ["thousands of stars", "*".repeat(100_000)],
    ["stars and letters", `${"*a".repeat(50_000)}b`],
    ["stars and question marks", `${"*?".repeat(50_000)}b`],
    ["a long run behind a star", `*${"a".repeat(100_000)}`],
    ["runs with question marks", `${"*aa?a".repeat(20_000)}b*`],
    ["a run that almost matches everywhere", `*${"a".repeat(500)}?${"a".repeat(500)}b*`],
  ])("of %s take a step a character at most", (_name, source) => {
    const pattern = matcher(source);
    const value = "a".repeat(2_000);
    // A search and the comparison of each piece of the run, for each place in the value.
    expect(stepsOf(() => pattern.matches(value, none))).toBeLessThanOrEqual(4 * value.length + 4);
  });

  it("of thousands of variables put in no more than can match", () => {
    let lookups = 0;
    const lookup = () => {
      lookups++;
      return "x".repeat(1_000);
    };
    const pattern = matcher("${aws:UserAgent}".repeat(5_000));
    expect(pattern.matches("x".repeat(10_000), lookup)).toBe(false);
    expect(lookups).toBe(11);
    expect(matcher("${aws:UserAgent}*".repeat(5_000)).matches("x".repeat(10_000), lookup)).toBe(false);
    expect(lookups).toBe(22);
  });

  it("of half-open variables are read once", () => {
    for (const open of ["${", "${'", "${a, '", "${a, 'b'", "$", "${}", "'}${'"]) {
      const text = `arn:aws:s3:::${open.repeat(20_000)}`;
      expect(charactersSearched(() => splitVariables(text))).toBeLessThanOrEqual(5 * text.length);
      expect(() => decide(documentWith({ Resource: text, Condition: { ArnLike: { "aws:x": text } } }))).not.toThrow();
    }
  });

  it("in ARNs with thousands of colons", () => {
    const colons = `arn:aws:s3:::${":a".repeat(1_000)}`;
    for (const pattern of [
      "arn:aws:s3:*:b",
      "arn:aws:s3:*:*:b",
      "arn:aws:s3::*:b",
      `arn:aws:s3:*:${":*a".repeat(500)}b`,
      "arn:aws:s3:*:*a:*b",
      "arn:aws:s3:*:?*:a:a?b",
      `arn:aws:s3:*:?*:${"a:".repeat(500)}b*b`,
    ]) {
      const document = { Version: VERSION, Statement: { ...ALLOW, Resource: pattern } };
      compilePolicy(document);
      expect(stepsOf(() => expect(decide(document, { resource: colons }).effect).toBe("implicitDeny"))).toBeLessThan(
        200_000,
      );
    }
  });
});

describe("addresses, numbers and dates", () => {
  it.each([
    ":".repeat(100_000),
    "1:".repeat(50_000),
    ".".repeat(100_000),
    "/".repeat(100_000),
    "1".repeat(100_000),
    "-".repeat(50_000),
  ])("that are none match nothing: %#", (text) => {
    for (const operator of ["IpAddress", "NumericEquals", "DateEquals", "BinaryEquals"]) {
      const condition = { [operator]: { "aws:x": text } };
      expect(
        decide(documentWith({ Principal: "*", Condition: condition }), { context: { "aws:x": "10" } }).effect,
      ).toBe("implicitDeny");
      const turned = documentWith({ Principal: "*", Condition: { [operator]: { "aws:x": "10" } } });
      expect(decide(turned, { context: { "aws:x": text } }).effect).toBe("implicitDeny");
    }
  });
});

describe("names of members that every object has", () => {
  it.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"])("%s is a name like others", (name) => {
    const parsed = (text: string): unknown => JSON.parse(text.replaceAll("NAME", name));
    for (const text of [
      '{"NAME":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}}',
      '{"Version":"2012-10-17","Statement":{"NAME":{"Effect":"Allow"},"Action":"*"}}',
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"NAME:NAME","Resource":"NAME","Principal":{"NAME":"*"}}}',
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*","Condition":{"NAME":{"NAME":"NAME"}}}}',
    ]) {
      expect(decide(parsed(text)).effect).toBe("implicitDeny");
      expect(() => validatePolicy(text.replaceAll("NAME", name), "identity")).not.toThrow();
    }
    const held = { ...ALLOW, Condition: { StringEquals: { [name]: "v" } } };
    expect(decide({ Version: VERSION, Statement: held }).effect).toBe("implicitDeny");
  });
});
