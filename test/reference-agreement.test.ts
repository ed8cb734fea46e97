/**
 * Two statements of one algorithm agree: the engine, compiled and fast, and test/support/reference-evaluator.ts, naive and
 * written from AWS's documents alone. Asked about every case of the decision tables and about random requests whose
 * policies nearly match. `KILN_TEST_REQUESTS=1000000` asks about as many, other ones each time; the seed is printed when
 * one fails.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/authorize/index.ts";
import { expectationOf, inputOf, tables } from "./support/decision-tables.ts";
import { Tape } from "./support/near-conditions.ts";
import { nearRequest } from "./support/near-requests.ts";
import { referenceDecision } from "./support/reference-evaluator.ts";

const asked = process.env["KILN_TEST_REQUESTS"];
const RUNS = asked === undefined ? { numRuns: 20_000, seed: 4 } : { numRuns: Number(asked) };
const TIMEOUT_MS = 60_000 + RUNS.numRuns;

const tape = fc.noBias(fc.array(fc.nat(0xffff), { minLength: 300, maxLength: 300 }));
const request = tape.map((numbers) => nearRequest(new Tape(numbers)));

describe("the reference evaluator decides every case as its source says", () => {
  it.each(tables())("$file", ({ cases }) => {
    for (const test of cases) {
      const { effect, policyType } = expectationOf(test);
      const decision = referenceDecision(inputOf(test));
      expect(decision.effect, test.name).toBe(effect);
      if (policyType && effect !== "allowed") expect(decision.policyType, test.name).toBe(policyType);
    }
  });
});

it("engine and reference evaluator decide alike, whatever is asked", { timeout: TIMEOUT_MS }, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(request, (input) => {
      const { effect, policyType } = evaluate(input);
      const reference = referenceDecision(input);
      expect(effect).toBe(reference.effect);
      // Of what was allowed several types of policy may say so; which one is named is not AWS's.
      if (effect !== "allowed") expect(policyType).toBe(reference.policyType);
      const kind = `${effect} ${policyType}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }),
    RUNS,
  );
  // The requests are such that every type of policy decides often.
  const denials = ["scp", "resource", "trust", "identity", "boundary", "session"].flatMap((type) => [
    `explicitDeny ${type}`,
    `implicitDeny ${type}`,
  ]);
  for (const kind of ["allowed identity", "allowed resource", "allowed none", "allowed trust", ...denials]) {
    expect(seen.get(kind), kind).toBeGreaterThan(RUNS.numRuns / 1000);
  }
});
