/** Properties that hold for every policy: more denies never allow more, more allows never deny more, and the like. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Principal } from "../core/aws.ts";
import { evaluate } from "./index.ts";

interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: object;
}

const principal: Principal = {
  type: "User",
  arn: "arn:aws:iam::111122223333:user/ann",
  accountId: "111122223333",
  userId: "AIDAEXAMPLEANN",
  userName: "ann",
};

const ACTIONS = ["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter", "kms:Decrypt"];
const NAMES = ["a", "a/b", "b"];
const arnOf = (name: string) => `arn:aws:ssm:us-east-1:111122223333:parameter/${name}`;

const action = fc.constantFrom(...ACTIONS, "*", "ssm:*", "ssm:Get*", "ssm:GetParameter?", "kms:D*");
const resource = fc.constantFrom(...NAMES.map(arnOf), "*", arnOf("a*"), arnOf("*"), arnOf("${aws:username}"));
const condition = fc.constantFrom(undefined, { Bool: { "aws:x": "true" } }, { StringNotEquals: { "aws:y": "1" } });
const statement: fc.Arbitrary<Statement> = fc
  .record({ Effect: fc.constantFrom("Allow" as const, "Deny" as const), Action: action, Resource: resource, condition })
  .map(({ condition: Condition, ...rest }) => (Condition ? { ...rest, Condition } : rest));
const statements = fc.array(statement, { maxLength: 6 });
const request = fc.record({
  action: fc.constantFrom(...ACTIONS),
  resource: fc.constantFrom(...NAMES.map(arnOf), "*"),
  context: fc.constantFrom({}, { "aws:x": "true" }, { "aws:x": "false", "aws:y": "1" }, { "aws:username": "a" }),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

function decide(list: readonly Statement[], { context, ...about }: Request) {
  const document = { Version: "2012-10-17", Statement: list };
  return evaluate({ principal, policies: { identity: [{ name: "p", document }] }, request: about, context });
}

const isAllowed = (list: readonly Statement[], about: Request) => decide(list, about).effect === "allowed";
const RUNS = { numRuns: 1_000 };

describe("for every policy", () => {
  it("removing a Deny never denies more", () => {
    fc.assert(
      fc.property(statements, request, fc.nat(5), (list, about, index) => {
        const fewer = list.filter((one, i) => one.Effect === "Allow" || i !== index);
        if (isAllowed(list, about)) expect(isAllowed(fewer, about)).toBe(true);
      }),
      RUNS,
    );
  });

  it("adding an Allow never denies more", () => {
    fc.assert(
      fc.property(statements, statement, request, (list, added, about) => {
        const more: Statement[] = [...list, { ...added, Effect: "Allow" }];
        if (isAllowed(list, about)) expect(isAllowed(more, about)).toBe(true);
      }),
      RUNS,
    );
  });

  it("widening an Allow never allows less", () => {
    fc.assert(
      fc.property(statements, request, fc.nat(5), fc.boolean(), (list, about, index, widenAction) => {
        const wider = list.map((one, i) =>
          i === index && one.Effect === "Allow" ? { ...one, [widenAction ? "Action" : "Resource"]: "*" } : one,
        );
        if (isAllowed(list, about)) expect(isAllowed(wider, about)).toBe(true);
      }),
      RUNS,
    );
  });

  it("the order of statements does not matter", () => {
    fc.assert(
      fc.property(statements, request, (list, about) => {
        expect(decide([...list].reverse(), about).effect).toBe(decide(list, about).effect);
      }),
      RUNS,
    );
  });

  it("splitting into one policy a statement does not matter", () => {
    fc.assert(
      fc.property(statements, request, (list, { context, ...about }) => {
        const identity = list.map((one, i) => ({ name: `p${i}`, document: { Version: "2012-10-17", Statement: one } }));
        const split = evaluate({ principal, policies: { identity }, request: about, context });
        expect(split.effect).toBe(decide(list, { context, ...about }).effect);
      }),
      RUNS,
    );
  });

  it("the explanation agrees with the decision", () => {
    fc.assert(
      fc.property(statements, request, (list, about) => {
        const decision = decide(list, about);
        const matched = decision.explain().filter((trace) => trace.matched);
        const denies = matched.some((trace) => trace.effect === "Deny");
        const allows = matched.some((trace) => trace.effect === "Allow");
        expect(decision.effect).toBe(denies ? "explicitDeny" : allows ? "allowed" : "implicitDeny");
        expect(decision.explain()).toHaveLength(list.length);
      }),
      RUNS,
    );
  });

  it("a boundary never allows more", () => {
    fc.assert(
      fc.property(statements, statements, request, (list, limit, { context, ...about }) => {
        const document = (Statement: readonly Statement[]) => ({ Version: "2012-10-17", Statement });
        const policies = {
          identity: [{ name: "p", document: document(list) }],
          boundary: { name: "b", document: document(limit) },
        };
        const bounded = evaluate({ principal, policies, request: about, context });
        const both = isAllowed(list, { context, ...about }) && isAllowed(limit, { context, ...about });
        expect(bounded.effect === "allowed").toBe(both);
      }),
      RUNS,
    );
  });
});
