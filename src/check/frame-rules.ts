/**
 * The checks that no rule makes, because they are about the run of the rules: no file to run them on, comments that
 * suppress what they find. Listed and documented like rules.
 */
import type { RuleFacts } from "./rule.ts";
import { SUPPRESSION_ID } from "./suppressions.ts";

const notFound: RuleFacts = {
  id: "buildspec/not-found",
  severity: "error",
  title: "no buildspec where CodeBuild looks for one",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage",
};

export const suppression: RuleFacts = {
  id: SUPPRESSION_ID,
  severity: "warning",
  title: "a `kiln-ignore` without a reason, with an unknown check, or with nothing to suppress",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-syntax",
};

/** The checks that these rules and the frame make, sorted by id. */
export const withFrameRules = (rules: readonly RuleFacts[]): RuleFacts[] =>
  [notFound, suppression, ...rules].sort((a, b) => (a.id < b.id ? -1 : 1));
