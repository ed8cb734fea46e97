import { expect, it } from "vitest";
import { parseBuildspec } from "../buildspec/index.ts";
import { type BatchPlan, planBatch, renderGraph } from "./index.ts";

const planOf = (batch: string): BatchPlan => {
  const { buildspec } = parseBuildspec(`version: 0.2\nbatch:\n${batch}`, "buildspec.yml");
  const { plan } = planBatch({ batch: buildspec?.batch, buildspecFile: "buildspec.yml" });
  if (!plan) throw new Error("no plan");
  return plan;
};

const DIAMOND = planOf(`  fast-fail: true
  build-graph:
    - identifier: start
    - identifier: left
      depend-on: [start]
      env: { compute-type: BUILD_GENERAL1_LARGE, variables: { TOKEN: secret } }
    - identifier: right_side
      depend-on: [start]
      buildspec: ci/"right".yml
      ignore-failure: true
    - identifier: end
      depend-on: [left, right_side]
`);

it("shows a graph as text, level by level, without values of variables", () => {
  expect(renderGraph(DIAMOND, "text")).toBe(`build-graph of 4 builds in 3 levels, fast-fail on
  1  start
  2  left        after start · BUILD_GENERAL1_LARGE · TOKEN
     right_side  after start · ci/"right".yml · may fail
  3  end         after left, right_side`);
});

it("shows a graph as a mermaid flowchart", () => {
  expect(renderGraph(DIAMOND, "mermaid")).toBe(`flowchart LR
  t_start["start"]
  t_left["left"]
  t_right_side(["right_side<br/>ci/#34;right#34;.yml"])
  t_end["end"]
  t_start --> t_left
  t_start --> t_right_side
  t_left --> t_end
  t_right_side --> t_end`);
});

it("shows a graph as JSON", () => {
  const json = JSON.parse(renderGraph(DIAMOND, "json")) as Record<string, unknown>;
  expect(json).toMatchObject({
    kind: "build-graph",
    fastFail: true,
    levels: [["start"], ["left", "right_side"], ["end"]],
    builds: [{ identifier: "start" }, { identifier: "left", variables: [{ name: "TOKEN" }] }, {}, {}],
  });
  expect(JSON.stringify(json)).not.toContain("secret");
});

it("tells the builds of a matrix apart by their values, those of a fan-out by their shard", () => {
  const matrix = planOf("  build-matrix:\n    dynamic:\n      env:\n        variables:\n          V: [a, b]\n");
  expect(renderGraph(matrix, "text")).toBe(`build-matrix of 2 builds, fast-fail off
  1  build_matrix_1  V=a
     build_matrix_2  V=b`);
  expect(renderGraph(planOf("  build-fanout:\n    parallelism: 1\n"), "text")).toBe(
    "build-fanout of 1 build, fast-fail off\n  1  build_fanout_1  shard 1 of 1",
  );
});
