/**
 * Properties of every decision: more denies never allow more, more allows never deny more, limits only limit, order and
 * layout do not matter, both sides of a cross-account call must allow, and what is told about a decision agrees with it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  documentOf,
  fullAccess,
  input,
  mapStatements,
  policy,
  resourceStatement,
  type Statement,
  statement,
} from "../../test/support/policy-generators.ts";
import { type EvaluationInput, evaluate, nearestMisses } from "./index.ts";

const RUNS = { numRuns: 400, seed: 4 };
const effectOf = (about: EvaluationInput) => evaluate(about).effect;
const isAllowed = (about: EvaluationInput) => effectOf(about) === "allowed";

/** Whenever the first is allowed, the second is. */
function expectNoLess(before: EvaluationInput, after: EvaluationInput): void {
  if (isAllowed(before)) expect(effectOf(after)).toBe("allowed");
}

function forAll<Ts extends [unknown, ...unknown[]]>(
  arbitraries: { [K in keyof Ts]: fc.Arbitrary<Ts[K]> },
  check: (...values: Ts) => void,
): void {
  fc.assert(fc.property(...arbitraries, check), RUNS);
}

const isAllow = (one: Statement) => one.Effect === "Allow";

describe("for every request", () => {
  it("removing a Deny never denies more", () => {
    forAll([input, fc.nat(2)], (about, index) => {
      expectNoLess(
        about,
        mapStatements(about, (list) => list.filter((one, i) => isAllow(one) || i !== index)),
      );
    });
  });

  it("without any Deny nothing is denied explicitly", () => {
    forAll([input], (about) => {
      expect(effectOf(mapStatements(about, (list) => list.filter(isAllow)))).not.toBe("explicitDeny");
    });
  });

  it("adding an Allow never denies more", () => {
    forAll([input, statement, resourceStatement], (about, added, addedToResource) => {
      const more = mapStatements(about, (list) => [...list, { ...added, Effect: "Allow" }]);
      expectNoLess(about, more);
      const { resourcePolicy } = about.request;
      if (!resourcePolicy) return;
      const statements = resourcePolicy.document["Statement"] as readonly Statement[];
      const document = documentOf([...statements, { ...addedToResource, Effect: "Allow" }]);
      if (resourcePolicy.document["Version"] !== document.Version) return;
      expectNoLess(about, { ...about, request: { ...about.request, resourcePolicy: { ...resourcePolicy, document } } });
    });
  });

  it("widening an Allow or narrowing a Deny never denies more", () => {
    forAll([input, fc.nat(2), fc.boolean()], (about, index, isAction) => {
      const changed = mapStatements(about, (list) =>
        list.map((one, i) => (i === index ? (isAllow(one) ? widened(one, isAction) : narrowed(one, isAction)) : one)),
      );
      expectNoLess(about, changed);
    });
  });

  it("widening a Deny or narrowing an Allow never allows more", () => {
    forAll([input, fc.nat(2), fc.boolean()], (about, index, isAction) => {
      const changed = mapStatements(about, (list) =>
        list.map((one, i) => (i === index ? (isAllow(one) ? narrowed(one, isAction) : widened(one, isAction)) : one)),
      );
      expectNoLess(changed, about);
    });
  });

  it("the order of policies, statements, levels and entries does not matter", () => {
    forAll([input], (about) => {
      const { policies } = about;
      const reversed = mapStatements(
        {
          ...about,
          policies: {
            ...policies,
            identity: policies.identity.toReversed(),
            ...(policies.session && { session: policies.session.toReversed() }),
            ...(policies.organization && { organization: policies.organization.toReversed() }),
          },
        },
        (list) => list.map(entriesReversed).toReversed(),
      );
      expect(effectOf(reversed)).toBe(effectOf(about));
      expect(evaluate(reversed).policyType).toBe(evaluate(about).policyType);
    });
  });

  it("a statement with several actions or resources is several statements with one", () => {
    forAll([input], (about) => {
      expect(effectOf(mapStatements(about, (list) => list.flatMap(split)))).toBe(effectOf(about));
    });
  });

  it("a policy a statement is the same as one policy", () => {
    forAll([input], (about) => {
      const identity = about.policies.identity.flatMap(({ name, document }) =>
        (document["Statement"] as readonly Statement[]).map((one) => ({
          name,
          document: { ...document, Statement: one },
        })),
      );
      expect(effectOf({ ...about, policies: { ...about.policies, identity } })).toBe(effectOf(about));
    });
  });

  it("boundary, session policies and service control policies only limit", () => {
    forAll([input, policy], (about, limit) => {
      const { boundary, session, organization, ...free } = about.policies;
      const without = (policies: EvaluationInput["policies"]) => ({ ...about, policies });
      expectNoLess(
        without({ ...about.policies, boundary: limit }),
        without({ ...free, ...(session && { session }), ...(organization && { organization }) }),
      );
      expectNoLess(
        without({ ...about.policies, session: [limit] }),
        without({ ...free, ...(boundary && { boundary }), ...(organization && { organization }) }),
      );
      expectNoLess(without({ ...about.policies, organization: [...(organization ?? []), [limit]] }), about);
    });
  });

  it("a limit that allows everything is none", () => {
    forAll([input], (about) => {
      const { boundary, session, ...free } = about.policies;
      const limited = {
        ...free,
        boundary: fullAccess,
        session: [fullAccess],
        organization: [[fullAccess], ...(free.organization ?? [])],
      };
      expect(effectOf({ ...about, policies: limited })).toBe(effectOf({ ...about, policies: free }));
    });
  });

  it("a call to another account is allowed when both sides allow it", () => {
    forAll([input], (about) => {
      const { resourcePolicy, ...request } = about.request;
      if (!evaluate(about).isCrossAccount || !resourcePolicy) return;
      // The caller's side alone: the resource as if it were the caller's own. The other side: a caller with all rights.
      const own = { ...about, request: { ...request, resourceAccountId: about.principal.accountId } };
      const theirs = { ...about, policies: { identity: [fullAccess] } };
      expect(isAllowed(about)).toBe(isAllowed(own) && isAllowed(theirs));
    });
  });
});

