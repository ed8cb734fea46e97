/** `artifacts` without a single pattern in `files`: nothing is collected. */
import type { Rule } from "../rule.ts";

export const artifactsEmptyFiles: Rule = {
  id: "artifacts/empty-files",
  severity: "warning",
  title: "artifacts without files",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files",
  *run({ buildspec: { artifacts } }) {
    if (!artifacts) return;
    const isEmpty = artifacts.files.every(({ value }) => value.trim() === "");
    // With secondary artifacts only those may be meant.
    if (isEmpty && artifacts.secondary.length === 0) {
      yield {
        message: "`artifacts` has no `files`",
        span: artifacts.span,
        why: "nothing is collected; a build without output has no `artifacts` section at all",
      };
    }
    for (const { identifier, artifacts: one } of artifacts.secondary) {
      if (one.files.some(({ value }) => value.trim() !== "")) continue;
      yield {
        message: `secondary artifacts \`${identifier.value}\` have no \`files\``,
        span: identifier.span,
        why: "nothing is collected for them",
      };
    }
  },
};
