/** A variable of the project of type PLAINTEXT whose name or value says that it is a secret. The value is never shown. */

import { shellText } from "../../core/shell-word.ts";
import { isPlaceholder, isSecretName, secretLookOf } from "../knowledge/secret-looks.ts";
import type { Rule } from "../rule.ts";

export const projectPlaintextSecret: Rule = {
  id: "project/plaintext-secret",
  severity: "warning",
  title: "a secret in a plaintext variable of the project",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/change-project-console.html",
  *run({ project }) {
    for (const { name, type, value } of project.environmentVariables ?? []) {
      if ((type ?? "PLAINTEXT") !== "PLAINTEXT" || value === undefined) continue;
      const look = secretLookOf(value);
      // A path or ARN leads to the secret; `ssm:` has a rule of its own.
      const leads = /^(?:ssm:|arn:|\/[\w/.-]+$)/.test(value);
      if (look === undefined && (!isSecretName(name) || isPlaceholder(value) || leads)) continue;
      yield {
        message: `variable \`${name}\` of the project is a plaintext secret${look === undefined ? "" : `: its value looks like ${look}`}`,
        why: "it is shown in clear by the console and by BatchGetProjects, and CodeBuild does not mask it in logs",
        fix: {
          kind: "command",
          title: "store it as a SecureString and give the variable type PARAMETER_STORE",
          commands: [`aws ssm put-parameter --name ${shellText(name)} --type SecureString --value VALUE`],
        },
      };
    }
  },
};
