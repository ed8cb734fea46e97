/** Keys under `batch` that CodeBuild's reference does not have; they stop nothing and do nothing. */
import type { Rule } from "../rule.ts";
import { batchFindings } from "./batch-invalid.ts";

export const batchUnknownKey: Rule = {
  id: "batch/unknown-key",
  severity: "warning",
  title: "a key under `batch` that CodeBuild does not know",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html",
  *run(context) {
    for (const finding of batchFindings(context, "batch/unknown-key")) {
      // batch/depend-on-in-list
      if (!/^unknown key `depend-on` in `batch\.build-list/.test(finding.message)) yield finding;
    }
  },
};
