/** The API of report groups and reports: shapes, order, filters, pages, refusals, permissions. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, SCOPE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { TestClock } from "../../../core/clock.ts";
import { TestIds } from "../../../core/ids.ts";
import type { RoleSession } from "../builds/role-session.ts";
import type { ReportGroup } from "../shapes.gen.ts";
import { closeReportsOf } from "./incomplete-reports.ts";
import { findReport, reportRecords } from "./report-records.ts";
import { buildReportSink } from "./report-sink.ts";

const ARN = "arn:aws:codebuild:us-east-1:111122223333";
const group = (name: string): string => `${ARN}:report-group/${name}`;
const NO_EXPORT = { exportConfigType: "NO_EXPORT" };

let account: TestAccount;
let clock: TestClock;
let ids: TestIds;
beforeEach(async () => {
  account = await openTestAccount([]);
  ids = new TestIds();
  // Reports are made a minute apart, an hour ago: the account's own clock runs.
  clock = new TestClock(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
});
afterEach(() => account.close());

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  account.root.call<O>("codebuild", operation, input);

const makeGroup = (name: string, more: object = {}): Promise<{ reportGroup: ReportGroup }> =>
  call("CreateReportGroup", { name, type: "TEST", exportConfig: NO_EXPORT, ...more });

/** The sink of a build whose role may do everything. */
function sink(buildArn = `${ARN}:build/my-project:1`) {
  const session = { authorize: async () => {}, caller: account.root } as unknown as RoleSession;
  const record = { scope: SCOPE, settings: { projectName: "my-project" }, build: { arn: buildArn } };
  return buildReportSink({ store: account.store, clock, ids }, record as never, session);
}

async function testReport(name: string, statuses: readonly string[], durationNs = 10): Promise<string> {
  clock.advance(60_000);
  const reports = sink();
  const report = await reports.createReport(await reports.openGroup(group(name), "TEST"));
  const cases = statuses.map((status, index) => ({
    name: `case ${index}`,
    prefix: index % 2 === 0 ? "Even" : "Odd",
    status: status as "FAILED",
    durationNs,
    rawDataPath: "a.xml",
  }));
  await reports.putTestCases(report, cases);
  await reports.updateReport(report, statuses.includes("FAILED") ? "FAILED" : "SUCCEEDED");
  return report.arn;
}

async function coverageReport(name: string, files: readonly (readonly [string, number, number])[]): Promise<string> {
  clock.advance(60_000);
  const reports = sink();
  const report = await reports.createReport(await reports.openGroup(group(name), "CODE_COVERAGE"));
  await reports.putCodeCoverages(
    report,
    files.map(([filePath, linesCovered, linesMissed]) => ({
      filePath,
      linesCovered,
      linesMissed,
      branchesCovered: 1,
      branchesMissed: 3,
    })),
  );
  await reports.updateReport(report, "SUCCEEDED");
  return report.arn;
}

