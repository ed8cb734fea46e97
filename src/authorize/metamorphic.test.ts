/**
 * Changes to a request and its policies that must not change the decision, or must turn a condition into its opposite:
 * negated operators, IfExists, set operators, case, variables and their values, versions.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ACTIONS,
  arnOf,
  context,
  input,
  type Key,
  key,
  mapStatements,
  NEGATED,
  OPERATORS,
  valueFor,
} from "../../test/support/policy-generators.ts";
import { compileCondition } from "./conditions/condition.ts";
import { contextLookup } from "./context.ts";
import { type ContextValue, type EvaluationInput, evaluate, type RequestContext } from "./index.ts";

const RUNS = { numRuns: 1_000, seed: 4 };

function holds(operator: string, name: string, values: readonly string[], keys: RequestContext): boolean {
  const tests = compileCondition({ [operator]: { [name]: values } }, true);
  return tests?.every((test) => test.holds(contextLookup(keys))) ?? false;
}

/** A key with policy values and a request in which it is single. */
const singleKey = key.chain((name) =>
  fc.record({
    name: fc.constant(name),
    values: fc.array(valueFor(name), { maxLength: 3 }),
    keys: context,
    value: valueFor(name),
  }),
);
const present = (name: Key, value: ContextValue, keys: RequestContext): RequestContext => ({ ...keys, [name]: value });
const positive = fc.constantFrom(...(Object.keys(NEGATED) as (keyof typeof NEGATED)[]));
const operator = fc.constantFrom(...OPERATORS);
const quantifier = fc.constantFrom("", "ForAllValues:", "ForAnyValue:");

describe("a condition", () => {
  it("with a negated operator is the opposite, when the key is present", () => {
    fc.assert(
      fc.property(singleKey, positive, ({ name, values, keys, value }, base) => {
        const about = present(name, value, keys);
        expect(holds(NEGATED[base], name, values, about)).toBe(!holds(base, name, values, about));
      }),
      RUNS,
    );
  });

  it("on a missing key holds when negated, with IfExists, or for all values", () => {
    fc.assert(
      fc.property(operator, quantifier, fc.constantFrom("", "IfExists"), key, (base, set, ifExists, name) => {
        const isNegated = Object.values<string>(NEGATED).includes(base);
        const expected = ifExists !== "" || set === "ForAllValues:" || (set === "" && isNegated);
        expect(holds(`${set}${base}${ifExists}`, name, ["x"], {})).toBe(expected);
        expect(holds(`${set}${base}${ifExists}`, name, ["x"], { [name]: [] })).toBe(expected);
      }),
      RUNS,
    );
  });

  it("with IfExists is the plain one, when the key is present", () => {
    fc.assert(
      fc.property(singleKey, operator, quantifier, ({ name, values, keys, value }, base, set) => {
        const about = present(name, value, keys);
        expect(holds(`${set}${base}IfExists`, name, values, about)).toBe(holds(`${set}${base}`, name, values, about));
      }),
      RUNS,
    );
  });

  it("on one value is the same with and without a set operator", () => {
    fc.assert(
      fc.property(singleKey, operator, ({ name, values, keys, value }, base) => {
        // A key's own value as a variable is single in one request and multi-valued in the other.
        if (value === "" || name === "aws:username") return;
        const plain = holds(base, name, values, present(name, value, keys));
        for (const set of ["", "ForAllValues:", "ForAnyValue:"]) {
          expect(holds(set + base, name, values, present(name, [value], keys))).toBe(plain);
        }
      }),
      RUNS,
    );
  });

  it("for any value is the opposite of the negated one for all values", () => {
    fc.assert(
      fc.property(
        positive,
        key,
        fc.array(valueFor("aws:username")),
        fc.array(fc.string(), { minLength: 1 }),
        (base, name, values, set) => {
          const about = { [name]: set };
          expect(holds(`ForAnyValue:${base}`, name, values, about)).toBe(
            !holds(`ForAllValues:${NEGATED[base]}`, name, values, about),
          );
        },
      ),
      RUNS,
    );
  });

  it("with Null says whether the key is there", () => {
    fc.assert(
      fc.property(context, key, (keys, name) => {
        expect(holds("Null", name, ["true"], keys)).toBe(!(name in keys));
        expect(holds("Null", name, ["false"], keys)).toBe(name in keys);
        expect(holds("Null", name, ["true", "false"], keys)).toBe(true);
      }),
      RUNS,
    );
  });

  it("holds for two keys when it holds for each", () => {
    fc.assert(
      fc.property(singleKey, singleKey, operator, operator, (one, other, first, second) => {
        if (one.name === other.name) return;
        const condition = {
          [first]: { [one.name]: one.values },
          [`${second}IfExists`]: { [other.name]: other.values },
        };
        const both = compileCondition(condition, true)?.every((test) => test.holds(contextLookup(one.keys)));
        const each = [
          holds(first, one.name, one.values, one.keys),
          holds(`${second}IfExists`, other.name, other.values, one.keys),
        ];
        expect(both).toBe(each.every(Boolean));
      }),
      RUNS,
    );
  });
});

