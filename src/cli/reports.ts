/** `kiln builds reports [BUILD]`: the reports of a build, with the test cases that failed and files that lack coverage. */
import type { Kiln } from "../app.ts";
import type { CommandContext } from "./command-context.ts";
import { onWire } from "./on-wire.ts";
import { plural } from "./plural.ts";

interface WireReport {
  readonly arn: string;
  readonly type: "TEST" | "CODE_COVERAGE";
  readonly name?: string;
  readonly status?: string;
  readonly truncated?: boolean;
  readonly testSummary?: {
    readonly total: number;
    readonly statusCounts: Readonly<Record<string, number>>;
    readonly durationInNanoSeconds: number;
  };
  readonly codeCoverageSummary?: {
    readonly lineCoveragePercentage: number;
    readonly branchCoveragePercentage: number;
  };
}

interface WireTestCase {
  readonly name?: string;
  readonly prefix?: string;
  readonly status?: string;
  readonly message?: string;
  readonly testRawDataPath?: string;
}

interface WireCoverage {
  readonly filePath?: string;
  readonly lineCoveragePercentage?: number;
  readonly linesMissed?: number;
}

const SHOWN_MESSAGE_LINES = 12;
const SHOWN_FILES = 5;

/** A line for each report, as `kiln builds show` prints them; empty when there are none. */
export async function reportLines(kiln: Kiln, reportArns: readonly string[] | undefined): Promise<string[]> {
  return (await reportsOf(kiln, reportArns)).map(headline);
}

/** Prints the reports of a build. */
export async function printReports(
  context: CommandContext,
  kiln: Kiln,
  build: { readonly id: string; readonly reportArns?: readonly string[] | undefined },
): Promise<void> {
  const reports = await reportsOf(kiln, build.reportArns);
  if (context.settings.output === "json") {
    const full = [];
    for (const report of reports) {
      const contents =
        report.type === "TEST"
          ? { testCases: await testCasesOf(kiln, report) }
          : { codeCoverages: await coveragesOf(kiln, report) };
      full.push({ ...report, ...contents });
    }
    context.printJson(onWire({ buildId: build.id, reports: full }));
    return;
  }
  if (reports.length === 0) {
    context.note(
      `the build ${build.id} has no reports: name report files under \`reports\` in the buildspec, or leave them where auto-discovery finds them`,
    );
    return;
  }
  for (const [index, report] of reports.entries()) {
    if (index > 0) context.print("");
    context.print(headline(report));
    const lines = report.type === "TEST" ? await failing(kiln, report) : await leastCovered(kiln, report);
    for (const line of lines) context.print(line);
  }
}

async function reportsOf(kiln: Kiln, reportArns: readonly string[] | undefined): Promise<readonly WireReport[]> {
  if (!reportArns || reportArns.length === 0) return [];
  // Of expired and deleted reports the build keeps the ARN only.
  const { reports } = await kiln.root.call<{ reports: readonly WireReport[] }>("codebuild", "BatchGetReports", {
    reportArns,
  });
  return [...reports].sort((a, b) => reportArns.indexOf(a.arn) - reportArns.indexOf(b.arn));
}

function headline(report: WireReport): string {
  const { testSummary: tests, codeCoverageSummary: coverage } = report;
  const head = `${report.name ?? report.arn} ${report.status ?? ""}`;
  if (coverage) {
    return `${head}: ${coverage.lineCoveragePercentage} % of lines, ${coverage.branchCoveragePercentage} % of branches`;
  }
  if (!tests) return head;
  const counts = Object.entries(tests.statusCounts).filter(([, count]) => count > 0);
  const parts = counts.map(([status, count]) => `, ${count} ${status.toLowerCase()}`);
  const seconds = (tests.durationInNanoSeconds / 1e9).toFixed(1);
  return `${head}: ${plural(tests.total, "test")}${parts.join("")} (${seconds} s)`;
}

async function failing(kiln: Kiln, report: WireReport): Promise<string[]> {
  const cases = (await testCasesOf(kiln, report)).filter(({ status }) => status === "FAILED" || status === "ERROR");
  const lines = cases.flatMap((one) => {
    const name = [one.prefix, one.name].filter(Boolean).join(" > ");
    const message = (one.message ?? "").split("\n");
    const shown = message.slice(0, SHOWN_MESSAGE_LINES).filter((line, index) => index > 0 || line !== "");
    const more = message.length - SHOWN_MESSAGE_LINES;
    return [
      `  ${one.status} ${name}${one.testRawDataPath ? ` (${one.testRawDataPath})` : ""}`,
      ...shown.map((line) => `    ${line}`.trimEnd()),
      ...(more > 0 ? [`    … ${plural(more, "more line")}`] : []),
    ];
  });
  if (report.truncated) lines.push("  the report had more than 500 test cases: failed ones were kept first");
  return lines;
}

async function leastCovered(kiln: Kiln, report: WireReport): Promise<string[]> {
  const { codeCoverages } = await kiln.root.call<{ codeCoverages: readonly WireCoverage[] }>(
    "codebuild",
    "DescribeCodeCoverages",
    { reportArn: report.arn, sortBy: "LINE_COVERAGE_PERCENTAGE", sortOrder: "ASCENDING", maxResults: SHOWN_FILES },
  );
  return codeCoverages
    .filter(({ linesMissed = 0 }) => linesMissed > 0)
    .map(
      ({ filePath, lineCoveragePercentage, linesMissed = 0 }) =>
        `  ${filePath}: ${lineCoveragePercentage} %, ${plural(linesMissed, "line")} missed`,
    );
}

const testCasesOf = (kiln: Kiln, { arn }: WireReport): Promise<WireTestCase[]> =>
  allPages(kiln, "DescribeTestCases", "testCases", arn);

const coveragesOf = (kiln: Kiln, { arn }: WireReport): Promise<WireCoverage[]> =>
  allPages(kiln, "DescribeCodeCoverages", "codeCoverages", arn);

async function allPages<T>(kiln: Kiln, operation: string, member: string, reportArn: string): Promise<T[]> {
  const items: T[] = [];
  let nextToken: string | undefined;
  do {
    const answer: Record<string, unknown> = await kiln.root.call("codebuild", operation, {
      reportArn,
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    items.push(...((answer[member] ?? []) as T[]));
    nextToken = answer["nextToken"] as string | undefined;
  } while (nextToken !== undefined);
  return items;
}
