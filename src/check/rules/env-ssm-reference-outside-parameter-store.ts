/**
 * `NAME: ssm:/path` as a value: CodeBuild has no such form. It resolves names under `env.parameter-store` only; under
 * `env.variables` the text stays text, under a phase's `environment` it is ignored.
 */
import type { SsmReference } from "../../build/buildspec/index.ts";
import { phaseEnvironmentEdits } from "../edits/phase-environment-edits.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { existingName } from "../shell/variables.ts";

export const envSsmReferenceOutsideParameterStore: Rule = {
  id: "env/ssm-reference-outside-parameter-store",
  severity: "error",
  title: "`ssm:/name` as a value outside `env.parameter-store`",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store",
  *run(context) {
    for (const reference of context.buildspec.ssmReferences) yield finding(context, reference);
    for (const { name, value } of context.buildspec.env.parameterStore) {
      const inside = /^ssm:(\/.+)$/.exec(value.value)?.[1];
      if (inside === undefined) continue;
      const text = context.text.slice(value.span.startOffset, value.span.endOffset);
      const startOffset = value.span.startOffset + text.indexOf("ssm:");
      yield {
        message: `\`${name.value}\` names parameter \`${value.value}\`; a name has no \`ssm:\` in front`,
        span: value.span,
        why: "CodeBuild looks for a parameter of exactly that name and stops with `parameter does not exist`",
        fix: {
          kind: "edit",
          title: `use \`${inside}\``,
          edits: [{ file: context.file, startOffset, endOffset: startOffset + 4, newText: "" }],
        },
      };
    }
  },
};

function finding(context: CheckContext, { variable, parameterName, phase }: SsmReference): Finding {
  const edits = phaseEnvironmentEdits(context);
  const name = variable.name.value;
  const line = `${name}: ${existingName(context.parameters, parameterName)}`;
  return {
    message: phase
      ? `\`${variable.value.value}\` names no parameter here, so \`${name}\` does not get its value`
      : `\`${name}\` is the literal text \`${variable.value.value}\`, not the value of a parameter`,
    span: variable.value.span,
    why: phase
      ? `CodeBuild ignores \`environment\` under a phase, so \`${name}\` is unset; it resolves names only under \`env.parameter-store\``
      : "the value stays the literal text; CodeBuild resolves names only under `env.parameter-store`",
    fix: edits
      ? { kind: "edit", title: `move it to env.parameter-store as \`${line}\``, edits }
      : { kind: "command", title: `write \`${line}\` under env.parameter-store`, commands: [] },
  };
}