describe("what is told about a decision", () => {
  it("agrees with it", () => {
    forAll([input], (about) => {
      const decision = evaluate(about);
      const matched = decision.explain().filter((trace) => trace.matched);
      const hasDeny = matched.some((trace) => trace.effect === "Deny");
      expect(decision.effect === "explicitDeny").toBe(hasDeny);
      expect(decision.message === "").toBe(decision.effect === "allowed");
      for (const trace of decision.decidedBy) expect(matched).toContainEqual(trace);
      for (const trace of decision.explain()) {
        expect(trace.matched ? [trace.failed, trace.detail] : [typeof trace.failed, typeof trace.detail]).toEqual(
          trace.matched ? [undefined, undefined] : ["string", "string"],
        );
      }
      const misses = nearestMisses(decision, decision.explain());
      for (const { trace } of misses) expect(decision.explain()).toContain(trace);
    });
  });

  it("follows from the statements that match, without a resource's policy", () => {
    forAll([input], (whole) => {
      const { resourcePolicy: _, ...request } = whole.request;
      const about = { ...whole, request };
      const decision = evaluate(about);
      const matched = decision.explain().filter((trace) => trace.matched && trace.effect === "Allow");
      const allows = (type: string, level?: number) =>
        matched.some((trace) => trace.policyType === type && trace.level === level);
      const { principal, policies } = about;
      if (principal.type === "AWSService" || decision.isCrossAccount) {
        expect(decision.effect).not.toBe("allowed");
        return;
      }
      const isRoot =
        principal.type === "Root" || (principal.type === "FederatedUser" && principal.issuer.type === "Root");
      const all = [
        ...(policies.organization ?? []).map((_level, i) => allows("scp", i + 1)),
        isRoot || allows("identity"),
        policies.boundary === undefined || principal.type === "Root" || allows("boundary"),
        policies.session === undefined || principal.type === "Root" || allows("session"),
      ];
      if (decision.effect !== "explicitDeny")
        expect(decision.effect).toBe(all.every(Boolean) ? "allowed" : "implicitDeny");
    });
  });

  it("holds type by type", () => {
    forAll([input], (about) => {
      const decision = evaluate(about);
      const verdicts = new Map(decision.byType().map(({ policyType, effect }) => [policyType, effect]));
      const effects = [...verdicts.values()];
      expect(effects.includes("explicitDeny")).toBe(decision.effect === "explicitDeny");
      if (decision.policyType === "none") return;
      if (decision.effect === "explicitDeny") expect(verdicts.get(decision.policyType)).toBe("explicitDeny");
      if (decision.effect === "implicitDeny")
        expect(verdicts.get(decision.policyType) ?? "implicitDeny").toBe("implicitDeny");
      if (decision.effect === "allowed") expect(verdicts.get(decision.policyType)).toBe("allowed");
      if (decision.effect === "allowed" && !about.request.resourcePolicy)
        expect(new Set(effects)).toEqual(new Set(["allowed"]));
    });
  });

  it("is the same when asked twice", () => {
    forAll([input], (about) => {
      const copy = structuredClone(about) as EvaluationInput;
      expect(evaluate(copy).message).toBe(evaluate(about).message);
      expect(evaluate(copy).explain()).toEqual(evaluate(about).explain());
    });
  });
});

/** The same statement about more actions or resources. */
function widened(one: Statement, isAction: boolean): Statement {
  if (isAction) return one.NotAction ? { ...one, NotAction: one.NotAction.slice(0, 1) } : { ...one, Action: ["*"] };
  if (one.NotResource) return { ...one, NotResource: one.NotResource.slice(0, 1) };
  const wider = (pattern: string) => (pattern === "*" ? pattern : pattern.replace(/parameter\/.*$/, "parameter/*"));
  return { ...one, Resource: one.Resource?.map(wider) ?? [] };
}

/** The same statement about fewer. */
function narrowed(one: Statement, isAction: boolean): Statement {
  if (isAction)
    return one.NotAction
      ? { ...one, NotAction: [...one.NotAction, "ssm:*"] }
      : { ...one, Action: one.Action?.slice(1) ?? [] };
  return one.NotResource
    ? { ...one, NotResource: [...one.NotResource, "*"] }
    : { ...one, Resource: one.Resource?.slice(1) ?? [] };
}

const LISTS = ["Action", "NotAction", "Resource", "NotResource"] as const;

function entriesReversed(one: Statement): Statement {
  const lists = LISTS.flatMap((name) => (one[name] ? [[name, one[name].toReversed()] as const] : []));
  const conditions = Object.entries(one.Condition ?? {}).map(([operator, keys]) => [
    operator,
    Object.fromEntries(Object.entries(keys).map(([name, values]) => [name, values.toReversed()])),
  ]);
  return { ...one, ...Object.fromEntries(lists), Condition: Object.fromEntries(conditions.toReversed()) };
}

/** One statement for each pair of action and resource; a Not-element stays whole. */
const split = (one: Statement): Statement[] =>
  (one.Action ?? [undefined]).flatMap((action) =>
    (one.Resource ?? [undefined]).map((resource) => ({
      ...one,
      ...(action !== undefined && { Action: [action] }),
      ...(resource !== undefined && { Resource: [resource] }),
    })),
  );
