/** `environment` under a phase does not exist in CodeBuild: the block is ignored, its variables are unset. */
import { phaseEnvironmentEdits } from "../edits/phase-environment-edits.ts";
import type { Rule } from "../rule.ts";

export const phasesEnvironmentNotSupported: Rule = {
  id: "phases/environment-not-supported",
  severity: "error",
  title: "`environment` under a phase",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-syntax",
  *run(context) {
    for (const { section, keys } of context.buildspec.unknownKeys) {
      const key = section.startsWith("phases.") ? keys.find(({ value }) => value === "environment") : undefined;
      if (!key) continue;
      const edits = phaseEnvironmentEdits(context);
      const names = context.buildspec.phases
        .find((phase) => `phases.${phase.name}` === section)
        ?.environmentVariables.map(({ name }) => `\`${name.value}\``);
      yield {
        message: `\`${section}\` has no \`environment\`; variables stand under \`env\``,
        span: key.span,
        why: `CodeBuild ignores the block and prints \`Found possible syntax errors in buildspec\`${
          names?.length ? `, so ${names.join(", ")} ${names.length === 1 ? "is" : "are"} unset` : ""
        }`,
        ...(edits && { fix: { kind: "edit", title: "move the variables to `env`", edits } }),
      };
    }
  },
};
