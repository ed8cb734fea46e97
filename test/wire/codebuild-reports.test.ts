/** Reports over the wire: a build makes them, the unmodified SDK client and unmodified aws CLIs read them. */
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { makeBuildRole } from "../support/build-role.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`;
const GROUP = `arn:aws:codebuild:us-east-1:${ACCOUNT}:report-group/app-unit`;
const COVERAGE_GROUP = `arn:aws:codebuild:us-east-1:${ACCOUNT}:report-group/app-coverage`;
const junit = (cases: number): string =>
  `<testsuites><testsuite name='cart'>${Array.from({ length: cases }, (_, i) => `<testcase classname='Cart' name='case ${i}' time='0.25'/>`).join("")}<testcase classname='Cart' name='pays'><failure message='no money'/></testcase></testsuite></testsuites>`;
const COBERTURA =
  "<coverage line-rate='0.5'><packages><package><classes><class filename='cart.py'><lines><line number='1' hits='1'/><line number='2' hits='0'/></lines></class><class filename='pay.py'><lines><line number='1' hits='1'/></lines></class></classes></package></packages></coverage>";

let kiln: StartedEndpoint;
let codebuild: CodeBuild.CodeBuild;
let build: CodeBuild.Build;

beforeAll(async () => {
  kiln = await startEndpoint();
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
  await makeBuildRole(kiln.url, [
    "logs:*",
    "codebuild:CreateReportGroup",
    "codebuild:CreateReport",
    "codebuild:UpdateReport",
    "codebuild:BatchPutTestCases",
    "codebuild:BatchPutCodeCoverages",
  ]);
  await codebuild.createProject({
    name: "app",
    source: {
      type: "NO_SOURCE",
      buildspec: JSON.stringify({
        version: "0.2",
        phases: {
          build: {
            commands: [`printf '%s' "${junit(150)}" > junit.xml`, `printf '%s' "${COBERTURA}" > coverage.xml`],
          },
        },
        reports: {
          unit: { files: ["junit.xml"] },
          coverage: { files: ["coverage.xml"], "file-format": "COBERTURAXML" },
        },
      }),
    },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:7.0",
      computeType: "BUILD_GENERAL1_SMALL",
    },
    serviceRole: ROLE,
  });
  const started = await codebuild.startBuild({ projectName: "app" });
  const id = started.build?.id ?? "";
  for await (const event of kiln.events(id)) void event;
  const { builds = [] } = await codebuild.batchGetBuilds({ ids: [id] });
  build = builds[0] as CodeBuild.Build;
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
});

describe("the SDK client", () => {
  it("finds the reports of a build", async () => {
    expect(build.buildStatus).toBe("SUCCEEDED");
    expect(build.reportArns).toHaveLength(2);
    const { reports = [], reportsNotFound } = await codebuild.batchGetReports({ reportArns: build.reportArns ?? [] });
    expect(reportsNotFound).toEqual([]);
    expect(reports[0]).toMatchObject({
      name: "app-unit",
      type: "TEST",
      status: "FAILED",
      executionId: build.arn,
      truncated: false,
      testSummary: { total: 151, statusCounts: { FAILED: 1, SUCCEEDED: 150 }, durationInNanoSeconds: 37_500_000_000 },
    });
    expect(reports[0]?.created).toBeInstanceOf(Date);
    expect(reports[0]?.expired?.getTime()).toBe(
      Math.floor((reports[0]?.created?.getTime() ?? 0) / 1000 + 30 * 86_400) * 1000,
    );
    expect(reports[1]?.codeCoverageSummary).toMatchObject({ lineCoveragePercentage: 66.67, linesCovered: 2 });
  });

  it("pages through test cases, and filters them", async () => {
    const reportArn = build.reportArns?.[0] ?? "";
    const names: (string | undefined)[] = [];
    for await (const page of CodeBuild.paginateDescribeTestCases({ client: codebuild }, { reportArn })) {
      names.push(...(page.testCases ?? []).map(({ name }) => name));
    }
    expect(names).toHaveLength(151);
    const { testCases } = await codebuild.describeTestCases({ reportArn, filter: { status: "FAILED" } });
    expect(testCases).toMatchObject([
      { name: "pays", prefix: "Cart", message: "no money", testRawDataPath: "junit.xml", testSuiteName: "cart" },
    ]);
  });

  it("reads coverages, groups, lists and trends", async () => {
    const reportArn = build.reportArns?.[1] ?? "";
    const { codeCoverages } = await codebuild.describeCodeCoverages({
      reportArn,
      sortBy: "LINE_COVERAGE_PERCENTAGE",
      sortOrder: "DESCENDING",
    });
    expect(codeCoverages?.map(({ filePath, lineCoveragePercentage }) => [filePath, lineCoveragePercentage])).toEqual([
      ["pay.py", 100],
      ["cart.py", 50],
    ]);
    const { reportGroups } = await codebuild.listReportGroups({});
    expect(reportGroups).toEqual([COVERAGE_GROUP, GROUP]);
    const got = await codebuild.batchGetReportGroups({ reportGroupArns: [GROUP] });
    expect(got.reportGroups).toMatchObject([{ type: "TEST", exportConfig: { exportConfigType: "NO_EXPORT" } }]);
    const { reports } = await codebuild.listReportsForReportGroup({ reportGroupArn: GROUP });
    expect(reports).toEqual([build.reportArns?.[0]]);
    const trend = await codebuild.getReportGroupTrend({ reportGroupArn: GROUP, trendField: "PASS_RATE" });
    expect(trend.stats).toEqual({ average: "99.34", max: "99.34", min: "99.34" });
  });

  it("gets AWS's errors", async () => {
    await expect(codebuild.deleteReportGroup({ arn: GROUP })).rejects.toMatchObject({ name: "InvalidInputException" });
    await expect(codebuild.updateReportGroup({ arn: `${GROUP}x` })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await expect(
      codebuild.createReportGroup({ name: "app-unit", type: "TEST", exportConfig: { exportConfigType: "NO_EXPORT" } }),
    ).rejects.toMatchObject({ name: "ResourceAlreadyExistsException" });
  });
});

describe.each(findAwsClis())("$version", (cli) => {
  const aws = (...args: string[]) => runAws(cli, kiln.url, ["codebuild", ...args]);

  it("reads reports", async () => {
    const reports = await aws("batch-get-reports", "--report-arns", ...(build.reportArns ?? []));
    expect(reports.exitCode, reports.stderr).toBe(0);
    expect(JSON.parse(reports.stdout).reports).toHaveLength(2);
    const cases = await aws("describe-test-cases", "--report-arn", build.reportArns?.[0] ?? "");
    // The CLI pages by itself.
    expect(JSON.parse(cases.stdout).testCases).toHaveLength(151);
    const groups = await aws("list-report-groups", "--sort-by", "NAME");
    expect(JSON.parse(groups.stdout).reportGroups).toEqual([COVERAGE_GROUP, GROUP]);
  });
});
