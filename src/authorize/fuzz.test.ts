/**
 * Arbitrary JSON and mutated real policies through everything the engine offers: nothing throws, and what is explained
 * agrees with what was decided. Seeded, so that a failure can be repeated.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { principals, tables } from "../../test/support/decision-tables.ts";
import { ACTIONS, context } from "../../test/support/policy-generators.ts";
import type { PolicyDocument } from "../core/aws.ts";
import {
  contextKeysUsed,
  evaluate,
  nearestMisses,
  type PolicyKind,
  policySize,
  principalContext,
  validatePolicy,
} from "./index.ts";

const SEED = 4;

/** Texts that mean something to a policy, and some that mean trouble. */
const TEXTS = [
  ...[
    "2012-10-17",
    "2008-10-17",
    "Allow",
    "Deny",
    "allow",
    "*",
    "?",
    "**",
    "",
    " ",
    ":",
    "s3:*",
    "s3:Get*",
    "*:*",
    "ssm:GetParameter",
  ],
  ...[
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/${aws:username}",
    "arn:aws:ssm:*:parameter/a",
    "arn:::::",
    "arn:aws:s3",
    "${",
    "${*}",
    "${a, 'b'}",
  ],
  ...[
    "${aws:PrincipalTag/team, '}",
    "StringEquals",
    "ForAllValues:StringLikeIfExists",
    "Null",
    "NullIfExists",
    "Bool",
    "IpAddress",
    "ArnLike",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "aws:username",
    "aws:TagKeys",
    "true",
    "2020-01-01",
    "10.0.0.0/8",
    "::/0",
    "1e400",
    "Infinity",
  ],
  ...[
    "\ud800",
    "\udfff\ud800",
    "\u0000",
    "\u{1f600}",
    "İ",
    "ß",
    "111122223333",
    "arn:aws:iam::111122223333:root",
    "codebuild.amazonaws.com",
  ],
];
const MEMBERS = [
  ...[
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
  ],
  ...["Condition", "AWS", "Service", "Federated", "CanonicalUser"],
];

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "binary", maxLength: 12 }));
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, depthSize: "small" },
    text,
    fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e21),
    fc.array(tie("json"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.constantFrom(...MEMBERS), text), tie("json")), { maxLength: 5 })
      .map((members) => Object.fromEntries(members)),
  ),
}));

const policyShaped = fc
  .array(fc.dictionary(fc.constantFrom(...MEMBERS), json, { maxKeys: 8 }), { maxLength: 3 })
  .map((statements) => ({ Version: "2012-10-17", Statement: statements.map((one) => ({ Effect: "Allow", ...one })) }));

const real: readonly unknown[] = (() => {
  const url = new URL("../../data/managed-policies.json", import.meta.url);
  const { policies } = JSON.parse(readFileSync(url, "utf8")) as { policies: readonly { document: unknown }[] };
  const ofCases = tables().flatMap(({ cases }) =>
    cases.map((test) => test.resourcePolicy?.statements ?? test.identity),
  );
  const documents = ofCases.filter((statements) => statements !== undefined);
  return [
    ...policies.map(({ document }) => document).filter((one) => JSON.stringify(one).length < 20_000),
    ...documents.map((statements) => ({ Version: "2012-10-17", Statement: statements })),
  ];
})();

/** A real policy with a few of its nodes replaced, removed or doubled. */
const mutated = fc
  .tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(), fc.nat(3), json), { minLength: 1, maxLength: 3 }))
  .map(([document, changes]) => changes.reduce((one, change) => mutate(one, ...change), structuredClone(document)));

function mutate(document: unknown, where: number, kind: number, replacement: unknown): unknown {
  const places: [holder: Record<string, unknown>, member: string][] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const member of Object.keys(node)) {
      places.push([node as Record<string, unknown>, member]);
      visit((node as Record<string, unknown>)[member]);
    }
  };
  visit(document);
  const place = places[where % Math.max(1, places.length)];
  if (!place) return replacement;
  const [holder, member] = place;
  const value = holder[member];
  if (kind === 0) holder[member] = replacement;
  else if (kind === 1) delete holder[member];
  else if (kind === 2) holder[member] = [value, value, replacement];
  else holder[member] = typeof value === "string" ? value.slice(where % (value.length + 1)) + value : [replacement];
  return document;
}

const about = fc.record({
  principal: fc.constantFrom(...Object.values(principals)),
  action: fc.oneof(fc.constantFrom(...ACTIONS, "s3:GetObject", "sts:AssumeRole"), text),
  resource: fc.oneof(fc.constantFrom("arn:aws:s3:::b/k", "*", "arn:aws:ssm:us-east-1:444455556666:parameter/a"), text),
  context: fc.oneof(context, fc.dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 3 })))),
  mandatory: fc.boolean(),
});
type About = typeof about extends fc.Arbitrary<infer T> ? T : never;

function check(document: unknown, { principal, action, resource, context: keys, mandatory }: About): void {
  const named = { name: "fuzzed", document: document as PolicyDocument };
  const decision = evaluate({
    principal,
    policies: { identity: [named, named], boundary: named, session: [named], organization: [[named]] },
    request: { action, resource, resourcePolicy: { ...named, accountId: "111122223333", mandatory } },
    context: { ...principalContext(principal), ...keys },
  });
  const traces = decision.explain();
  const denies = traces.some((trace) => trace.matched && trace.effect === "Deny");
  if (action.toLowerCase() !== "sts:getcalleridentity") expect(decision.effect === "explicitDeny").toBe(denies);
  for (const trace of decision.decidedBy) expect(traces).toContainEqual(trace);
  expect(decision.message === "").toBe(decision.effect === "allowed");
  const verdicts = decision.byType().map(({ effect }) => effect);
  if (decision.effect === "allowed") expect(verdicts).not.toContain("explicitDeny");
  for (const { trace, advice } of nearestMisses(decision, traces)) {
    expect(trace.matched).toBe(false);
    expect(advice === undefined || advice.length < 2_000).toBe(true);
  }
  expect(contextKeysUsed(document as PolicyDocument).every((name) => typeof name === "string")).toBe(true);
}

describe("nothing throws and the explanation agrees, for", () => {
  it.each<[string, fc.Arbitrary<unknown>, number]>([
    ["arbitrary JSON", json, 1_500],
    ["what is shaped like a policy", policyShaped, 1_500],
    ["real policies with changes", mutated, 1_500],
  ])("%s", (_name, documents, numRuns) => {
    fc.assert(fc.property(documents, about, check), { seed: SEED, numRuns });
  });

  it("validation of all of them", () => {
    const kinds: readonly PolicyKind[] = ["identity", "trust", "key", "resource"];
    fc.assert(
      fc.property(fc.oneof(json, policyShaped, mutated), about, (document, request) => {
        const written = JSON.stringify(document);
        expect(policySize(written)).toBeLessThanOrEqual(written.length);
        for (const kind of kinds) {
          const result = validatePolicy(written, kind);
          if (result.ok) check(result.value, request);
          else expect(result.error).not.toBe("");
        }
      }),
      { seed: SEED, numRuns: 1_500 },
    );
  });

  it("validation of arbitrary text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (written) => {
        for (const kind of ["identity", "trust"] as const) expect(validatePolicy(written, kind)).toBeDefined();
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
