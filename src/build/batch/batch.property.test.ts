/** Whatever the graph: orders are orders, no cycle passes, products have their size, and a schedule comes to its end. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBuildspec } from "../buildspec/index.ts";
import { findCycle, inOrder, levelsOf } from "./graph.ts";
import { GRAPH_FORMATS, planBatch, renderGraph } from "./index.ts";
import { product, productSize } from "./matrix.ts";
import { nextSteps, type TaskEnd, type TaskStatus } from "./schedule.ts";

/** Each node depends on earlier ones only; the list is shuffled afterwards. */
const acyclic = fc
  .array(fc.tuple(fc.array(fc.nat(30), { maxLength: 4 }), fc.boolean()), { minLength: 1, maxLength: 20 })
  .chain((rows) => {
    const nodes = rows.map(([before, ignoreFailure], index) => ({
      identifier: `t${index}`,
      dependsOn: [...new Set(before.filter((n) => n < index))].map((n) => `t${n}`),
      ignoreFailure,
    }));
    return fc.shuffledSubarray(nodes, { minLength: nodes.length });
  });

const anyGraph = fc.array(fc.array(fc.nat(12), { maxLength: 3 }), { minLength: 1, maxLength: 12 }).map((rows) =>
  rows.map((before, index) => ({
    identifier: `t${index}`,
    dependsOn: [...new Set(before.filter((n) => n < rows.length))].map((n) => `t${n}`),
  })),
);

/** Texts that look like batches: right keys and values, in places where they may be wrong. */
const yaml: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom("a", "b", "", "3", "0", "yes", "$X", null, 7, true, "BUILD_GENERAL1_SMALL"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ...["fast-fail", "build-list", "build-graph", "build-matrix", "build-fanout", "identifier", "depend-on"],
        ...["env", "variables", "compute-type", "fleet", "image", "static", "dynamic", "buildspec", "parallelism"],
        ...["ignore-failure", "debug-session", "privileged-mode", "type", "x"],
      ),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value;

test("whatever stands under batch, it is planned or refused with a place", () => {
  fc.assert(
    fc.property(yaml, (batch) => {
      const text = JSON.stringify({ version: "0.2", batch });
      const { buildspec } = parseBuildspec(text, "buildspec.yml");
      if (!buildspec?.batch) return;
      const { plan, failure, diagnostics } = planBatch({ batch: buildspec.batch, buildspecFile: "buildspec.yml" });
      expect(plan === undefined).toBe(failure !== undefined);
      expect(diagnostics.some(({ severity }) => severity === "error")).toBe(failure !== undefined);
      for (const { span } of diagnostics) expect(span?.file).toBe("buildspec.yml");
      if (plan) for (const format of GRAPH_FORMATS) expect(renderGraph(plan, format).length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

test("an order holds every build once, after all it waits for", () => {
  fc.assert(
    fc.property(acyclic, (nodes) => {
      expect(findCycle(nodes)).toBeUndefined();
      const order = inOrder(nodes).map(({ identifier }) => identifier);
      expect([...order].sort()).toEqual(nodes.map(({ identifier }) => identifier).sort());
      for (const { identifier, dependsOn } of nodes) {
        for (const before of dependsOn) expect(order.indexOf(before)).toBeLessThan(order.indexOf(identifier));
      }
      const level = new Map(levelsOf(nodes).flatMap((list, at) => list.map((node) => [node.identifier, at] as const)));
      expect(level.size).toBe(nodes.length);
      for (const { identifier, dependsOn } of nodes) {
        for (const before of dependsOn) expect(level.get(before)).toBeLessThan(level.get(identifier) ?? -1);
      }
    }),
  );
});

test("a graph has a cycle exactly when it has no order, and the cycle is one", () => {
  fc.assert(
    fc.property(anyGraph, (nodes) => {
      const cycle = findCycle(nodes);
      expect(cycle === undefined).toBe(inOrder(nodes).length === nodes.length);
      if (!cycle) return;
      expect(cycle.at(-1)).toBe(cycle[0]);
      for (const [at, name] of cycle.slice(0, -1).entries()) {
        expect(nodes.find(({ identifier }) => identifier === name)?.dependsOn).toContain(cycle[at + 1]);
      }
    }),
  );
});

test("a chain of many builds is no problem", () => {
  const chain = Array.from({ length: 20_000 }, (_, n) => ({
    identifier: `t${n}`,
    dependsOn: n === 19_999 ? [] : [`t${n + 1}`],
  }));
  expect(findCycle(chain)).toBeUndefined();
  expect(levelsOf(chain)).toHaveLength(20_000);
});

test("a product has the size of its dimensions and no combination twice", () => {
  const dimension = fc.record({ values: fc.uniqueArray(fc.nat(50), { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.array(dimension, { maxLength: 4 }), (dimensions) => {
      const combinations = product<{ values: number[] }, number>(dimensions);
      expect(combinations).toHaveLength(productSize(dimensions));
      const texts = combinations.map((combination) => combination.map(({ value }) => value).join());
      expect(new Set(texts).size).toBe(texts.length);
    }),
  );
});

test("a schedule ends, keeps the limit, starts nothing too early, and fails only for what may not fail", () => {
  const end = fc.constantFrom<TaskEnd>("SUCCEEDED", "SUCCEEDED", "FAILED", "TIMED_OUT", "FAULT", "STOPPED");
  const input = fc.record({
    nodes: acyclic,
    ends: fc.array(end, { minLength: 20, maxLength: 20 }),
    limit: fc.integer({ min: 1, max: 5 }),
    fastFail: fc.boolean(),
  });
  fc.assert(
    fc.property(input, ({ nodes, ends, limit, fastFail }) => {
      const statuses = new Map<string, TaskStatus>();
      const endOf = (name: string): TaskEnd => ends[Number(name.slice(1))] ?? "SUCCEEDED";
      for (let round = 0; ; round++) {
        expect(round).toBeLessThan(200);
        const next = nextSteps(nodes, statuses, { fastFail, limit });
        for (const name of next.skip) statuses.set(name, "SKIPPED");
        for (const name of next.stop) statuses.set(name, "STOPPED");
        for (const name of next.start) {
          expect(statuses.get(name)).toBeUndefined();
          for (const before of nodes.find(({ identifier }) => identifier === name)?.dependsOn ?? []) {
            const node = nodes.find(({ identifier }) => identifier === before);
            const status = statuses.get(before);
            expect(status === "SUCCEEDED" || (node?.ignoreFailure === true && status !== "SKIPPED")).toBe(true);
          }
          statuses.set(name, "RUNNING");
        }
        const running = [...statuses].filter(([, status]) => status === "RUNNING").map(([name]) => name);
        expect(running.length).toBeLessThanOrEqual(limit);
        if (next.outcome) {
          expect(statuses.size).toBe(nodes.length);
          const bad = nodes.some(({ identifier, ignoreFailure }) => {
            const status = statuses.get(identifier);
            return status === "SKIPPED" || (status !== "SUCCEEDED" && !ignoreFailure);
          });
          expect(next.outcome).toBe(bad ? "FAILED" : "SUCCEEDED");
          return;
        }
        const first = running[0];
        if (first !== undefined) statuses.set(first, endOf(first));
      }
    }),
  );
});
