/**
 * What is kept of reports: groups, reports, their test cases and coverages. A report is gone 30 days after it was made;
 * what has expired is not shown and is swept when the next report of its group is made.
 */
import { type AwsScope, arnIn, parseArn } from "../../../core/arn.ts";
import { type Clock, DAY_MS, wholeSecond } from "../../../core/clock.ts";
import type { Collection, Key, Store } from "../../../store/store.ts";
import { scopeOf } from "../records.ts";
import type { CodeCoverage, Report, ReportGroup, TestCase } from "../shapes.gen.ts";

interface ReportRecords {
  readonly groups: Collection<ReportGroup>;
  /** By account, region, group and uuid; the two below have the same keys. */
  readonly reports: Collection<Report>;
  readonly testCases: Collection<readonly TestCase[]>;
  readonly coverages: Collection<readonly CodeCoverage[]>;
}

export const reportRecords = (store: Store): ReportRecords => ({
  groups: store.collection("codebuild.report-groups"),
  reports: store.collection("codebuild.reports"),
  testCases: store.collection("codebuild.test-cases"),
  coverages: store.collection("codebuild.coverages"),
});

/** AWS: 30 days, told in whole seconds. */
const REPORT_LIFE_MS = 30 * DAY_MS;
export const expiryOf = (createdMs: number): number => wholeSecond(createdMs + REPORT_LIFE_MS);

export const reportGroupArn = (scope: AwsScope, name: string): string =>
  arnIn(scope, "codebuild", `report-group/${name}`);

/** Scope and name of the group an ARN names; undefined for anything else. */
export function parseGroupArn(arn: string): { readonly scope: AwsScope; readonly name: string } | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== "codebuild" || !parsed.resource.startsWith("report-group/")) return undefined;
  return { scope: scopeOf(arn, { ...parsed }), name: parsed.resource.slice("report-group/".length) };
}

/** Scope, group and uuid of the report an ARN names. */
export function parseReportArn(
  arn: string,
): { readonly scope: AwsScope; readonly groupName: string; readonly uuid: string } | undefined {
  const parsed = parseArn(arn);
  const match = parsed?.service === "codebuild" ? /^report\/([^:]+):(.+)$/.exec(parsed.resource) : null;
  if (!parsed || !match) return undefined;
  return { scope: scopeOf(arn, { ...parsed }), groupName: match[1] ?? "", uuid: match[2] ?? "" };
}

export const groupKey = (scope: AwsScope, name: string): Key => [scope.accountId, scope.region, name];

export function findGroup(store: Store, arn: string): ReportGroup | undefined {
  const parsed = parseGroupArn(arn);
  return parsed && reportRecords(store).groups.get(groupKey(parsed.scope, parsed.name));
}

/** Key of the report and, under it, of its cases and coverages. */
export function reportKeyOf(arn: string): Key | undefined {
  const parsed = parseReportArn(arn);
  return parsed && [...groupKey(parsed.scope, parsed.groupName), parsed.uuid];
}

/** The report, unless its 30 days are over. */
export function findReport(store: Store, clock: Clock, arn: string): Report | undefined {
  const key = reportKeyOf(arn);
  const report = key && reportRecords(store).reports.get(key);
  return report && isAlive(report, clock) ? report : undefined;
}

export const isAlive = (report: Report, clock: Clock): boolean => (report.expired ?? 0) > clock.nowMs();

/** Reports below a key that have not expired, newest first. */
export function listReports(store: Store, clock: Clock, prefix: Key): readonly Report[] {
  return reportRecords(store)
    .reports.list(prefix)
    .map(({ value }) => value)
    .filter((report) => isAlive(report, clock))
    .sort((a, b) => (b.created ?? 0) - (a.created ?? 0) || ((a.arn ?? "") < (b.arn ?? "") ? 1 : -1));
}

/** Only inside `Store.write`. */
export function deleteReport(store: Store, key: Key): void {
  const { reports, testCases, coverages } = reportRecords(store);
  for (const collection of [reports, testCases, coverages]) collection.delete(key);
}
