import { expect, it } from "vitest";
import { TestClock } from "../../core/clock.ts";
import type { BuildEvent, ReportOutcome } from "../run/events.ts";
import { createPlainReporter, createQuietReporter, createTtyReporter } from "./index.ts";

const tests: ReportOutcome = {
  group: "app-unit",
  reportArn: "arn:aws:codebuild:us-east-1:000000000000:report/app-unit:1",
  format: "JUNITXML",
  status: "FAILED",
  files: 2,
  reportType: "TEST",
  total: 3,
  statusCounts: { SUCCEEDED: 2, FAILED: 1, ERROR: 0, SKIPPED: 0, UNKNOWN: 0 },
};
const coverage: ReportOutcome = {
  group: "app-cov",
  reportArn: "arn:aws:codebuild:us-east-1:000000000000:report/app-cov:1",
  format: "JACOCOXML",
  status: "SUCCEEDED",
  files: 1,
  reportType: "CODE_COVERAGE",
  lineCoveragePercentage: 81.25,
  branchCoveragePercentage: 50,
};
const EVENTS: readonly BuildEvent[] = [tests, coverage, { ...coverage, status: "INCOMPLETE" as const, files: 0 }].map(
  (outcome): BuildEvent => ({ type: "report", buildId: "app:1", atMs: 0, ...outcome }),
);

it.each([
  [
    "plain",
    createPlainReporter,
    "report app-unit FAILED: 3 tests, 2 succeeded, 1 failed\nreport app-cov SUCCEEDED: 81.25 % of lines, 50 % of branches\nreport app-cov INCOMPLETE: no files\n",
  ],
  [
    "quiet",
    createQuietReporter,
    "report app-unit FAILED: 3 tests, 2 succeeded, 1 failed\nreport app-cov INCOMPLETE: no files\n",
  ],
  ["tty", createTtyReporter, "  report app-unit FAILED: 3 tests, 2 succeeded, 1 failed\n"],
] as const)("%s: a report in one line", (_, make, expected) => {
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  const reporter = make({ output: { write, columns: 100 }, clock: new TestClock(), colour: false });
  for (const event of EVENTS) reporter.event(event);
  reporter.close();
  expect(text).toContain(expected);
});
