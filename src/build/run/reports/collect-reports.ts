/**
 * The reports of a build, in UPLOAD_ARTIFACTS after the artifacts: those of the buildspec, then auto-discovery.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#reports-buildspec-file and
 * test-report-group-naming.html. The log lines of configured reports are not published: Kiln's own.
 */
import { err, ok, type Result } from "../../../core/result.ts";
import type { PlannedReport } from "../../plan/index.ts";
import { isReportFormat, REPORT_FORMATS, reportTypeOf } from "../../test-reports/index.ts";
import { selectFiles } from "../artifacts/select-files.ts";
import type { PhaseContext } from "../events.ts";
import type { UploadInput } from "../upload-artifacts.ts";
import { AUTO_DISCOVER, AUTO_DISCOVER_DIR, discoverReports } from "./discover-reports.ts";
import { makeReport } from "./make-report.ts";
import type { ReportFile, ReportSink } from "./report-sink.ts";

/** AWS: quota, https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html */
const MAX_REPORT_GROUPS = 5;

/** Fails the phase when a report of the buildspec failed. Nothing happens without a sink. */
export async function collectReports(input: UploadInput): Promise<Result<undefined, PhaseContext>> {
  const sink = input.dependencies.reports;
  if (!sink) return ok(undefined);
  const { reports } = input.build.plan;
  if (reports.length > MAX_REPORT_GROUPS) {
    return failed([`the buildspec names ${reports.length} report groups, at most ${MAX_REPORT_GROUPS} are allowed`]);
  }
  const failures: string[] = [];
  const taken = new Set<string>();
  for (const report of reports) {
    const group = await input.build.session.expand(report.group);
    const made = await configured(report, group, input, sink, taken);
    if (!made.ok) failures.push(`${group}: [${made.error}]`);
  }
  await autoDiscover(input, sink, taken);
  return failures.length === 0 ? ok(undefined) : failed(failures);
}

const failed = (failures: readonly string[]): Result<never, PhaseContext> =>
  err({ statusCode: "CLIENT_ERROR", message: `Error in UPLOAD_ARTIFACTS phase: [${failures.join(" ")}]` });

async function configured(
  report: PlannedReport,
  group: string,
  input: UploadInput,
  sink: ReportSink,
  taken: Set<string>,
): Promise<Result<undefined, string>> {
  const { log } = input;
  const format = report.fileFormat;
  if (!isReportFormat(format)) {
    return err(`unknown file-format \`${format}\`: expected one of ${REPORT_FORMATS.join(", ")}`);
  }
  log.container(`Preparing to copy ${reportTypeOf(format)} report ${group}`);
  const selected = await filesOf(report, input);
  const files = selected.ok ? selected.value : [];
  for (const { source } of files) taken.add(source);
  const made = await makeReport({ ...input, group, format, files, sink, own: input.brought.own });
  // The report is there, and incomplete: now why.
  if (!selected.ok && (made.ok || !made.error.isDenied)) return selected;
  return made.ok ? made : err(made.error.text);
}

async function filesOf(report: PlannedReport, input: UploadInput): Promise<Result<readonly ReportFile[], string>> {
  const { build, dependencies, log, signal } = input;
  const selected = await selectFiles({
    artifacts: {
      files: report.files,
      ...(report.baseDirectory === undefined ? {} : { baseDirectory: report.baseDirectory }),
      excludePaths: [],
      discardPaths: report.discardPaths,
      enableSymlinks: false,
    },
    srcDir: build.srcDir,
    workDir: dependencies.workDir,
    keepLinks: false,
    brought: input.brought,
    signal,
    log: (text) => log.container(text),
    warn: (text) => log.notice("warning", text.replace(/^artifacts: /, "reports: ")),
    expand: (text) => build.session.expand(text),
  });
  if (selected.ok) return ok(selected.value.map(({ source, path }) => ({ source, path })));
  const { message } = selected.error;
  return err(message === "no matching artifact paths found" ? "report files not found in build" : message);
}

async function autoDiscover(input: UploadInput, sink: ReportSink, taken: ReadonlySet<string>): Promise<void> {
  const { build, dependencies, log, signal } = input;
  const values = await build.session.values([AUTO_DISCOVER, AUTO_DISCOVER_DIR]);
  if (values.get(AUTO_DISCOVER)?.trim().toLowerCase() === "false") return;
  const found = await discoverReports({
    srcDir: build.srcDir,
    pattern: values.get(AUTO_DISCOVER_DIR) ?? "",
    taken,
    brought: input.brought,
    clock: dependencies.clock,
    signal,
    log: (text) => log.container(text),
    warn: (text) => log.notice("warning", text),
  });
  for (const [format, files] of found) {
    const made = await makeReport({
      ...input,
      group: `${format}-AutoDiscovered`,
      format,
      files,
      sink,
      own: input.brought.own,
    });
    if (!made.ok) tellOfDiscovered(`${format}-AutoDiscovered`, made.error.text, input);
  }
}

/**
 * A discovered report that cannot be made does not fail the build: nobody asked for it. What AWS does is not published;
 * auto-discovery was switched on for projects whose roles had no report permissions, and their builds went on.
 */
function tellOfDiscovered(group: string, text: string, { log }: UploadInput): void {
  log.notice(
    "warning",
    `the discovered report \`${group}\` was not made: ${text.replaceAll("\n\t", ", ")}; \`${AUTO_DISCOVER}=false\` turns the discovery off`,
  );
}
