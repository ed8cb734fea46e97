/**
 * The report file formats CodeBuild reads, and which type of report each makes.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#reports.file-format
 */

export const TEST_FORMATS = [
  "CUCUMBERJSON",
  "JUNITXML",
  "NUNITXML",
  "NUNIT3XML",
  "TESTNGXML",
  "VISUALSTUDIOTRX",
] as const;
export const COVERAGE_FORMATS = ["CLOVERXML", "COBERTURAXML", "JACOCOXML", "SIMPLECOV"] as const;

export type TestFormat = (typeof TEST_FORMATS)[number];
export type CoverageFormat = (typeof COVERAGE_FORMATS)[number];
export type ReportFormat = TestFormat | CoverageFormat;
export type ReportType = "TEST" | "CODE_COVERAGE";

export const REPORT_FORMATS: readonly ReportFormat[] = [...TEST_FORMATS, ...COVERAGE_FORMATS];

export const isReportFormat = (text: string): text is ReportFormat => REPORT_FORMATS.some((format) => format === text);

/** AWS: the type of a report group made on the fly follows from the format. */
export const reportTypeOf = (format: ReportFormat): ReportType =>
  COVERAGE_FORMATS.some((coverage) => coverage === format) ? "CODE_COVERAGE" : "TEST";
