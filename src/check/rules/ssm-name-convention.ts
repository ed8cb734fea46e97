/** A parameter's name that the convention of `--parameter-names` does not allow. Silent without a convention. */
import { parameterNameTest } from "../knowledge/parameter-names.ts";
import { isComputed, parameterReferences } from "../knowledge/store-references.ts";
import type { Rule } from "../rule.ts";
import { parameterNameOf } from "../shell/variables.ts";

export const ssmNameConvention: Rule = {
  id: "ssm/name-convention",
  severity: "warning",
  title: "a parameter's name against the convention of `--parameter-names`",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html",
  *run(context) {
    const { parameterNames } = context.known;
    const test = parameterNames === undefined ? undefined : parameterNameTest(parameterNames);
    if (!test) return;
    for (const { variable, written, span } of parameterReferences(context)) {
      if (isComputed(written)) continue;
      const name = parameterNameOf(written);
      // AWS's own public parameters have AWS's names.
      if (name.startsWith("/aws/") || test(name)) continue;
      yield {
        message: `parameter \`${name}\` of \`${variable}\` is not named like \`${parameterNames}\``,
        ...(span && { span }),
        why: "the convention is yours (`--parameter-names`, KILN_PARAMETER_NAMES); policies that grant by path rely on one",
      };
    }
  },
};
