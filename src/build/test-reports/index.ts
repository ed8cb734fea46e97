/** Public face of build/test-reports: report files → test cases and coverages. Pure. */

export { MAX_REPORT_FILE_BYTES, parseReport } from "./parse-report.ts";
export { HEAD_BYTES, isCandidateName, recognizeFormat } from "./recognize-format.ts";
export {
  isReportFormat,
  REPORT_FORMATS,
  type ReportFormat,
  type ReportType,
  reportTypeOf,
} from "./report-format.ts";
export {
  type CoverageSummary,
  summarizeCoverage,
  summarizeTests,
  type TestSummary,
  testReportStatus,
} from "./summarize.ts";
export type { ParsedReport, ReportedCoverage, ReportedTestCase, TestCaseStatus } from "./test-case.ts";
