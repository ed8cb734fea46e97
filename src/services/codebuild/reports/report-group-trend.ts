/**
 * GetReportGroupTrend: one number of each of the newest reports of a group, with average, maximum and minimum.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_GetReportGroupTrend.html
 * Not published, chosen here: durations are nanoseconds, percentages and averages have two decimals, the newest report
 * comes first, reports without a summary (GENERATING, or INCOMPLETE without files) are left out.
 */
import { type OperationDefinition, operation } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import type { GetReportGroupTrendInput, GetReportGroupTrendOutput, Report } from "../shapes.gen.ts";
import { groupAccess, requireGroup } from "./report-access.ts";
import { reportGroupNotFound } from "./report-errors.ts";
import { listReports } from "./report-records.ts";

const DEFAULT_REPORTS = 100;

type TrendField = GetReportGroupTrendInput["trendField"];

const rounded = (value: number): number => Math.round(value * 100) / 100;

const TEST_FIELDS: Partial<Record<TrendField, (report: Report) => number | undefined>> = {
  PASS_RATE: ({ testSummary: tests }) =>
    tests && tests.total > 0 ? rounded(((tests.statusCounts["SUCCEEDED"] ?? 0) / tests.total) * 100) : undefined,
  DURATION: ({ testSummary }) => testSummary?.durationInNanoSeconds,
  TOTAL: ({ testSummary }) => testSummary?.total,
};

const COVERAGE_FIELDS: Partial<Record<TrendField, (report: Report) => number | undefined>> = {
  LINE_COVERAGE: ({ codeCoverageSummary }) => codeCoverageSummary?.lineCoveragePercentage,
  LINES_COVERED: ({ codeCoverageSummary }) => codeCoverageSummary?.linesCovered,
  LINES_MISSED: ({ codeCoverageSummary }) => codeCoverageSummary?.linesMissed,
  BRANCH_COVERAGE: ({ codeCoverageSummary }) => codeCoverageSummary?.branchCoveragePercentage,
  BRANCHES_COVERED: ({ codeCoverageSummary }) => codeCoverageSummary?.branchesCovered,
  BRANCHES_MISSED: ({ codeCoverageSummary }) => codeCoverageSummary?.branchesMissed,
};

export const getReportGroupTrend: OperationDefinition<GetReportGroupTrendInput, GetReportGroupTrendOutput> = operation({
  name: "GetReportGroupTrend",
  support: "supported",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_GetReportGroupTrend.html",
  authorize: (input, context) => [groupAccess(context, "GetReportGroupTrend", input.reportGroupArn)],
  errors: [invalidInput, reportGroupNotFound],
  run(input, { store, clock }) {
    const { group, key } = requireGroup(store, input.reportGroupArn);
    const numberOf = (group.type === "TEST" ? TEST_FIELDS : COVERAGE_FIELDS)[input.trendField];
    if (!numberOf) {
      throw invalidInput(`Trend field ${input.trendField} is not valid for report groups of type ${group.type}`);
    }
    const reports = listReports(store, clock, key).slice(0, input.numOfReports ?? DEFAULT_REPORTS);
    const values = reports.flatMap((report) => {
      const value = numberOf(report);
      return value === undefined ? [] : [{ reportArn: report.arn ?? "", value }];
    });
    if (values.length === 0) return { rawData: [] };
    const numbers = values.map(({ value }) => value);
    return {
      stats: {
        average: String(rounded(numbers.reduce((sum, value) => sum + value, 0) / numbers.length)),
        max: String(Math.max(...numbers)),
        min: String(Math.min(...numbers)),
      },
      rawData: values.map(({ reportArn, value }) => ({ reportArn, data: String(value) })),
    };
  },
});
