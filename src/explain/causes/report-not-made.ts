/** UPLOAD_ARTIFACTS could not make a report: the role lacks a permission (R19), or its files are absent or unreadable. */

import { REPORT_FORMATS } from "../../build/test-reports/report-format.ts";
import { nearestReportFormat } from "../../check/nearest-report-format.ts";
import type { BuildFacts } from "../build-facts.ts";
import type { Cause } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import { remedy, whyDenied } from "../remedy.ts";
import { at, firstLine, quotedList } from "./finding-parts.ts";
import { allow } from "./source-parts.ts";

const PERMISSIONS = "https://docs.aws.amazon.com/codebuild/latest/userguide/test-permissions.html";
const SECTION = "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#reports-buildspec-file";

/** `Error in UPLOAD_ARTIFACTS phase: [unit: [report files not found in build]]` → the first group and its text. */
function failedReport(message: string): { readonly group: string; readonly text: string } | undefined {
  const match = /^Error in UPLOAD_ARTIFACTS phase: \[(.+?): \[([\s\S]*)\]\]$/.exec(message);
  return match ? { group: match[1] ?? "", text: match[2] ?? "" } : undefined;
}

const reportIn = (facts: BuildFacts, group: string) =>
  facts.buildspec?.reports.find((report) => report.group.value === group) ??
  (facts.buildspec?.reports.length === 1 ? facts.buildspec.reports[0] : undefined);

export const reportsDenied: Cause = {
  id: "iam/reports-denied",
  sources: [PERMISSIONS],
  match(failure, facts) {
    const denial = findDenial(failure.message);
    if (!denial || !/^codebuild:(CreateReportGroup|CreateReport|UpdateReport|BatchPut\w+)$/.test(denial.action)) return;
    const role = serviceRoleName(facts, denial);
    const { region, accountId } = scopeOf(facts);
    const project = facts.build.projectName ?? "PROJECT";
    const own = `arn:aws:codebuild:${region}:${accountId}:report-group/${project}-*`;
    const isOwn = denial.resource.startsWith(own.slice(0, -1));
    const statement = {
      Sid: "MakeReports",
      Effect: "Allow" as const,
      Action: [
        ...(isOwn ? ["codebuild:CreateReportGroup"] : []),
        "codebuild:CreateReport",
        "codebuild:UpdateReport",
        "codebuild:BatchPutTestCases",
        "codebuild:BatchPutCodeCoverages",
      ],
      Resource: [isOwn ? own : denial.resource],
    };
    const report = reportIn(facts, failedReport(failure.message)?.group ?? "");
    return {
      cause: `the service role \`${role}\` may not make the report: ${whyDenied(denial)}`,
      ...at(facts.buildspec?.file, report?.group.span.line),
      evidence: [failure.message, ...decisionEvidence(facts.decisions, denial)],
      why: "reports are made with the service role, and a report that cannot be made fails UPLOAD_ARTIFACTS",
      ...remedy(
        facts,
        denial,
        policyFix("allow making reports in this project's report groups", role, "kiln-make-reports", [statement]),
      ),
      confidence: "certain",
    };
  },
};

const OTHER_OWNER = /AccessDenied: The bucket owner for the report group does not match/;

export const reportExportDenied: Cause = {
  id: "s3/report-export-denied",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_S3ReportExportConfig.html"],
  match(failure, facts) {
    const told = failure.phaseType === "UPLOAD_ARTIFACTS" ? failedReport(failure.message) : undefined;
    // AWS's guide shows the text alone, without the group.
    const failed =
      told ??
      (OTHER_OWNER.test(failure.message)
        ? {
            group: "",
            text: `error exporting report: ${failure.message.replace(/^[\s\S]*?(?=AccessDenied: The bucket)/, "")}`,
          }
        : undefined);
    const error = /^error exporting report: ([\s\S]*)$/.exec(failed?.text ?? "")?.[1];
    if (!failed || error === undefined) return undefined;
    const denial = findDenial(error);
    const place = at(facts.buildspec?.file, reportIn(facts, failed.group)?.group.span.line);
    const group = facts.build.projectName === undefined ? failed.group : `${facts.build.projectName}-${failed.group}`;
    if (denial) {
      const role = serviceRoleName(facts, denial);
      return {
        cause: `the service role \`${role}\` may not export the files of the report \`${failed.group}\`: ${whyDenied(denial)}`,
        ...place,
        evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
        why: "the report group exports its raw files to a bucket, with the service role",
        ...allow(facts, denial, {
          title: "allow writing where the report group exports to, and nothing else",
          role,
          policyName: "kiln-export-reports",
          sid: "ExportReports",
          resources: [denial.resource.replace(/\/[0-9a-f-]{36}(\.zip$|\/.*$)/, "/*")],
        }),
        confidence: "certain",
      };
    }
    const isOtherOwner = OTHER_OWNER.test(error);
    return {
      cause: isOtherOwner
        ? `the bucket that the report group${failed.group === "" ? "" : ` of \`${failed.group}\``} exports to belongs to another account`
        : `the files of the report \`${failed.group}\` were not exported: ${firstLine(error)}`,
      ...place,
      evidence: [firstLine(failure.message)],
      next: isOtherOwner
        ? "set `bucketOwner` in the group's `exportConfig.s3Destination`, and let that account's bucket policy allow the role"
        : `see where it exports to: \`aws codebuild list-report-groups\`, then \`aws codebuild batch-get-report-groups\` for \`${group}\``,
      confidence: "certain",
    };
  },
};

