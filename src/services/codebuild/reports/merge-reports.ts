/**
 * The reports of a fan-out batch. Each build's go into a group of its own, `<group>BuildFanoutShard<number>`; when all have
 * ended, those of one group become one report of the batch in the group that the buildspec names.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/parallel-test-auto-merge.html (groups, status, sums). Not
 * published: from which number shards are counted (here 1), what wins when one report failed and another is missing (here
 * FAILED), whose permissions are asked (here the service role's, for the actions that its builds need).
 */
import { wholeGroup } from "../../../build/batch/index.ts";
import type { TestCaseStatus } from "../../../build/test-reports/index.ts";
// Not the folder's face: that loads every parser.
import { keptTestCases, summarizeCoverage } from "../../../build/test-reports/summarize.ts";
import { AwsError } from "../../../core/errors.ts";
import type { RoleSession } from "../builds/role-session.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import type { BuildRecord } from "../records.ts";
import type { CodeCoverageReportSummary, Report, TestCase, TestReportSummary } from "../shapes.gen.ts";
import { groupAccess } from "./report-access.ts";
import { findGroup, parseGroupArn, reportKeyOf, reportRecords } from "./report-records.ts";
import { buildReportSink } from "./report-sink.ts";

interface FanoutReports {
  readonly scope: BuildRecord["scope"];
  readonly settings: BuildRecord["settings"];
  readonly batchArn: string;
  /** ARNs of the reports of each build, in the order of the shards. */
  readonly shards: readonly (readonly string[])[];
}

interface MergedReports {
  readonly reportArns: readonly string[];
  /** What the role may not, in AWS's words. */
  readonly failures: readonly string[];
}

/** Makes one report of those that belong together. Rejects only on a bug. */
export async function mergeReports(
  outside: Pick<CodeBuildDependencies, "store" | "clock" | "ids">,
  input: FanoutReports,
  session: RoleSession,
): Promise<MergedReports> {
  const byGroup = new Map<string, Report[]>();
  for (const arn of input.shards.flat()) {
    const report = reportRecords(outside.store).reports.get(reportKeyOf(arn) ?? []);
    const group = report?.reportGroupArn && wholeGroup(report.reportGroupArn);
    if (report && group) byGroup.set(group, [...(byGroup.get(group) ?? []), report]);
  }
  const reportArns: string[] = [];
  const failures: string[] = [];
  for (const [groupArn, reports] of byGroup) {
    try {
      reportArns.push(await mergeGroup(outside, input, session, groupArn, reports));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      failures.push(`the reports of ${groupArn} are not merged: ${error.code}: ${error.message}`);
    }
  }
  return { reportArns, failures };
}

async function mergeGroup(
  { store, clock, ids }: Pick<CodeBuildDependencies, "store" | "clock" | "ids">,
  { scope, settings, batchArn, shards }: FanoutReports,
  session: RoleSession,
  groupArn: string,
  reports: readonly Report[],
): Promise<string> {
  const type = reports[0]?.type === "CODE_COVERAGE" ? "CODE_COVERAGE" : "TEST";
  // AWS: the execution of a merged report is the batch.
  const sink = buildReportSink({ store, clock, ids }, { scope, settings, build: { arn: batchArn } }, session);
  const ownPrefix = `${settings.projectName}-`;
  const name = parseGroupArn(groupArn)?.name ?? "";
  const isMissing = !findGroup(store, groupArn) && name.startsWith(ownPrefix);
  const group = await sink.openGroup(isMissing ? name.slice(ownPrefix.length) : groupArn, type);
  const { arn } = await sink.createReport(group);
  for (const action of [type === "TEST" ? "BatchPutTestCases" : "BatchPutCodeCoverages", "UpdateReport"]) {
    await session.authorize([groupAccess({ store }, action, groupArn)], {
      service: "codebuild",
      operation: action,
      requestId: ids.uuid(),
    });
  }
  const records = reportRecords(store);
  await store.write(() => {
    const key = reportKeyOf(arn) ?? [];
    const made = records.reports.get(key);
    const keys = reports.map((report) => reportKeyOf(report.arn ?? "") ?? []);
    const owner = { ...(made?.expired === undefined ? {} : { expired: made.expired }) };
    const merged: Report = { ...made, status: statusOf(reports, shards.length) };
    if (type === "CODE_COVERAGE") {
      const coverages = keys.flatMap((one) => records.coverages.get(one) ?? []);
      records.coverages.put(
        key,
        coverages.map((coverage) => ({ ...coverage, ...owner, id: ids.uuid(), reportARN: arn })),
      );
      records.reports.put(key, { ...merged, codeCoverageSummary: coverageOf(reports) });
      return;
    }
    const { kept, truncated } = keptTestCases(keys.flatMap((one) => records.testCases.get(one) ?? []).map(named));
    records.testCases.put(
      key,
      kept.map((testCase) => ({ ...testCase, ...owner, reportArn: arn })),
    );
    const isCut = truncated || reports.some((report) => report.truncated === true);
    records.reports.put(key, { ...merged, truncated: isCut, testSummary: testsOf(reports) });
  });
  return arn;
}

const named = (one: TestCase) => ({
  ...one,
  name: one.name ?? "",
  status: (one.status ?? "UNKNOWN") as TestCaseStatus,
});

function statusOf(reports: readonly Report[], builds: number): "SUCCEEDED" | "FAILED" | "INCOMPLETE" {
  if (reports.some(({ status }) => status === "FAILED")) return "FAILED";
  return reports.length === builds && reports.every(({ status }) => status === "SUCCEEDED")
    ? "SUCCEEDED"
    : "INCOMPLETE";
}

/** AWS: counts are added up; the duration is the longest of a build. */
function testsOf(reports: readonly Report[]): TestReportSummary {
  const statusCounts: Record<string, number> = {};
  let total = 0;
  let durationInNanoSeconds = 0;
  for (const { testSummary } of reports) {
    total += testSummary?.total ?? 0;
    durationInNanoSeconds = Math.max(durationInNanoSeconds, testSummary?.durationInNanoSeconds ?? 0);
    for (const [status, count] of Object.entries(testSummary?.statusCounts ?? {})) {
      statusCounts[status] = (statusCounts[status] ?? 0) + count;
    }
  }
  return { total, statusCounts, durationInNanoSeconds };
}

const coverageOf = (reports: readonly Report[]): CodeCoverageReportSummary =>
  summarizeCoverage(
    reports.map(({ codeCoverageSummary: of }) => ({
      linesCovered: of?.linesCovered ?? 0,
      linesMissed: of?.linesMissed ?? 0,
      branchesCovered: of?.branchesCovered ?? 0,
      branchesMissed: of?.branchesMissed ?? 0,
    })),
  );
