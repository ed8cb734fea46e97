/** `exported-variables` with names that nothing sets, or that CodeBuild does not export. */
import { nearest } from "../../core/nearest.ts";
import type { CheckContext, Rule } from "../rule.ts";

export const envExportedVariableUnset: Rule = {
  id: "env/exported-variable-unset",
  severity: "warning",
  title: "an exported variable that nothing sets, or that cannot be exported",
  source:
    "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.exported-variables",
  *run(context) {
    const { buildspec, project } = context;
    const { exportedVariables, variables, parameterStore, secretsManager } = buildspec.env;
    const declared = [...variables, ...parameterStore, ...secretsManager].map(({ name }) => name.value);
    const ofProject = project.environmentVariables?.map(({ name }) => name);
    for (const { value: name, span } of exportedVariables) {
      if (name.startsWith("AWS_")) {
        yield {
          message: `\`${name}\` begins with \`AWS_\` and is not exported`,
          span,
          why: "CodeBuild exports no variable whose name begins with `AWS_`",
        };
        continue;
      }
      if (name.startsWith("CODEBUILD_") || name.includes("$")) continue;
      if (declared.includes(name) || ofProject?.includes(name) || isSetByCommands(context, name)) continue;
      const guess = nearest(name, [...declared, ...(ofProject ?? [])]);
      yield {
        // Without the project nobody knows its variables.
        severity: ofProject === undefined && guess === undefined ? "info" : "warning",
        message: `nothing in this buildspec sets \`${name}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
        span,
        why: `CodeBuild exports what the variable is when POST_BUILD ends${ofProject === undefined ? "; it may come from the project or the image" : ""}`,
      };
    }
  },
};

/** Some command names the variable where it may be set, or runs what may set any. */
function isSetByCommands({ buildspec }: CheckContext, name: string): boolean {
  const commands = buildspec.phases.flatMap((phase) => [...phase.commands, ...phase.finally]);
  const script = commands.map(({ value }) => value).join("\n");
  const mentions = new RegExp(`\\b${name.replace(/\W/g, "")}(?:\\+?=|:=|\\b)`);
  return mentions.test(script) || /(?:^|[\s;&|(])(?:\.|source|eval)\s/m.test(script) || /\$env:/i.test(script);
}
