/** What report files say, whatever their format: test cases or the coverage of files. */
import type { ReportType } from "./report-format.ts";

export type TestCaseStatus = "SUCCEEDED" | "FAILED" | "ERROR" | "SKIPPED" | "UNKNOWN";

export interface ReportedTestCase {
  readonly name: string;
  /** What the case belongs to: class, fixture or feature. AWS: "the prefix depends on the framework". */
  readonly prefix?: string;
  readonly testSuiteName?: string;
  readonly status: TestCaseStatus;
  readonly durationNs: number;
  /** Of a case that did not succeed. */
  readonly message?: string;
}

export interface ReportedCoverage {
  readonly filePath: string;
  readonly linesCovered: number;
  readonly linesMissed: number;
  readonly branchesCovered: number;
  readonly branchesMissed: number;
}

export type ParsedReport =
  | { readonly type: Extract<ReportType, "TEST">; readonly testCases: readonly ReportedTestCase[] }
  | { readonly type: Extract<ReportType, "CODE_COVERAGE">; readonly coverages: readonly ReportedCoverage[] };

const MAX_DURATION_NS = Number.MAX_SAFE_INTEGER;

/** `"0.012"`, `"1,234.5"` (surefire groups thousands) or `"1.2E-4"` seconds. What is no number is 0. */
export function nanosecondsOfSeconds(text: string | undefined): number {
  return toNanoseconds(Number((text ?? "").trim().replaceAll(",", "")), 1e9);
}

export const nanosecondsOfMilliseconds = (text: string | undefined): number => toNanoseconds(Number(text ?? ""), 1e6);

/** .NET's `hh:mm:ss.fffffff`, with `d.` in front for days. */
export function nanosecondsOfTimeSpan(text: string | undefined): number {
  const match = /^(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec((text ?? "").trim());
  if (!match) return 0;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = match;
  return toNanoseconds(Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), 1e9);
}

export function toNanoseconds(value: number, factor: number): number {
  if (!Number.isFinite(value) || value <= 0) return 0;
  return Math.min(Math.round(value * factor), MAX_DURATION_NS);
}

/** The headline and the details of a failure as one text, without saying the headline twice. */
export function messageOf(headline: string | undefined, details: string | undefined): string | undefined {
  const short = headline?.trim() ?? "";
  const long = details?.trim() ?? "";
  const text = short === "" || long.includes(short) ? long : long === "" ? short : `${short}\n${long}`;
  return text === "" ? undefined : text;
}

/** A case from its parts; absent and empty texts are left out. */
export function testCase(parts: {
  readonly name: string;
  readonly prefix?: string | undefined;
  readonly testSuiteName?: string | undefined;
  readonly status: TestCaseStatus;
  readonly durationNs: number;
  readonly message?: string | undefined;
}): ReportedTestCase {
  const { name, prefix, testSuiteName, status, durationNs, message } = parts;
  return {
    name,
    ...(prefix ? { prefix } : {}),
    ...(testSuiteName ? { testSuiteName } : {}),
    status,
    durationNs,
    ...(message && status !== "SUCCEEDED" ? { message } : {}),
  };
}

/** `Namespace.Class.Method(1.5)` → class and method: the last dot before any argument. */
export function splitFullName(fullName: string): { readonly prefix: string; readonly name: string } {
  const end = fullName.search(/[("[<]/);
  const dot = fullName.lastIndexOf(".", end === -1 ? fullName.length : end);
  return dot <= 0 ? { prefix: "", name: fullName } : { prefix: fullName.slice(0, dot), name: fullName.slice(dot + 1) };
}
