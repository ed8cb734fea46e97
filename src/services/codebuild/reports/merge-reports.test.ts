/** Fan-out batches: each build has its report groups, and the batch has one report of them all. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { createHostEngine } from "../../../engines/index.ts";
import type { BuildBatch, CodeCoverage, Report, TestCase } from "../shapes.gen.ts";

const ARN = "arn:aws:codebuild:us-east-1:111122223333";
const REPORTS = ["CreateReportGroup", "CreateReport", "UpdateReport", "BatchPutTestCases", "BatchPutCodeCoverages"];
const BATCH = ["StartBuild", "StopBuild", "RetryBuild"];

let account: TestAccount;
beforeEach(async () => {
  account = await openTestAccount([createHostEngine({ graceMs: 100 })]);
});
afterEach(() => account.close());

const call = <O>(operation: string, input: object): Promise<O> => account.root.call<O>("codebuild", operation, input);

/** `commands` run in each of three builds, with their number in `$KILN_SHARD_INDEX`. */
async function fanOut(
  reports: object,
  commands: readonly string[],
  { actions = [...REPORTS, ...BATCH] }: { readonly actions?: readonly string[] } = {},
): Promise<BuildBatch> {
  await account.makeRole(actions.map((name) => (name.includes(":") ? name : `codebuild:${name}`)));
  const batch = { "build-fanout": { parallelism: 3, "ignore-failure": false } };
  const env = { variables: { CODEBUILD_CONFIG_AUTO_DISCOVER: "false" } };
  await account.makeProject(JSON.stringify({ version: "0.2", env, batch, phases: { build: { commands } }, reports }), {
    buildBatchConfig: { serviceRole: ROLE },
  });
  return run();
}
async function run(): Promise<BuildBatch> {
  const { buildBatch } = await call<{ buildBatch: BuildBatch }>("StartBuildBatch", { projectName: "my-project" });
  await account.service.batches.ended(buildBatch.id?.split(":")[1] ?? "");
  const { buildBatches } = await call<{ buildBatches: BuildBatch[] }>("BatchGetBuildBatches", { ids: [buildBatch.id] });
  return buildBatches[0] as BuildBatch;
}
const groups = async (): Promise<string[]> =>
  (await call<{ reportGroups: string[] }>("ListReportGroups", {})).reportGroups
    .map((arn) => arn.slice(`${ARN}:report-group/`.length))
    .sort();
const reportsOf = async ({ reportArns = [] }: BuildBatch): Promise<Report[]> =>
  reportArns.length === 0 ? [] : (await call<{ reports: Report[] }>("BatchGetReports", { reportArns })).reports;
const junit = (cases: string): string => `printf '%s' '<testsuite name="s">${cases}</testsuite>' > r$N.xml`;
const UNIT = { unit: { files: ["r*.xml"] } };
const NUMBER = "N=$KILN_SHARD_INDEX";
const shards = (name: string): string[] => [1, 2, 3].map((number) => `${name}BuildFanoutShard${number}`);

