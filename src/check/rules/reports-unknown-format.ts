/** A report's `file-format` that CodeBuild does not read: UPLOAD_ARTIFACTS fails, and the build with it. */
import { isReportFormat, REPORT_FORMATS } from "../../build/test-reports/report-format.ts";
import { nearestReportFormat } from "../nearest-report-format.ts";
import type { Rule } from "../rule.ts";

export const reportsUnknownFormat: Rule = {
  id: "reports/unknown-format",
  severity: "error",
  title: "a report format that CodeBuild does not read",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#reports.file-format",
  *run({ buildspec, file }) {
    for (const { group, fileFormat } of buildspec.reports) {
      if (!fileFormat || isReportFormat(fileFormat.value.toUpperCase()) || /[$]/.test(fileFormat.value)) continue;
      const guess = nearestReportFormat(fileFormat.value);
      yield {
        message: `report \`${group.value}\` has the format \`${fileFormat.value}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
        span: fileFormat.span,
        why: `CodeBuild reads ${REPORT_FORMATS.join(", ")}`,
        ...(guess === undefined
          ? {}
          : {
              fix: {
                kind: "edit" as const,
                title: `use \`${guess}\``,
                edits: [
                  {
                    file,
                    startOffset: fileFormat.span.startOffset,
                    endOffset: fileFormat.span.endOffset,
                    newText: guess,
                  },
                ],
              },
            }),
      };
    }
  },
};
