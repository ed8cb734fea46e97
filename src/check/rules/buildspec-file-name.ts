/** `buildspec.yaml`: CodeBuild looks for exactly `buildspec.yml` unless the project names another file. */
import { shellPath } from "../../core/shell-word.ts";
import type { Rule } from "../rule.ts";

export const buildspecFileName: Rule = {
  id: "buildspec/file-name",
  severity: "error",
  title: "a buildspec with a name that CodeBuild does not look for",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage",
  needsNoYaml: true,
  *run({ file, isChosenFile, spanOf }) {
    if (isChosenFile || file === "buildspec.yml") return;
    yield {
      message: `the file is named \`${file}\`, expected \`buildspec.yml\``,
      span: spanOf(0, 0),
      why: `CodeBuild looks for exactly \`buildspec.yml\` and fails with \`YAML_FILE_ERROR: YAML file does not exist\`, unless the project's \`source.buildspec\` names \`${file}\``,
      fix: { kind: "command", title: "rename it", commands: [`git mv ${shellPath(file)} buildspec.yml`] },
    };
  },
};
