import { expect, test } from "vitest";
import { keptTestCases, percentage, summarizeCoverage, summarizeTests, testReportStatus } from "./summarize.ts";
import type { ReportedTestCase, TestCaseStatus } from "./test-case.ts";

const cases = (count: number, status: TestCaseStatus): ReportedTestCase[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${status} ${index}`, status, durationNs: 2 }));

test("up to 500 cases are kept in their order", () => {
  const all = [...cases(250, "SUCCEEDED"), ...cases(250, "FAILED")];
  expect(keptTestCases(all)).toEqual({ kept: all, truncated: false });
});

test("of more than 500 cases the failed ones are kept first", () => {
  const { kept, truncated } = keptTestCases([...cases(499, "SUCCEEDED"), ...cases(1, "ERROR"), ...cases(2, "FAILED")]);
  expect(truncated).toBe(true);
  expect(kept).toHaveLength(500);
  expect(kept.slice(0, 4).map(({ name }) => name)).toEqual(["FAILED 0", "FAILED 1", "ERROR 0", "SUCCEEDED 0"]);
});

test("names are cut at 1,000 and messages at 5,000 characters", () => {
  const [one] = keptTestCases([
    { name: "n".repeat(2000), status: "FAILED", durationNs: 0, message: "m".repeat(9000) },
  ]).kept;
  expect([one?.name.length, one?.message?.length]).toEqual([1000, 5000]);
});

test("the summary counts every case", () => {
  const summary = summarizeTests([...cases(600, "SUCCEEDED"), ...cases(1, "SKIPPED")]);
  expect(summary).toEqual({
    total: 601,
    statusCounts: { SUCCEEDED: 600, FAILED: 0, ERROR: 0, SKIPPED: 1, UNKNOWN: 0 },
    durationNs: 1202,
  });
  expect(testReportStatus(summary)).toBe("SUCCEEDED");
});

test.each([
  ["FAILED", "FAILED"],
  ["ERROR", "FAILED"],
  ["SKIPPED", "SUCCEEDED"],
  ["UNKNOWN", "SUCCEEDED"],
] as const)("a report with a case that is %s is %s", (status, expected) => {
  expect(testReportStatus(summarizeTests(cases(1, status)))).toBe(expected);
});

test("percentages have two decimals, and nothing of nothing is 0", () => {
  expect(percentage(2, 1)).toBe(66.67);
  expect(percentage(0, 0)).toBe(0);
  expect(
    summarizeCoverage([
      { linesCovered: 1, linesMissed: 2, branchesCovered: 0, branchesMissed: 0 },
      { linesCovered: 1, linesMissed: 0, branchesCovered: 1, branchesMissed: 7 },
    ]),
  ).toEqual({
    lineCoveragePercentage: 50,
    linesCovered: 2,
    linesMissed: 2,
    branchCoveragePercentage: 12.5,
    branchesCovered: 1,
    branchesMissed: 7,
  });
});
