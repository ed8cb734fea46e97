/** No phase has a command: CodeBuild logs `Phases found in YAML: 0`, runs nothing and reports success. */
import type { Rule } from "../rule.ts";

export const phasesNoCommands: Rule = {
  id: "phases/no-commands",
  severity: "warning",
  title: "a buildspec without a single command",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  *run({ text, buildspec, parsed, spanOf }) {
    // A key that CodeBuild does not know is where they went; that is said there.
    if (buildspec.batch || parsed.failure || buildspec.unknownKeys.length > 0) return;
    const hasCommands = buildspec.phases.some((phase) => phase.commands.length + phase.finally.length > 0);
    if (hasCommands) return;
    const key = /^["']?phases["']?(?=\s*:)/m.exec(text);
    yield {
      message: "no phase has a command",
      ...(key && { span: spanOf(key.index, key.index + key[0].length) }),
      why: "CodeBuild runs nothing, and the build succeeds",
    };
  },
};
