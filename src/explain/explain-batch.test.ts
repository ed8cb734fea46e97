/** Batches: which builds failed and why, what never started, and failures of the batch itself. */
import { describe, expect, it } from "vitest";
import { denialMessage, factsOf } from "../../test/support/build-facts.ts";
import { make } from "../../test/support/explain-cases.ts";
import { type BatchRecord, type BuildFacts, explainBatch, renderDiagnosis } from "./index.ts";

const arn = (name: string) => `arn:aws:codebuild:us-east-1:000000000000:build/flask:${name}`;
const ran = (identifier: string, buildStatus: string, more: object = {}) => ({
  identifier,
  dependsOn: [],
  currentBuildSummary: { arn: arn(identifier), buildStatus },
  ...more,
});
const never = (identifier: string, dependsOn: string[]) => ({
  identifier,
  dependsOn,
  currentBuildSummary: { buildStatus: "STOPPED" },
});
const SOURCE = ran("DOWNLOAD_SOURCE", "SUCCEEDED");
const failedIn = (phaseType: string, statusCode: string, message: string, phaseStatus = "FAILED") => [
  { phaseType: "SUBMITTED", phaseStatus: "SUCCEEDED" },
  { phaseType, phaseStatus, contexts: [{ statusCode, message }] },
  { phaseType: "FAILED" },
];
const batchOf = (more: Partial<BatchRecord>): BatchRecord => ({
  id: "flask:batch",
  projectName: "flask",
  buildBatchStatus: "FAILED",
  buildBatchConfig: { serviceRole: "arn:aws:iam::000000000000:role/BatchRole", timeoutInMins: 60 },
  buildGroups: [SOURCE],
  ...more,
});
const explain = (batch: BatchRecord, builds: Record<string, BuildFacts> = {}) =>
  explainBatch({ batch, builds: new Map(Object.entries(builds)) });
const broken = factsOf({ ...make, exitStatus: 127, output: ["/x/script.sh: 4: make: not found"] });

describe("a batch with builds that failed", () => {
  const message = "build groups that did not succeed: test, deploy, notify";
  const batch = batchOf({
    buildGroups: [
      SOURCE,
      ran("test", "FAILED"),
      ran("lint", "FAILED", { ignoreFailure: true }),
      ran("slow", "STOPPED"),
      never("deploy", ["test"]),
      never("notify", ["deploy"]),
    ],
    phases: failedIn("IN_PROGRESS", "CLIENT_ERROR", message),
  });
  const diagnosis = explain(batch, { test: broken, lint: broken });

  it("names the failing build with its cause, and what followed", () => {
    expect(diagnosis).toMatchObject({
      outcome: "problem",
      code: "batch/builds-failed",
      phase: "IN_PROGRESS",
      cause: "the build `test` of the batch's 5 failed: the command `make` is not installed where the build runs",
      evidence: [`CLIENT_ERROR: ${message}`],
      next: "why is below for each; when it is fixed: `kiln builds retry flask:batch` runs what did not succeed",
    });
    expect(diagnosis.consequences).toEqual([
      "`lint` failed too, which `ignore-failure` allows",
      "`slow` was stopped while it ran",
      "`deploy` never started: it depends on `test`, which did not succeed",
      "`notify` never started: it depends on `deploy`, which never ran",
    ]);
    expect(diagnosis.builds.map(({ identifier, diagnosis: own }) => [identifier, own.code])).toEqual([
      ["test", "commands/not-found"],
      ["lint", "commands/not-found"],
    ]);
    expect(renderDiagnosis(diagnosis).split("\n")[0]).toBe(`cause: ${diagnosis.cause}`);
  });

  it("counts them when there are several", () => {
    const both = batchOf({
      buildGroups: [SOURCE, ran("a", "FAILED"), ran("b", "TIMED_OUT")],
      phases: failedIn("IN_PROGRESS", "CLIENT_ERROR", "build groups that did not succeed: a, b"),
    });
    expect(explain(both, { a: broken, b: broken }).cause).toBe("2 of the batch's 2 builds failed: `a` and `b`");
  });

  it("looks at the newest try only", () => {
    const phases = [
      ...failedIn("IN_PROGRESS", "CLIENT_ERROR", "old").slice(0, 2),
      { phaseType: "FAILED", phaseStatus: "RETRY" },
      ...failedIn("IN_PROGRESS", "CLIENT_ERROR", "new"),
    ];
    const again = batchOf({ buildGroups: [SOURCE, ran("a", "FAILED")], phases });
    expect(explain(again, { a: broken }).evidence).toEqual(["CLIENT_ERROR: new"]);
  });
});

