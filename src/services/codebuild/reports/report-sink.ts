/**
 * The reports of one build, made as its service role: what build/run's `ReportSink` asks for. The actions are no API
 * operations, so the role's policies are asked here; CreateReportGroup is one and goes through the dispatcher.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/test-permissions.html
 */
import { shardGroup } from "../../../build/batch/index.ts";
import type { ReportGroupHandle, ReportHandle, ReportSink } from "../../../build/run/index.ts";
import type { ReportType } from "../../../build/test-reports/index.ts";
// Not the folder's face: that loads every parser, which only a running build needs.
import {
  keptTestCases,
  summarizeCoverage,
  summarizeTests,
  type TestSummary,
} from "../../../build/test-reports/summarize.ts";
import { type AwsScope, arnIn } from "../../../core/arn.ts";
import { AwsError } from "../../../core/errors.ts";
import type { Key } from "../../../store/store.ts";
import type { RoleSession } from "../builds/role-session.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { invalidInput } from "../errors.ts";
import type { BuildRecord } from "../records.ts";
import type { Report, ReportGroup, TestReportSummary } from "../shapes.gen.ts";
import { groupAccess } from "./report-access.ts";
import { reportGroupNotFound, reportNotFound } from "./report-errors.ts";
import {
  deleteReport,
  expiryOf,
  findGroup,
  groupKey,
  isAlive,
  parseGroupArn,
  reportGroupArn,
  reportKeyOf,
  reportRecords,
} from "./report-records.ts";

export function buildReportSink(
  outside: Pick<CodeBuildDependencies, "store" | "clock" | "ids">,
  record: Pick<BuildRecord, "scope" | "settings" | "build"> & { readonly origin?: BuildRecord["origin"] },
  session: RoleSession,
): ReportSink {
  const { store, clock, ids } = outside;
  const { scope, settings, build } = record;
  const shard = record.origin?.shard;

  const authorize = (operation: string, groupArn: string): Promise<void> =>
    session.authorize([groupAccess({ store }, operation, groupArn)], {
      service: "codebuild",
      operation,
      requestId: ids.uuid(),
    });

  const change = (report: ReportHandle, next: (old: Report, key: Key) => Report): Promise<void> =>
    store.write(() => {
      const key = reportKeyOf(report.arn) ?? [];
      const old = reportRecords(store).reports.get(key);
      // Deleted while the build ran.
      if (!old) throw reportNotFound(report.arn);
      reportRecords(store).reports.put(key, next(old, key));
    });

  return {
    async openGroup(nameOrArn, type) {
      const isArn = nameOrArn.startsWith("arn:");
      const named = isArn ? nameOrArn : reportGroupArn(scope, `${settings.projectName}-${nameOrArn}`);
      const whole = findGroup(store, named);
      if (whole) requireType(whole, type);
      else if (isArn) throw reportGroupNotFound(named);
      // AWS: each build of a fan-out has groups of its own.
      const arn = shard ? shardGroup(named, shard.index) : named;
      const found = findGroup(store, arn) ?? (await makeGroup(arn, type, whole?.exportConfig));
      requireType(found, type);
      return { arn, name: found.name ?? "", type };
    },

    async createReport(group) {
      await authorize("CreateReport", group.arn);
      const { exportConfig } = findGroup(store, group.arn) ?? {};
      const arn = reportArnOf(group, ids.uuid(), scope);
      const nowMs = clock.nowMs();
      const report: Report = {
        arn,
        type: group.type,
        name: group.name,
        reportGroupArn: group.arn,
        ...(build.arn === undefined ? {} : { executionId: build.arn }),
        status: "GENERATING",
        created: nowMs,
        expired: expiryOf(nowMs),
        exportConfig: exportConfig ?? { exportConfigType: "NO_EXPORT" },
        truncated: false,
      };
      await store.write(() => {
        sweep(groupKeyOf(group));
        reportRecords(store).reports.put(reportKeyOf(arn) ?? [], report);
      });
      const s3 = exportConfig?.exportConfigType === "S3" ? exportConfig.s3Destination : undefined;
      return { arn, group, ...(s3?.bucket === undefined ? {} : { exportTo: { ...s3, bucket: s3.bucket } }) };
    },

    async putTestCases(report, testCases) {
      await authorize("BatchPutTestCases", report.group.arn);
      const { kept, truncated } = keptTestCases(testCases);
      await change(report, (old, key) => {
        reportRecords(store).testCases.put(
          key,
          kept.map(({ durationNs, rawDataPath, ...one }) => ({
            reportArn: report.arn,
            testRawDataPath: rawDataPath,
            ...one,
            durationInNanoSeconds: durationNs,
            ...(old.expired === undefined ? {} : { expired: old.expired }),
          })),
        );
        return { ...old, truncated, testSummary: summaryShape(summarizeTests(testCases)) };
      });
    },

    async putCodeCoverages(report, coverages) {
      await authorize("BatchPutCodeCoverages", report.group.arn);
      await change(report, (old, key) => {
        reportRecords(store).coverages.put(
          key,
          coverages.map(({ filePath, ...one }) => ({
            id: ids.uuid(),
            reportARN: report.arn,
            filePath,
            ...summarizeCoverage([one]),
            ...(old.expired === undefined ? {} : { expired: old.expired }),
          })),
        );
        return { ...old, codeCoverageSummary: summarizeCoverage(coverages) };
      });
    },

    async updateReport(report, status) {
      try {
        await authorize("UpdateReport", report.group.arn);
      } catch (error) {
        // AWS: a report that the role could not finish is INCOMPLETE.
        if (error instanceof AwsError) await change(report, (old) => ({ ...old, status: "INCOMPLETE" }));
        throw error;
      }
      await change(report, (old) => ({ ...old, status }));
    },
  };

  /** AWS: a group made on the fly exports nothing. A build of a fan-out exports where the group it is a part of does. */
  async function makeGroup(
    arn: string,
    type: ReportType,
    exportConfig: ReportGroup["exportConfig"] = { exportConfigType: "NO_EXPORT" },
  ): Promise<ReportGroup> {
    const name = parseGroupArn(arn)?.name ?? "";
    try {
      const answer = await session.caller.call<{ reportGroup: ReportGroup }>("codebuild", "CreateReportGroup", {
        name,
        type,
        exportConfig,
      });
      return answer.reportGroup;
    } catch (error) {
      // Another build made it at the same time.
      const made =
        error instanceof AwsError && error.code === "ResourceAlreadyExistsException" && findGroup(store, arn);
      if (made) return made;
      throw error;
    }
  }

  /** Only inside `Store.write`: takes away the reports of a group whose time is over. */
  function sweep(prefix: Key): void {
    for (const { key, value } of reportRecords(store).reports.list(prefix)) {
      if (!isAlive(value, clock)) deleteReport(store, key);
    }
  }
}

function requireType(group: ReportGroup, type: ReportType): void {
  if (group.type === type) return;
  throw invalidInput(`Report group ${group.name} is of type ${group.type}, the report is of type ${type}`);
}

const groupKeyOf = ({ arn }: ReportGroupHandle): Key => {
  const parsed = parseGroupArn(arn);
  return parsed ? groupKey(parsed.scope, parsed.name) : [];
};

const reportArnOf = (group: ReportGroupHandle, uuid: string, scope: AwsScope): string =>
  arnIn(parseGroupArn(group.arn)?.scope ?? scope, "codebuild", `report/${group.name}:${uuid}`);

const summaryShape = ({ total, statusCounts, durationNs }: TestSummary): TestReportSummary => ({
  total,
  statusCounts,
  durationInNanoSeconds: durationNs,
});