describe("report groups", () => {
  it("are made with AWS's defaults", async () => {
    const { reportGroup } = await makeGroup("a-group", {
      exportConfig: { exportConfigType: "S3", s3Destination: { bucket: "b" } },
      tags: [{ key: "team", value: "shop" }],
    });
    expect(reportGroup).toEqual({
      arn: group("a-group"),
      name: "a-group",
      type: "TEST",
      exportConfig: {
        exportConfigType: "S3",
        s3Destination: {
          bucket: "b",
          path: "",
          packaging: "NONE",
          encryptionKey: "arn:aws:kms:us-east-1:111122223333:alias/aws/s3",
          encryptionDisabled: false,
        },
      },
      created: expect.any(Number),
      lastModified: reportGroup.created,
      tags: [{ key: "team", value: "shop" }],
      status: "ACTIVE",
    });
    expect(await call("BatchGetReportGroups", { reportGroupArns: [group("a-group"), group("none")] })).toEqual({
      reportGroups: [reportGroup],
      reportGroupsNotFound: [group("none")],
    });
    await expect(makeGroup("a-group")).rejects.toMatchObject({
      code: "ResourceAlreadyExistsException",
      message: `Report group already exists: ${group("a-group")}`,
    });
  });

  it.each([
    [{ name: "a:b" }, "Invalid report group name: a:b"],
    [{ exportConfig: {} }, "Invalid export config: exportConfigType is required"],
    [
      { exportConfig: { exportConfigType: "S3" } },
      "Invalid export config: export config type S3 needs an s3Destination with a bucket",
    ],
    [
      { exportConfig: { exportConfigType: "NO_EXPORT", s3Destination: { bucket: "b" } } },
      "Invalid export config: export config type NO_EXPORT should have null s3Destination",
    ],
    [
      { exportConfig: { exportConfigType: "S3", s3Destination: { bucket: "b/c" } } },
      "Invalid export config: bucket should not have a forward-slash",
    ],
    [
      { exportConfig: { exportConfigType: "S3", s3Destination: { bucket: "b", bucketOwner: "me" } } },
      "Invalid export config: bucketOwner must be an account id of 12 digits",
    ],
    [
      {
        exportConfig: {
          exportConfigType: "S3",
          s3Destination: { bucket: "b", encryptionDisabled: true, encryptionKey: "k" },
        },
      },
      "Invalid export config: encryptionKey must be null when encryption is disabled",
    ],
  ])("refuse %j", async (more, message) => {
    await expect(makeGroup("a-group", more)).rejects.toMatchObject({ code: "InvalidInputException", message });
  });

  it("are changed member by member", async () => {
    await makeGroup("a-group", { tags: [{ key: "team", value: "shop" }] });
    const { reportGroup } = await call<{ reportGroup: ReportGroup }>("UpdateReportGroup", {
      arn: group("a-group"),
      exportConfig: { exportConfigType: "S3", s3Destination: { bucket: "b", encryptionDisabled: true } },
    });
    expect(reportGroup).toMatchObject({ tags: [{ key: "team" }], exportConfig: { exportConfigType: "S3" } });
    expect(reportGroup.exportConfig?.s3Destination).not.toHaveProperty("encryptionKey");
    await expect(call("UpdateReportGroup", { arn: group("none") })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: `Report group cannot be found: ${group("none")}`,
    });
  });

  it("are listed in the order asked for, in pages", async () => {
    for (const name of ["bb", "aa", "cc"]) await makeGroup(name);
    const listed = async (input: object) =>
      (await call<{ reportGroups: string[] }>("ListReportGroups", input)).reportGroups;
    expect(await listed({})).toEqual([group("aa"), group("bb"), group("cc")]);
    expect(await listed({ sortOrder: "DESCENDING" })).toEqual([group("cc"), group("bb"), group("aa")]);
    const first = await call<{ nextToken: string; reportGroups: string[] }>("ListReportGroups", { maxResults: 2 });
    expect(first.reportGroups).toEqual([group("aa"), group("bb")]);
    expect(await call("ListReportGroups", { nextToken: first.nextToken })).toEqual({ reportGroups: [group("cc")] });
    await expect(call("ListReportGroups", { nextToken: "x" })).rejects.toMatchObject({ message: "Invalid nextToken" });
  });

  it("are deleted when they are empty, or with their reports", async () => {
    await makeGroup("a-group");
    const report = await testReport("a-group", ["FAILED"]);
    await expect(call("DeleteReportGroup", { arn: group("a-group") })).rejects.toMatchObject({
      code: "InvalidInputException",
      message: `Report group contains reports and cannot be deleted: ${group("a-group")}`,
    });
    expect(await call("DeleteReportGroup", { arn: group("a-group"), deleteReports: true })).toEqual({});
    expect(await call("BatchGetReports", { reportArns: [report] })).toEqual({ reports: [], reportsNotFound: [report] });
    expect(reportRecords(account.store).testCases.list([])).toEqual([]);
    expect(await call("DeleteReportGroup", { arn: group("a-group") })).toEqual({});
  });

  it("are decided on their ARN, with tags and export settings as condition keys", async () => {
    await makeGroup("a-group", { tags: [{ key: "team", value: "shop" }] });
    const { User } = await account.root.call<{ User: { Arn: string; UserId: string } }>("iam", "CreateUser", {
      UserName: "dev",
    });
    await account.root.call("iam", "PutUserPolicy", {
      UserName: "dev",
      PolicyName: "reports",
      PolicyDocument: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Action: "codebuild:BatchGetReportGroups",
            Resource: "*",
            Condition: { StringEquals: { "aws:ResourceTag/team": "shop" } },
          },
          {
            Effect: "Allow",
            Action: "codebuild:CreateReportGroup",
            Resource: group("*"),
            Condition: { StringEquals: { "codebuild:exportConfig.s3Destination.bucket": "ours" } },
          },
        ],
      }),
    });
    const dev = account.callerFor({
      type: "User",
      arn: User.Arn,
      userId: User.UserId,
      userName: "dev",
      accountId: SCOPE.accountId,
    } as never);
    await dev.call("codebuild", "BatchGetReportGroups", { reportGroupArns: [group("a-group")] });
    await expect(
      dev.call("codebuild", "BatchGetReportGroups", { reportGroupArns: [group("other")] }),
    ).rejects.toMatchObject({
      code: "AccessDeniedException",
    });
    const s3 = (bucket: string) => ({
      name: "new-group",
      type: "TEST",
      exportConfig: { exportConfigType: "S3", s3Destination: { bucket } },
    });
    await expect(dev.call("codebuild", "CreateReportGroup", s3("theirs"))).rejects.toMatchObject({
      code: "AccessDeniedException",
      message: expect.stringContaining(`codebuild:CreateReportGroup on resource: ${group("new-group")}`),
    });
    await dev.call("codebuild", "CreateReportGroup", s3("ours"));
  });
});