describe("the reports of a fan-out", () => {
  it("are one of the batch: counts added up, the longest duration, every test case", async () => {
    const cases = `<testcase classname="C" name="one'$N'" time="'$N'.5"/><testcase classname="C" name="two'$N'" time="0"/>`;
    const batch = await fanOut(UNIT, [NUMBER, junit(cases)]);
    expect(batch.buildBatchStatus).toBe("SUCCEEDED");
    expect(await groups()).toEqual(["my-project-unit", ...shards("my-project-unit")]);
    const [report] = await reportsOf(batch);
    expect(report).toMatchObject({
      type: "TEST",
      name: "my-project-unit",
      reportGroupArn: `${ARN}:report-group/my-project-unit`,
      executionId: batch.arn,
      status: "SUCCEEDED",
      truncated: false,
      testSummary: {
        total: 6,
        statusCounts: { SUCCEEDED: 6, FAILED: 0, ERROR: 0, SKIPPED: 0, UNKNOWN: 0 },
        durationInNanoSeconds: 2_500_000_000,
      },
    });
    const { testCases } = await call<{ testCases: TestCase[] }>("DescribeTestCases", { reportArn: report?.arn });
    expect(testCases.map(({ name }) => name)).toEqual(["one0", "two0", "one1", "two1", "one2", "two2"]);
    expect(new Set(testCases.map(({ reportArn }) => reportArn))).toEqual(new Set([report?.arn]));
    const trend = await call<{ stats: { max: string } }>("GetReportGroupTrend", {
      reportGroupArn: report?.reportGroupArn,
      trendField: "TOTAL",
    });
    expect(trend.stats.max).toBe("6");
  });

  it("say FAILED when one of them did, also where its build failed", async () => {
    const cases = '<testcase name="a"><failure message="no"/></testcase>';
    const batch = await fanOut(UNIT, [
      NUMBER,
      junit('<testcase name="ok"/>'),
      `[ $N != 1 ] || { ${junit(cases)}; false; }`,
    ]);
    expect(batch.buildBatchStatus).toBe("FAILED");
    expect(await reportsOf(batch)).toMatchObject([
      { status: "FAILED", testSummary: { total: 3, statusCounts: { SUCCEEDED: 2, FAILED: 1 } } },
    ]);
  });

  it("say INCOMPLETE when one is missing", async () => {
    const batch = await fanOut(UNIT, [NUMBER, `[ $N = 2 ] || ${junit('<testcase name="ok"/>')}`]);
    expect(await reportsOf(batch)).toMatchObject([{ status: "INCOMPLETE", testSummary: { total: 2 } }]);
  });

  it("of coverage are added up", async () => {
    const clover = `printf '%s' '<coverage generated="1"><project><file name="a.js" path="/src/a'$N'.js"><line num="1" type="stmt" count="1"/><line num="2" type="stmt" count="0"/></file></project></coverage>' > c.xml`;
    const batch = await fanOut({ cov: { files: ["c.xml"], "file-format": "CLOVERXML" } }, [NUMBER, clover]);
    const [report] = await reportsOf(batch);
    expect(report).toMatchObject({
      type: "CODE_COVERAGE",
      status: "SUCCEEDED",
      codeCoverageSummary: { linesCovered: 3, linesMissed: 3, lineCoveragePercentage: 50 },
    });
    const { codeCoverages } = await call<{ codeCoverages: CodeCoverage[] }>("DescribeCodeCoverages", {
      reportArn: report?.arn,
    });
    expect(codeCoverages.map(({ filePath, reportARN }) => [filePath, reportARN === report?.arn])).toEqual([
      ["/src/a0.js", true],
      ["/src/a1.js", true],
      ["/src/a2.js", true],
    ]);
  });

  it("of a group given by its ARN go into groups beside it, which export where it does", async () => {
    const s3 = {
      exportConfigType: "S3",
      s3Destination: { bucket: "raw", packaging: "NONE", encryptionDisabled: true },
    };
    await account.root.call("s3", "CreateBucket", { Bucket: "raw" });
    const { reportGroup } = await call<{ reportGroup: { arn: string } }>("CreateReportGroup", {
      name: "own",
      type: "TEST",
      exportConfig: s3,
    });
    const batch = await fanOut({ [reportGroup.arn]: { files: ["r*.xml"] } }, [NUMBER, junit('<testcase name="ok"/>')], {
      actions: ["codebuild:*", "s3:*"],
    });
    expect(await groups()).toEqual(["own", ...shards("own")]);
    const raw = await account.root.call<{ Contents: object[] }>("s3", "ListObjectsV2", { Bucket: "raw" });
    expect(raw.Contents).toHaveLength(3);
    expect(await reportsOf(batch)).toMatchObject([{ reportGroupArn: reportGroup.arn, testSummary: { total: 3 } }]);
  });

  it("that the role may not merge are named, and the batch keeps its status", async () => {
    const batch = await fanOut(UNIT, [NUMBER, junit('<testcase name="ok"/>')]);
    expect(batch.buildBatchStatus).toBe("SUCCEEDED");
    await account.root.call("iam", "PutRolePolicy", {
      RoleName: "CodeBuildServiceRole",
      PolicyName: "no-merging",
      PolicyDocument: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Deny", Action: "codebuild:CreateReport", Resource: `${ARN}:report-group/my-project-unit` },
        ],
      }),
    });
    const second = await run();
    expect(second.buildBatchStatus).toBe("SUCCEEDED");
    expect(second.reportArns).toEqual([]);
    const phase = second.phases?.find(({ phaseType }) => phaseType === "COMBINE_ARTIFACTS");
    expect(phase).toMatchObject({
      phaseStatus: "SUCCEEDED",
      contexts: [
        {
          statusCode: "CLIENT_ERROR",
          message: expect.stringMatching(
            /^the reports of arn:aws:codebuild:us-east-1:111122223333:report-group\/my-project-unit are not merged: AccessDeniedException: User: .* is not authorized to perform: codebuild:CreateReport on resource: .* with an explicit deny/,
          ),
        },
      ],
    });
  });
});

it("builds of other batches have no groups of their own", async () => {
  await account.makeRole([...REPORTS, ...BATCH].map((name) => `codebuild:${name}`));
  const spec = {
    version: "0.2",
    batch: { "build-list": [{ identifier: "a" }, { identifier: "b" }] },
    phases: { build: { commands: ["N=x", junit('<testcase name="ok"/>')] } },
    reports: UNIT,
  };
  await account.makeProject(JSON.stringify(spec), { buildBatchConfig: { serviceRole: ROLE } });
  expect((await run()).reportArns).toBeUndefined();
  expect(await groups()).toEqual(["my-project-unit"]);
});
