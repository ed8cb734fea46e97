/** A `batch` in a project that takes no batches: it has no buildBatchConfig, or that has no service role. */
import type { Rule } from "../rule.ts";

export const batchNotConfigured: Rule = {
  id: "batch/not-configured",
  severity: "warning",
  title: "a `batch` in a project without batch settings",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build.html",
  *run({ buildspec, project }) {
    const { batch } = buildspec;
    if (!batch) return;
    const { buildBatchConfig } = project;
    const name = project.name === undefined ? "the project" : `project \`${project.name}\``;
    if (buildBatchConfig === null) {
      yield {
        message: `${name} takes no batches: it has no buildBatchConfig`,
        span: batch.span,
        why: "StartBuildBatch refuses the project; a plain build does not look at `batch`",
      };
    }
  },
};
