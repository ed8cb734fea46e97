/** The report format that was probably meant: `junit`, `JUnit-XML` and `trx` are often written for AWS's names. */
import { REPORT_FORMATS, type ReportFormat } from "../build/test-reports/report-format.ts";
import { nearest } from "../core/nearest.ts";

/** Undefined when nothing comes near: CodeBuild reads no LCOV, for example. */
export function nearestReportFormat(written: string): ReportFormat | undefined {
  const bare = written.toUpperCase().replace(/[^A-Z0-9]/g, "");
  if (bare === "") return undefined;
  const isPart = (format: string) => format.startsWith(bare) || (bare.length >= 3 && format.endsWith(bare));
  return REPORT_FORMATS.find((format) => format === bare) ?? REPORT_FORMATS.find(isPart) ?? near(bare);
}

const near = (bare: string): ReportFormat | undefined =>
  REPORT_FORMATS.find((format) => format === nearest(bare, REPORT_FORMATS));
