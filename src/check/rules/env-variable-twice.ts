/** One name in two of `variables`, `parameter-store`, `secrets-manager`: which value counts is not documented. */
import type { Variable } from "../../build/buildspec/index.ts";
import type { Rule } from "../rule.ts";

export const envVariableTwice: Rule = {
  id: "env/variable-twice",
  severity: "warning",
  title: "a variable that stands in two sections of `env`",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env",
  *run({ buildspec }) {
    const { variables, parameterStore, secretsManager } = buildspec.env;
    const sections: readonly (readonly [string, readonly Variable[]])[] = [
      ["env.variables", variables],
      ["env.parameter-store", parameterStore],
      ["env.secrets-manager", secretsManager],
    ];
    const seen = new Map<string, { readonly section: string; readonly variable: Variable }>();
    for (const [section, entries] of sections) {
      for (const variable of entries) {
        const { name } = variable;
        const first = seen.get(name.value);
        if (first === undefined) seen.set(name.value, { section, variable });
        else if (first.section !== section) {
          yield {
            message: `\`${name.value}\` stands in \`${first.section}\` and in \`${section}\``,
            span: name.span,
            why: "which of the two values the commands get is not documented",
            related: [{ span: first.variable.name.span, message: "the other one" }],
          };
        }
      }
    }
  },
};
