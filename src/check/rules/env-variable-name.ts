/** Names of variables that no shell can read, and those that CodeBuild keeps for itself. */
import type { Rule } from "../rule.ts";

export const envVariableName: Rule = {
  id: "env/variable-name",
  severity: "warning",
  title: "a variable's name that no shell reads, or that is CodeBuild's",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.variables",
  *run({ buildspec }) {
    const { variables, parameterStore, secretsManager } = buildspec.env;
    for (const { name } of [...variables, ...parameterStore, ...secretsManager]) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.value)) {
        yield {
          message: `\`${name.value}\` is no name of a shell variable, expected letters, digits and \`_\``,
          span: name.span,
          why: `a command cannot read it: the shell takes \`$${name.value}\` apart at the first other character`,
        };
      } else if (/^CODEBUILD_(?!CONFIG_)/.test(name.value)) {
        yield {
          message: `\`${name.value}\` begins with \`CODEBUILD_\`, which CodeBuild keeps for its own variables`,
          span: name.span,
          why: "the reference asks for another name; whether the value reaches the commands is not said",
        };
      }
    }
  },
};
