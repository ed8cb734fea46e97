import { describe, expect, it } from "vitest";
import { expectationOf, inputOf, tables } from "./support/decision-tables.ts";
import { referenceDecision } from "./support/reference-evaluator.ts";

describe("the reference evaluator decides every case as its source says", () => {
  for (const { file, cases } of tables()) {
    it(file, () => {
      for (const test of cases) {
        const { effect, policyType } = expectationOf(test);
        const decision = referenceDecision(inputOf(test));
        expect.soft(decision.effect, test.name).toBe(effect);
        if (policyType && effect !== "allowed") expect.soft(decision.policyType, test.name).toBe(policyType);
      }
    });
  }
});