export const reportFilesUnusable: Cause = {
  id: "reports/files-unusable",
  sources: [SECTION],
  match(failure, facts) {
    const failed = failure.phaseType === "UPLOAD_ARTIFACTS" ? failedReport(failure.message) : undefined;
    if (!failed) return undefined;
    const { group, text } = failed;
    const report = reportIn(facts, group);
    const evidence = [failure.message];
    const unreadable = /^error processing report: \[(.+?): ([^\]]*)/.exec(text);
    if (unreadable) {
      const [, path = "", problem = ""] = unreadable;
      return {
        cause: `the report \`${group}\` cannot be read: ${problem} in \`${path}\``,
        ...at(facts.buildspec?.file, report?.fileFormat?.span.line ?? report?.group.span.line),
        evidence,
        why: `the file is read as ${report?.fileFormat?.value.toUpperCase() ?? "JUNITXML, the default of `file-format`"}`,
        next: "set `file-format` to what the tool writes, or have the tool write the format named",
        confidence: "certain",
      };
    }
    const directory = /^no matching base directory path found for (.+)$/.exec(text)?.[1];
    if (directory === undefined && text !== "report files not found in build") return undefined;
    const files = report?.files.map((file) => file.value) ?? [];
    const what =
      directory === undefined
        ? `nothing matches the files of the report \`${group}\`${files.length > 0 ? ` (${quotedList(files)})` : ""}`
        : `the folder \`${directory}\` of the report \`${group}\` does not exist`;
    return {
      cause: `${what} after the build`,
      ...at(facts.buildspec?.file, report?.files[0]?.span.line ?? report?.group.span.line),
      evidence,
      why: "paths count from the root of the source, or from `base-directory`; tests that did not run write no report",
      next: "look whether the test command ran, and where it writes its report",
      confidence: "certain",
    };
  },
};

export const reportNotMade: Cause = {
  id: "reports/not-made",
  sources: [SECTION],
  match(failure, facts) {
    if (failure.phaseType !== "UPLOAD_ARTIFACTS") return undefined;
    const evidence = [firstLine(failure.message)];
    const count = /\[the buildspec names (\d+) report groups, at most (\d+) are allowed\]$/.exec(failure.message);
    if (count) {
      return {
        cause: `the buildspec names ${count[1]} report groups, and ${count[2]} is the limit`,
        ...at(facts.buildspec?.file, facts.buildspec?.reports[Number(count[2])]?.group.span.line),
        evidence,
        next: "put files of one format into one group: `files` takes several patterns",
        confidence: "certain",
      };
    }
    const failed = failedReport(failure.message);
    if (!failed) return undefined;
    const report = reportIn(facts, failed.group);
    const format = /^unknown file-format `(.*?)`: expected one of (.*?)(?:\]|$)/.exec(failed.text);
    if (format) {
      const [, written = ""] = format;
      const near = nearestReportFormat(written);
      return {
        cause: `the report \`${failed.group}\` has a format that CodeBuild does not know: \`${written}\`${near === undefined ? "" : `; the nearest is \`${near}\``}`,
        ...at(facts.buildspec?.file, report?.fileFormat?.span.line),
        evidence,
        next: `the formats are ${REPORT_FORMATS.join(", ")}`,
        confidence: "certain",
      };
    }
    return {
      cause: `the report \`${failed.group}\` was not made: ${firstLine(failed.text)}`,
      ...at(facts.buildspec?.file, report?.group.span.line),
      evidence,
      next: "see the group: its type (tests or coverage) has to fit the report's `file-format`, and an ARN has to exist: `aws codebuild list-report-groups`",
      confidence: "likely",
    };
  },
};
