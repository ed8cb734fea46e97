/** More report groups than CodeBuild takes from one buildspec: none of them is made. */
import { MAX_REPORT_GROUPS } from "../../build/buildspec/index.ts";
import type { Rule } from "../rule.ts";

export const reportsTooManyGroups: Rule = {
  id: "reports/too-many-groups",
  severity: "error",
  title: "more than five report groups",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html",
  *run({ buildspec: { reports } }) {
    const sixth = reports[MAX_REPORT_GROUPS];
    if (!sixth) return;
    yield {
      message: `the buildspec names ${reports.length} report groups, expected at most ${MAX_REPORT_GROUPS}`,
      span: sixth.group.span,
      why: "UPLOAD_ARTIFACTS fails, and none of the reports is made; one group may list files of several folders",
    };
  },
};
