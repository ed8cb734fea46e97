/**
 * One report: its files are read, a report is made in its group, filled and closed. What fails is told with the step it
 * failed in, in the words of the agent (https://github.com/aws/aws-cdk/issues/7367 and issues/13867); the texts of the
 * steps after the first are `unverified`. A file that cannot be read leaves the report INCOMPLETE with what the others say.
 */
import { readFileSync } from "node:fs";
import { AwsError } from "../../../core/errors.ts";
import { withHeld } from "../../../core/held-path.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import {
  MAX_REPORT_FILE_BYTES,
  type ParsedReport,
  parseReport,
  type ReportedCoverage,
  type ReportFormat,
  reportTypeOf,
  summarizeCoverage,
  summarizeTests,
  testReportStatus,
} from "../../test-reports/index.ts";
import type { BuildLog } from "../build-log.ts";
import type { BuildRequest, RunDependencies } from "../build-request.ts";
import type { ReportOutcome } from "../events.ts";
import type { OwnFiles } from "../own-files.ts";
import { awsErrorText } from "../resolve-variables.ts";
import { exportReport } from "./export-report.ts";
import type { RawTestCase, ReportFile, ReportHandle, ReportSink, ReportStatus } from "./report-sink.ts";

export interface MakeReportInput {
  /** Name or ARN of the group. */
  readonly group: string;
  readonly format: ReportFormat;
  /** Empty: the report becomes INCOMPLETE. */
  readonly files: readonly ReportFile[];
  readonly sink: ReportSink;
  /** For reading the files. */
  readonly own: OwnFiles;
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
}

/** What went wrong, without the brackets; `denied` when the role lacks a permission. */
export interface ReportFailure {
  readonly text: string;
  readonly isDenied: boolean;
}

interface Content {
  readonly testCases: readonly RawTestCase[];
  readonly coverages: readonly ReportedCoverage[];
  readonly problems: readonly string[];
}

/** Makes the report. Its event is emitted whenever a report exists, however it ended. */
export async function makeReport(input: MakeReportInput): Promise<Result<undefined, ReportFailure>> {
  const { group, format, files, sink, log, signal } = input;
  const type = reportTypeOf(format);
  let report: ReportHandle | undefined;
  let groupName = group;
  let step = "error creating report group";
  let content = EMPTY;
  const tell = (handle: ReportHandle, status: ReportStatus): void =>
    log.report(outcomeOf({ groupName, format, reportArn: handle.arn, status, files: files.length, content }));
  try {
    const opened = await sink.openGroup(group, type);
    groupName = opened.name;
    step = "error creating report";
    report = await sink.createReport(opened);
    if (files.length === 0) {
      await sink.updateReport(report, "INCOMPLETE");
      tell(report, "INCOMPLETE");
      return err({ text: "report files not found in build", isDenied: false });
    }
    content = readFiles(format, input);
    input.dependencies.onOutput?.({
      kind: "report",
      name: groupName,
      files: () => files.map(({ source, path }) => ({ path, chunks: () => input.own.chunks(source) })),
    });
    for (const problem of content.problems) log.container(`Error processing report file ${problem}`);
    step = type === "TEST" ? "error uploading test cases" : "error uploading code coverages";
    if (type === "TEST") await sink.putTestCases(report, content.testCases);
    else await sink.putCodeCoverages(report, content.coverages);
    const exported = await exportFiles(input, report);
    step = "error updating report";
    const status = exported.ok ? statusOf(type, content) : "INCOMPLETE";
    await sink.updateReport(report, status);
    tell(report, status);
    if (content.problems.length > 0) {
      return err({ text: `error processing report: [${content.problems.join(" ")}]`, isDenied: false });
    }
    return exported;
  } catch (error) {
    // A build that is stopped here leaves no report open.
    if (report) {
      await sink.updateReport(report, "INCOMPLETE").catch(() => undefined);
      tell(report, "INCOMPLETE");
    }
    if (signal.aborted || !(error instanceof AwsError)) throw error;
    return err({ text: `${step}: ${awsErrorText(error)}`, isDenied: error.code === "AccessDeniedException" });
  }
}

async function exportFiles(input: MakeReportInput, report: ReportHandle): Promise<Result<undefined, ReportFailure>> {
  const target = report.exportTo;
  if (!target) return ok(undefined);
  const exported = await exportReport({ ...input, report, target });
  if (!exported.ok) return err({ text: `error exporting report: ${exported.error}`, isDenied: false });
  input.log.notice("info", `reports: the files of ${report.group.name} are in ${exported.value}`);
  return ok(undefined);
}

const EMPTY: Content = { testCases: [], coverages: [], problems: [] };

function readFiles(format: ReportFormat, { files, own, signal }: MakeReportInput): Content {
  const testCases: RawTestCase[] = [];
  const coverages: ReportedCoverage[] = [];
  const problems: string[] = [];
  for (const { source, path } of files) {
    signal.throwIfAborted();
    const parsed = readOne(format, source, own);
    if (!parsed.ok) problems.push(`${source}: ${parsed.error}`);
    else if (parsed.value.type === "CODE_COVERAGE") for (const one of parsed.value.coverages) coverages.push(one);
    else for (const one of parsed.value.testCases) testCases.push({ ...one, rawDataPath: path });
  }
  return { testCases, coverages: mergedByFile(coverages), problems };
}

function readOne(format: ReportFormat, source: string, own: OwnFiles): Result<ParsedReport, string> {
  try {
    const bytes = withHeld(own.file(source), ({ path, stats }) =>
      // Before reading: a file of any size may be named.
      stats.size > MAX_REPORT_FILE_BYTES ? new Uint8Array(MAX_REPORT_FILE_BYTES + 1) : readFileSync(path),
    );
    return parseReport(format, bytes ?? new Uint8Array());
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** Several files may tell of one source file (one a test run): the better one counts. */
function mergedByFile(coverages: readonly ReportedCoverage[]): readonly ReportedCoverage[] {
  const best = new Map<string, ReportedCoverage>();
  for (const one of coverages) {
    const other = best.get(one.filePath);
    if (!other || one.linesCovered > other.linesCovered) best.set(one.filePath, one);
  }
  return [...best.values()];
}

function statusOf(type: "TEST" | "CODE_COVERAGE", content: Content): ReportStatus {
  if (content.problems.length > 0) return "INCOMPLETE";
  return type === "TEST" ? testReportStatus(summarizeTests(content.testCases)) : "SUCCEEDED";
}

function outcomeOf(about: {
  readonly groupName: string;
  readonly format: ReportFormat;
  readonly reportArn: string;
  readonly status: ReportStatus;
  readonly files: number;
  readonly content: Content;
}): ReportOutcome {
  const { groupName, content, ...rest } = about;
  if (reportTypeOf(about.format) === "TEST") {
    const { total, statusCounts } = summarizeTests(content.testCases);
    return { group: groupName, ...rest, reportType: "TEST", total, statusCounts };
  }
  const { lineCoveragePercentage, branchCoveragePercentage } = summarizeCoverage(content.coverages);
  return { group: groupName, ...rest, reportType: "CODE_COVERAGE", lineCoveragePercentage, branchCoveragePercentage };
}