describe("a batch that failed itself", () => {
  it("names the permission its role lacks, and the policy", () => {
    const project = "arn:aws:codebuild:us-east-1:000000000000:project/flask";
    const denied = denialMessage("codebuild:StartBuild", project).replace(/CodeBuildServiceRole/g, "BatchRole");
    const diagnosis = explain(
      batchOf({
        buildGroups: [{ identifier: "DOWNLOAD_SOURCE", currentBuildSummary: { buildStatus: "FAILED" } }],
        phases: failedIn("DOWNLOAD_BATCHSPEC", "ACCESS_DENIED", denied),
      }),
    );
    expect(diagnosis).toMatchObject({
      code: "iam/batch-role-denied",
      cause: `the batch role \`BatchRole\` may not start the builds of the batch: no policy allows \`codebuild:StartBuild\` on \`${project}\``,
      field: { path: "buildBatchConfig.serviceRole", value: "arn:aws:iam::000000000000:role/BatchRole" },
      fix: {
        policy: {
          Statement: [
            { Action: ["codebuild:RetryBuild", "codebuild:StartBuild", "codebuild:StopBuild"], Resource: [project] },
          ],
        },
      },
    });
  });

  it("takes the cause of the source build when there was nothing to start", () => {
    const facts = factsOf({
      phase: "DOWNLOAD_SOURCE",
      statusCode: "YAML_FILE_ERROR",
      message: "YAML file does not exist",
      files: ["buildspec.yaml"],
    });
    const diagnosis = explain(
      batchOf({
        buildGroups: [ran("DOWNLOAD_SOURCE", "FAILED")],
        phases: failedIn("DOWNLOAD_BATCHSPEC", "YAML_FILE_ERROR", "YAML file does not exist"),
      }),
      { DOWNLOAD_SOURCE: facts },
    );
    expect(diagnosis).toMatchObject({
      code: "buildspec/missing",
      phase: "DOWNLOAD_BATCHSPEC",
      cause: "there is no `buildspec.yml` in the source; the nearest is `buildspec.yaml`",
      builds: [],
    });
  });

  it.each([
    [
      "TIMED_OUT",
      "BUILD_TIMED_OUT",
      "Build has timed out. (timeoutInMins of the batch: 60)",
      "batch/timed-out",
      "the batch ran into its own timeout of 60 minutes",
    ],
    ["STOPPED", "", "", "batch/stopped", "the batch was stopped"],
    [
      "FAULT",
      "INTERNAL_SERVICE_ERROR",
      "Kiln was interrupted while the batch ran (process 7 ended); retry the batch, or start it again",
      "batch/interrupted",
      "the batch did not end by itself: Kiln's process was killed, or could not go on",
    ],
    [
      "FAILED",
      "CLIENT_ERROR",
      "build group a could not be started: fleet cannot be found: f",
      "batch/build-not-started",
      "the build `a` of the batch could not be started: fleet cannot be found: f",
    ],
    [
      "FAILED",
      "CLIENT_ERROR",
      "artifacts could not be combined: x",
      "batch/unknown",
      "the batch ended as FAILED in IN_PROGRESS, and none of its builds says why",
    ],
  ])("%s %s: %s", (buildBatchStatus, statusCode, message, code, cause) => {
    const phases = failedIn("IN_PROGRESS", statusCode, message, buildBatchStatus);
    const diagnosis = explain(batchOf({ buildBatchStatus, phases }));
    expect(diagnosis).toMatchObject({ code, cause, next: expect.any(String) });
  });
});

it("has nothing to say about a batch that succeeded, but for builds that were allowed to fail", () => {
  const buildGroups = [SOURCE, ran("lint", "FAILED", { ignoreFailure: true })];
  expect(explain(batchOf({ buildBatchStatus: "SUCCEEDED" })).cause).toBe("the batch succeeded: nothing to explain");
  expect(explain(batchOf({ buildBatchStatus: "SUCCEEDED", buildGroups }), { lint: broken }).cause).toBe(
    "the batch succeeded, although `lint` failed: `ignore-failure` allows it",
  );
  expect(explain(batchOf({ buildBatchStatus: "IN_PROGRESS" })).cause).toBe("the batch is still running");
});