describe("reports", () => {
  it("are listed newest first, by status, of one group or all", async () => {
    await makeGroup("g1");
    await makeGroup("g2");
    const a = await testReport("g1", ["FAILED"]);
    const b = await testReport("g1", ["SUCCEEDED"]);
    const c = await testReport("g2", ["SUCCEEDED"]);
    const listed = async (input: object) => (await call<{ reports: string[] }>("ListReports", input)).reports;
    expect(await listed({})).toEqual([c, b, a]);
    expect(await listed({ sortOrder: "ASCENDING", filter: { status: "SUCCEEDED" } })).toEqual([b, c]);
    expect(await call("ListReportsForReportGroup", { reportGroupArn: group("g1"), maxResults: 1 })).toEqual({
      reports: [b],
      nextToken: expect.any(String),
    });
    await expect(call("ListReportsForReportGroup", { reportGroupArn: group("none") })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
    });
    expect(await call("DeleteReport", { arn: a })).toEqual({});
    expect(await listed({})).toEqual([c, b]);
  });

  it("show their test cases by status and keyword, in pages", async () => {
    await makeGroup("g1");
    const reportArn = await testReport(
      "g1",
      Array.from({ length: 150 }, (_, index) => (index < 3 ? "FAILED" : "SUCCEEDED")),
    );
    const cases = (input: object) =>
      call<{ testCases: { name: string }[]; nextToken?: string }>("DescribeTestCases", { reportArn, ...input });
    const first = await cases({});
    expect(first.testCases).toHaveLength(100);
    const second = await cases({ nextToken: first.nextToken });
    expect(second.testCases.map(({ name }) => name)).toEqual(Array.from({ length: 50 }, (_, i) => `case ${100 + i}`));
    expect(second.nextToken).toBeUndefined();
    expect((await cases({ filter: { status: "FAILED" } })).testCases).toHaveLength(3);
    expect((await cases({ filter: { status: "FAILED", keyword: "Odd" } })).testCases.map(({ name }) => name)).toEqual([
      "case 1",
    ]);
    expect((await cases({ filter: { keyword: "case 14" } })).testCases).toHaveLength(11);
    await expect(cases({ nextToken: "bm8" })).rejects.toMatchObject({ message: "Invalid nextToken" });
    await expect(call("DescribeTestCases", { reportArn: `${ARN}:report/g1:none` })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: `Report cannot be found: ${ARN}:report/g1:none`,
    });
    await expect(call("DescribeTestCases", { reportArn: "x" })).rejects.toMatchObject({
      message: "Invalid report ARN: x",
    });
  });

  it("keep 500 test cases, failed ones first, and count all", async () => {
    await makeGroup("g1");
    const statuses = Array.from({ length: 700 }, (_, index) => (index >= 690 ? "FAILED" : "SUCCEEDED"));
    const reportArn = await testReport("g1", statuses);
    const { reports } = await call("BatchGetReports", { reportArns: [reportArn] });
    expect(reports).toMatchObject([{ truncated: true, testSummary: { total: 700, statusCounts: { FAILED: 10 } } }]);
    const kept = reportRecords(account.store).testCases.list([])[0]?.value;
    expect(kept).toHaveLength(500);
    expect(kept?.slice(0, 10).every(({ status }) => status === "FAILED")).toBe(true);
  });

  it("show their coverages by percentage, sorted", async () => {
    await call("CreateReportGroup", { name: "cov", type: "CODE_COVERAGE", exportConfig: NO_EXPORT });
    const reportArn = await coverageReport("cov", [
      ["b.js", 1, 1],
      ["a.js", 3, 0],
      ["c.js", 0, 2],
    ]);
    const paths = async (input: object) =>
      (
        await call<{ codeCoverages: { filePath: string }[] }>("DescribeCodeCoverages", { reportArn, ...input })
      ).codeCoverages.map(({ filePath }) => filePath);
    expect(await paths({})).toEqual(["b.js", "a.js", "c.js"]);
    expect(await paths({ sortBy: "FILE_PATH" })).toEqual(["a.js", "b.js", "c.js"]);
    expect(await paths({ sortBy: "LINE_COVERAGE_PERCENTAGE", sortOrder: "DESCENDING" })).toEqual([
      "a.js",
      "b.js",
      "c.js",
    ]);
    expect(await paths({ minLineCoveragePercentage: 50, maxLineCoveragePercentage: 99 })).toEqual(["b.js"]);
    await expect(paths({ minLineCoveragePercentage: 51, maxLineCoveragePercentage: 50 })).rejects.toMatchObject({
      message: "minLineCoveragePercentage must not be greater than maxLineCoveragePercentage",
    });
    await expect(call("DescribeCodeCoverages", { reportArn: `${ARN}:report/cov:no` })).rejects.toMatchObject({
      code: "InvalidInputException",
      message: `Report cannot be found: ${ARN}:report/cov:no`,
    });
  });

  it("are gone after 30 days, and swept with the next report", async () => {
    await makeGroup("g1");
    const reportArn = await testReport("g1", ["FAILED"]);
    const later = new TestClock(clock.nowMs() + 30 * 86_400_000);
    expect(findReport(account.store, clock, reportArn)).toBeDefined();
    expect(findReport(account.store, later, reportArn)).toBeUndefined();
    clock.advance(30 * 86_400_000);
    await testReport("g1", ["SUCCEEDED"]);
    expect(reportRecords(account.store).reports.list([])).toHaveLength(1);
  });

  it("refuse a group of the other type", async () => {
    await makeGroup("g1");
    await expect(sink().openGroup(group("g1"), "CODE_COVERAGE")).rejects.toMatchObject({
      code: "InvalidInputException",
      message: "Report group g1 is of type TEST, the report is of type CODE_COVERAGE",
    });
    await expect(sink().openGroup(group("none"), "TEST")).rejects.toMatchObject({ code: "ResourceNotFoundException" });
  });

  it("are INCOMPLETE when Kiln was killed before they were finished", async () => {
    const reports = sink();
    const { arn } = await reports.createReport(await reports.openGroup("unit", "TEST"));
    await account.store.write(() =>
      closeReportsOf(account.store, { scope: SCOPE, build: { arn: `${ARN}:build/my-project:1` } }),
    );
    expect(findReport(account.store, clock, arn)?.status).toBe("INCOMPLETE");
  });
});

