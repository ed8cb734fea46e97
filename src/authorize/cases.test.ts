/**
 * Runs the decision tables in cases/*.json: data in, decision out. cases/README.md tells their format; each case has a
 * source and a name of its own.
 */
import { describe, expect, it } from "vitest";
import {
  type Case,
  casesWithoutSource,
  decide,
  duplicateNames,
  expectationOf,
  tables,
} from "../../test/support/decision-tables.ts";

const all = tables();

it("no case is without its source", () => expect(casesWithoutSource(all)).toEqual([]));

it("no two cases have the same name", () => expect(duplicateNames(all)).toEqual([]));

for (const { file, cases } of all) {
  describe(file, () => {
    it.each(cases.map((test) => [test.name, test] as const))("%s", (_name, test) => check(test));
  });
}

function check(test: Case): void {
  const decision = decide(test);
  const expected = expectationOf(test);
  const traces = decision.explain();
  expect(decision.effect, decision.message).toBe(expected.effect);
  expect(decision.message === "").toBe(decision.effect === "allowed");
  if (expected.policyType !== undefined) expect(decision.policyType).toBe(expected.policyType);
  if (expected.message !== undefined) expect(decision.message).toBe(expected.message);
  if (expected.reason !== undefined) {
    const base = `User: ${decision.principalArn} is not authorized to perform: ${decision.action}`;
    expect(decision.message).toBe(`${base} on resource: ${decision.resource} ${expected.reason}`.trimEnd());
  }
  if (expected.isCrossAccount !== undefined) expect(decision.isCrossAccount).toBe(expected.isCrossAccount);
  if (expected.byType !== undefined) {
    const byType = decision.byType().map(({ policyType, effect }) => [policyType, effect]);
    expect(Object.fromEntries(byType)).toEqual(expected.byType);
  }
  if (expected.decidedBy !== undefined) {
    expect(decision.decidedBy.map((trace) => trace.sid ?? trace.index)).toEqual(expected.decidedBy);
  }
  const failures = traces.filter((trace) => !trace.matched);
  if (expected.failed !== undefined) expect(failures.map((trace) => trace.failed)).toContain(expected.failed);
  if (expected.detail !== undefined) expect(failures.map((trace) => trace.detail)).toContain(expected.detail);
  // What decided is found again in the full explanation.
  for (const trace of decision.decidedBy) expect(traces).toContainEqual(trace);
}
