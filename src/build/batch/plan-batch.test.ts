import { describe, expect, it } from "vitest";
import { parseBuildspec } from "../buildspec/index.ts";
import { type BatchRestrictions, planBatch } from "./index.ts";

const plan = (batch: string, restrictions?: BatchRestrictions) => {
  const text = `version: 0.2\nbatch:\n${batch.replace(/^/gm, "  ")}\n`;
  const { buildspec, failure } = parseBuildspec(text, "buildspec.yml");
  // What is wrong with the batch never stops a plain build.
  expect(failure).toBeUndefined();
  return planBatch({ batch: buildspec?.batch, buildspecFile: "buildspec.yml", ...(restrictions && { restrictions }) });
};

describe("a batch's plan", () => {
  it("takes every key of a graph's build", () => {
    const { plan: made, diagnostics } = plan(`fast-fail: yes
build-graph:
  - identifier: one
  - identifier: two
    buildspec: ci/two.yml
    debug-session: true
    depend-on: [one]
    ignore-failure: true
    env:
      compute-type: BUILD_GENERAL1_LARGE
      image: aws/codebuild/standard:7.0
      privileged-mode: true
      type: LINUX_CONTAINER
      variables:
        VERSION: 3.10
        EMPTY:
`);
    expect(diagnostics).toEqual([]);
    expect(made).toEqual({
      kind: "build-graph",
      buildspecFile: "buildspec.yml",
      fastFail: true,
      notes: ["`debug-session` of `two`: Kiln opens no session of Session Manager; the build runs through"],
      tasks: [
        {
          identifier: "one",
          dependsOn: [],
          ignoreFailure: false,
          debugSession: false,
          environment: {},
          variables: [],
          line: 5,
        },
        {
          identifier: "two",
          buildspec: "ci/two.yml",
          dependsOn: ["one"],
          ignoreFailure: true,
          debugSession: true,
          environment: {
            computeType: "BUILD_GENERAL1_LARGE",
            image: "aws/codebuild/standard:7.0",
            privilegedMode: true,
            type: "LINUX_CONTAINER",
          },
          variables: [
            { name: "VERSION", value: "3.10" },
            { name: "EMPTY", value: "" },
          ],
          line: 6,
        },
      ],
    });
  });

  it("makes the product of a matrix, the last dimension fastest", () => {
    const { plan: made } = plan(`build-matrix:
  static:
    ignore-failure: true
    env:
      privileged-mode: true
      type: ARM_CONTAINER
  dynamic:
    buildspec: [a.yml, b.yml]
    env:
      image: [one]
      compute-type: [BUILD_GENERAL1_SMALL]
      variables:
        PYTHON: [3.9, 3.10]
`);
    expect(made?.tasks.map((task) => [task.identifier, task.buildspec, task.variables[0]?.value])).toEqual([
      ["build_matrix_1", "a.yml", "3.9"],
      ["build_matrix_2", "a.yml", "3.10"],
      ["build_matrix_3", "b.yml", "3.9"],
      ["build_matrix_4", "b.yml", "3.10"],
    ]);
    expect(made?.tasks[0]).toMatchObject({
      ignoreFailure: true,
      environment: {
        privilegedMode: true,
        type: "ARM_CONTAINER",
        image: "one",
        computeType: "BUILD_GENERAL1_SMALL",
      },
    });
  });

  it("makes as many builds of a fan-out as its parallelism says", () => {
    const { plan: made } = plan("build-fanout:\n  parallelism: 3\n  ignore-failure: false");
    expect(made?.tasks.map(({ identifier, shard }) => [identifier, shard])).toEqual([
      ["build_fanout_1", { index: 0, count: 3 }],
      ["build_fanout_2", { index: 1, count: 3 }],
      ["build_fanout_3", { index: 2, count: 3 }],
    ]);
  });

  const list = (...items: string[]): string => `build-list:\n${items.map((item) => `  - ${item}\n`).join("")}`;
  const graph = (...items: string[]): string => `build-graph:\n${items.map((item) => `  - ${item}\n`).join("")}`;
  it.each<[string, string, BatchRestrictions?]>([
    [
      "fast-fail: true",
      "batch has no builds, expected one of `build-list`, `build-graph`, `build-matrix` or `build-fanout` under it",
    ],
    [
      "build-list:\n  - identifier: a\nbuild-fanout:\n  parallelism: 2",
      "batch has `build-list` and `build-fanout`, expected one kind",
    ],
    ["build-list:", "batch.build-list is empty, expected at least one build"],
    ["build-list: a", "Expected batch.build-list to be a list: found text instead at line 3"],
    [list("a"), "Expected batch.build-list[0] to be a mapping: found text instead at line 4"],
    [list("{buildspec: a.yml}"), "batch.build-list[0] has no identifier"],
    [list("{identifier: a-b}"), "identifier `a-b` is not valid, expected 1 to 127 letters, digits and underscores"],
    [list("{identifier: a}", "{identifier: a}"), "identifier `a` stands twice in the batch"],
    [
      list("{identifier: DOWNLOAD_SOURCE}"),
      "identifier `DOWNLOAD_SOURCE` is CodeBuild's own, for the build that downloads the source",
    ],
    [
      graph("{identifier: a}", "{identifier: b, depend-on: [c]}"),
      "`b` depends on `c`, which is no build of the batch; the others are `a`",
    ],
    [graph("{identifier: a, depend-on: [a]}"), "the builds wait for each other: a -> a"],
    [
      graph("{identifier: a, depend-on: [c]}", "{identifier: b, depend-on: [a]}", "{identifier: c, depend-on: [b]}"),
      "the builds wait for each other: a -> c -> b -> a",
    ],
    [
      list("{identifier: a, env: {compute-type: BUILD_GENERAL1_SMALL, fleet: f}}"),
      "`a` has both `compute-type` and `fleet`, expected one of them",
    ],
    [
      list("{identifier: a, env: {variables: {1A: x}}}"),
      "`1A` is no name of an environment variable, expected letters, digits and underscores, no digit first",
    ],
    ["build-matrix:\n  dynamic:\n    buildspec: []", "batch.build-matrix: `buildspec` has no values"],
    ["build-fanout:", "batch.build-fanout has no parallelism, expected a whole number above 0"],
    ["build-fanout:\n  parallelism: 0", "batch.build-fanout.parallelism is `0`, expected a whole number above 0"],
    [
      "build-fanout:\n  parallelism: 101",
      "the batch has 101 builds, and the project allows 100 (maximumBuildsAllowed)",
    ],
    [
      "build-fanout:\n  parallelism: 3",
      "the batch has 3 builds, and the project allows 2 (maximumBuildsAllowed)",
      { maximumBuildsAllowed: 2 },
    ],
    [
      list("{identifier: a, env: {compute-type: BUILD_GENERAL1_LARGE}}"),
      "`a` runs on BUILD_GENERAL1_LARGE, and the project allows BUILD_GENERAL1_SMALL (computeTypesAllowed)",
      { computeTypesAllowed: ["BUILD_GENERAL1_SMALL"] },
    ],
    [
      list("{identifier: a, env: {fleet: big}}"),
      "`a` runs on the fleet big, and the project allows arn:aws:codebuild:us-east-1:1:fleet/small:u (fleetsAllowed)",
      { fleetsAllowed: ["arn:aws:codebuild:us-east-1:1:fleet/small:u"] },
    ],
  ])("refuses %j", (batch, message, restrictions) => {
    const { plan: made, failure, diagnostics } = plan(batch, restrictions);
    expect(made).toBeUndefined();
    expect(failure).toMatchObject({ statusCode: "YAML_FILE_ERROR", message });
    expect(diagnostics.filter(({ severity }) => severity === "error")[0]).toMatchObject({
      code: "batch/invalid",
      message,
    });
  });

  it("refuses compute and environment types that CodeBuild does not have", () => {
    const wrong = list("{identifier: a, env: {compute-type: HUGE}}");
    expect(plan(wrong).failure?.message).toMatch(/^compute-type `HUGE` is none of CodeBuild's: BUILD_GENERAL1_SMALL, /);
    expect(plan(list("{identifier: a, env: {type: MAC}}")).failure?.message).toMatch(/^type `MAC` is none of/);
    expect(plan(list("{identifier: a, env: {type: $TYPE}}")).failure).toBeUndefined();
  });

  it("never makes a product that is larger than allowed", () => {
    const values = `[${Array.from({ length: 1000 }, (_, n) => n).join(", ")}]`;
    const names = ["A", "B", "C", "D", "E"].map((name) => `\n        ${name}: ${values}`).join("");
    expect(plan(`build-matrix:\n  dynamic:\n    env:\n      variables:${names}`).failure?.message).toBe(
      "the batch has 1000000000000000 builds, and the project allows 100 (maximumBuildsAllowed)",
    );
  });

  it("names keys that are not CodeBuild's, and goes on", () => {
    const { plan: made, diagnostics } = plan(
      "build-list:\n  - identifier: a\n    depend-on: [b]\n    env: {compute: x}\nparallel: 3",
    );
    expect(made?.tasks).toHaveLength(1);
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      "batch/unknown-key unknown key `parallel` in `batch`; expected `fast-fail`, `build-list`, `build-graph`, `build-matrix`, `build-fanout`",
      "batch/unknown-key unknown key `depend-on` in `batch.build-list[0]`; expected `identifier`, `buildspec`, `debug-session`, `env`, `ignore-failure`",
      "batch/unknown-key unknown key `compute` in `batch.build-list[0].env`; expected `compute-type`, `fleet`, `image`, `privileged-mode`, `type`, `variables`",
    ]);
  });

  it("says so when there is no batch", () => {
    expect(planBatch({ batch: undefined, buildspecFile: "b.yml" }).failure?.message).toBe(
      "the buildspec has no batch section",
    );
  });
});