describe("the trend of a report group", () => {
  const trend = (name: string, trendField: string, more: object = {}) =>
    call("GetReportGroupTrend", { reportGroupArn: group(name), trendField, ...more });

  it("of tests: pass rate, duration, total", async () => {
    await makeGroup("g1");
    const a = await testReport("g1", ["SUCCEEDED", "FAILED", "SUCCEEDED"], 5);
    const b = await testReport("g1", ["SUCCEEDED"], 100);
    expect(await trend("g1", "PASS_RATE")).toEqual({
      stats: { average: "83.34", max: "100", min: "66.67" },
      rawData: [
        { reportArn: b, data: "100" },
        { reportArn: a, data: "66.67" },
      ],
    });
    expect(await trend("g1", "DURATION")).toMatchObject({ stats: { average: "57.5", max: "100", min: "15" } });
    expect(await trend("g1", "TOTAL", { numOfReports: 1 })).toEqual({
      stats: { average: "1", max: "1", min: "1" },
      rawData: [{ reportArn: b, data: "1" }],
    });
  });

  it("of coverage", async () => {
    await call("CreateReportGroup", { name: "cov", type: "CODE_COVERAGE", exportConfig: NO_EXPORT });
    await coverageReport("cov", [["a.js", 1, 1]]);
    const max = async (field: string) => ((await trend("cov", field))["stats"] as { max: string }).max;
    const fields = [
      "LINE_COVERAGE",
      "LINES_COVERED",
      "LINES_MISSED",
      "BRANCH_COVERAGE",
      "BRANCHES_COVERED",
      "BRANCHES_MISSED",
    ];
    expect(await Promise.all(fields.map(max))).toEqual(["50", "1", "1", "25", "1", "3"]);
  });

  it("is refused for the other type's fields, and empty without reports", async () => {
    await makeGroup("g1");
    await expect(trend("g1", "LINE_COVERAGE")).rejects.toMatchObject({
      code: "InvalidInputException",
      message: "Trend field LINE_COVERAGE is not valid for report groups of type TEST",
    });
    expect(await trend("g1", "TOTAL")).toEqual({ rawData: [] });
    await expect(trend("none", "TOTAL")).rejects.toMatchObject({ code: "ResourceNotFoundException" });
  });
});