describe("a decision", () => {
  const isSame = (change: (about: EvaluationInput) => EvaluationInput) =>
    fc.assert(
      fc.property(input, (about) => {
        expect(evaluate(change(about)).effect).toBe(evaluate(about).effect);
      }),
      { ...RUNS, numRuns: 400 },
    );
  const upper = (text: string) => text.toUpperCase();

  it("does not look at the case of the action called", () => {
    isSame((about) => ({ ...about, request: { ...about.request, action: upper(about.request.action) } }));
  });

  it("does not look at the case of actions in policies", () => {
    isSame((about) =>
      mapStatements(about, (list) =>
        list.map((one) => ({
          ...one,
          ...(one.Action && { Action: one.Action.map(upper) }),
          ...(one.NotAction && { NotAction: one.NotAction.map(upper) }),
        })),
      ),
    );
  });

  it("does not look at the case of the request's keys", () => {
    isSame((about) => ({
      ...about,
      context: Object.fromEntries(Object.entries(about.context).map(([name, value]) => [upper(name), value])),
    }));
  });

  it("does not depend on where a key was given", () => {
    isSame((about) => ({ ...about, context: {}, request: { ...about.request, context: about.context } }));
  });

  it("does not depend on what else the request carries", () => {
    isSame((about) => ({ ...about, context: { ...about.context, "aws:unheard": "of", "aws:username2": ["ann"] } }));
  });

  it("looks at the case of resources", () => {
    const document = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: arnOf("a") } };
    const [principal] = fc.sample(
      input.map((one) => one.principal).filter((one) => one.type === "User"),
      1,
    );
    const policies = { identity: [{ name: "p", document }] };
    const effectOf = (resource: string) =>
      evaluate({ principal: principal as never, policies, request: { action: ACTIONS[0], resource }, context: {} })
        .effect;
    expect([effectOf(arnOf("a")), effectOf(arnOf("A"))]).toEqual(["allowed", "implicitDeny"]);
  });

  it("stays when a variable's value is another name, in the request and in what it is compared with", () => {
    const rename = (text: string): string => text.replaceAll("ann", "a zoë?*");
    const literal = (text: string): string => text.replaceAll("ann", "a zoë${?}${*}");
    isSame((about) => {
      const before = mapStatements(asOf2012(about), (list) =>
        list.map(({ Condition, ...one }) => ({
          ...one,
          // The new name is no base64 as the old one is.
          ...(Condition && !JSON.stringify(Condition).includes("Binary") && { Condition }),
        })),
      );
      const after = mapStatements(before, (list) =>
        list.map((one) => ({
          ...one,
          ...(one.Resource && { Resource: one.Resource.map(literal) }),
          ...(one.NotResource && { NotResource: one.NotResource.map(literal) }),
          ...(one.Condition && { Condition: JSON.parse(literal(JSON.stringify(one.Condition))) }),
        })),
      );
      const effectAfter = evaluate({
        ...after,
        context: JSON.parse(rename(JSON.stringify(after.context))),
        request: { ...after.request, resource: rename(after.request.resource) },
      }).effect;
      expect(effectAfter).toBe(evaluate(before).effect);
      return about;
    });
  });

  it("stays when a variable is replaced by its value", () => {
    isSame((about) => {
      const { "aws:username": name } = about.context;
      const before = asOf2012(withoutConditions(about));
      if (typeof name !== "string") return about;
      const written = name.replaceAll("*", "${*}");
      const put = (texts: readonly string[]) => texts.map((text) => text.replaceAll("${aws:username}", written));
      const after = mapStatements(before, (list) =>
        list.map((one) => ({
          ...one,
          ...(one.Resource && { Resource: put(one.Resource) }),
          ...(one.NotResource && { NotResource: put(one.NotResource) }),
        })),
      );
      expect(evaluate(after).effect).toBe(evaluate(before).effect);
      return about;
    });
  });

  it("is the same in both versions when nothing looks like a variable", () => {
    isSame((about) => {
      const plain = mapStatements(about, (list) => JSON.parse(JSON.stringify(list).replaceAll("${", "{")));
      expect(evaluate(withVersion(plain, "2008-10-17")).effect).toBe(evaluate(asOf2012(plain)).effect);
      return about;
    });
  });
});

const withoutConditions = (about: EvaluationInput) =>
  mapStatements(about, (list) => list.map(({ Condition: _, ...one }) => one));

const asOf2012 = (about: EvaluationInput) => withVersion(about, "2012-10-17");

function withVersion(about: EvaluationInput, Version: string): EvaluationInput {
  const text = JSON.stringify(about).replaceAll(/"Version":"[^"]+"/g, `"Version":"${Version}"`);
  return JSON.parse(text) as EvaluationInput;
}
