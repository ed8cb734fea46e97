/**
 * What a report says in a few numbers, and what of it is kept: AWS keeps 500 cases, failed ones first, names of 1,000
 * and messages of 5,000 characters.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/test-report.html, limits.html
 */
import type { ReportedCoverage, ReportedTestCase, TestCaseStatus } from "./test-case.ts";

export const MAX_TEST_CASES = 500;
const MAX_NAME_LENGTH = 1000;
const MAX_MESSAGE_LENGTH = 5000;

export interface TestSummary {
  readonly total: number;
  readonly statusCounts: Readonly<Record<TestCaseStatus, number>>;
  readonly durationNs: number;
}

/** Of all cases, also of those that are not kept. */
export function summarizeTests(cases: readonly ReportedTestCase[]): TestSummary {
  const statusCounts: Record<TestCaseStatus, number> = { SUCCEEDED: 0, FAILED: 0, ERROR: 0, SKIPPED: 0, UNKNOWN: 0 };
  let durationNs = 0;
  for (const one of cases) {
    statusCounts[one.status] += 1;
    durationNs += one.durationNs;
  }
  return { total: cases.length, statusCounts, durationNs: Math.min(durationNs, Number.MAX_SAFE_INTEGER) };
}

/** AWS: FAILED when a case did not succeed for a reason of its own; skipped ones do no harm. */
export const testReportStatus = ({ statusCounts }: TestSummary): "SUCCEEDED" | "FAILED" =>
  statusCounts.FAILED + statusCounts.ERROR > 0 ? "FAILED" : "SUCCEEDED";

type KeptMembers = Pick<ReportedTestCase, "name" | "status"> & { readonly message?: string | undefined };

const KEEP_ORDER: readonly TestCaseStatus[] = ["FAILED", "ERROR", "UNKNOWN", "SKIPPED", "SUCCEEDED"];

/** The cases AWS would keep; in file order as long as all fit. */
export function keptTestCases<C extends KeptMembers>(
  cases: readonly C[],
): { readonly kept: readonly C[]; readonly truncated: boolean } {
  const truncated = cases.length > MAX_TEST_CASES;
  const chosen = truncated
    ? KEEP_ORDER.flatMap((status) => cases.filter((one) => one.status === status)).slice(0, MAX_TEST_CASES)
    : cases;
  return { kept: chosen.map(shortened), truncated };
}

const shortened = <C extends KeptMembers>(one: C): C => ({
  ...one,
  name: one.name.slice(0, MAX_NAME_LENGTH),
  ...(one.message === undefined ? {} : { message: one.message.slice(0, MAX_MESSAGE_LENGTH) }),
});

export interface CoverageSummary {
  readonly lineCoveragePercentage: number;
  readonly linesCovered: number;
  readonly linesMissed: number;
  readonly branchCoveragePercentage: number;
  readonly branchesCovered: number;
  readonly branchesMissed: number;
}

/** Covered of all, in per cent with two decimals; 0 of 0 is 0. */
export function percentage(covered: number, missed: number): number {
  const total = covered + missed;
  return total === 0 ? 0 : Math.round((covered / total) * 10_000) / 100;
}

/** The numbers of one file, or of all files of a report added up. */
export function summarizeCoverage(coverages: readonly Omit<ReportedCoverage, "filePath">[]): CoverageSummary {
  const sum = (member: "linesCovered" | "linesMissed" | "branchesCovered" | "branchesMissed"): number =>
    coverages.reduce((total, one) => total + one[member], 0);
  const [linesCovered, linesMissed] = [sum("linesCovered"), sum("linesMissed")];
  const [branchesCovered, branchesMissed] = [sum("branchesCovered"), sum("branchesMissed")];
  return {
    lineCoveragePercentage: percentage(linesCovered, linesMissed),
    linesCovered,
    linesMissed,
    branchCoveragePercentage: percentage(branchesCovered, branchesMissed),
    branchesCovered,
    branchesMissed,
  };
}
