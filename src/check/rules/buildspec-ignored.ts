/** A buildspec that git ignores never reaches CodeBuild. */
import type { Rule } from "../rule.ts";

export const buildspecIgnored: Rule = {
  id: "buildspec/ignored",
  severity: "warning",
  title: "a buildspec that git ignores",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage",
  needsNoYaml: true,
  *run({ workspace, file, spanOf }) {
    if (!workspace.isIgnored(file)) return;
    yield {
      message: `\`${file}\` is ignored by git`,
      span: spanOf(0, 0),
      why: "CodeBuild gets what is committed, so it would not find the file",
    };
  },
};
