/** A secret in a parameter of type String: readable by everyone who may look. */

import { isSecretName } from "../knowledge/secret-looks.ts";
import type { Rule } from "../rule.ts";
import { findParameter } from "../shell/variables.ts";

export const ssmStringForSecret: Rule = {
  id: "ssm/string-for-secret",
  severity: "warning",
  title: "a secret stored as String",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
  *run(context) {
    for (const [variable, fact] of context.shell.variables) {
      if (fact.origin !== "parameter" || fact.reference === undefined) continue;
      const parameter = findParameter(context.parameters, fact.reference);
      if (!parameter || parameter.type === "SecureString") continue;
      if (!isSecretName(variable) && !isSecretName(parameter.name.split("/").at(-1) ?? "")) continue;
      const span = fact.valueSpan;
      yield {
        message: `parameter \`${parameter.name}\` holds a secret and is of type ${parameter.type}, expected SecureString`,
        ...(span && { span }),
        why: "a String is stored and shown in clear to everyone who may read or list parameters",
        fix: {
          kind: "command",
          title: "store it again as SecureString (the type of a parameter cannot be changed)",
          commands: [
            `aws ssm delete-parameter --name "${parameter.name}"`,
            `aws ssm put-parameter --name "${parameter.name}" --type SecureString --value VALUE`,
          ],
        },
      };
    }
  },
};
