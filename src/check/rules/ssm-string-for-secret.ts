/** A secret in a parameter of type String, or in a plaintext variable of the project: readable by everyone who may look. */
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { findParameter } from "../variables.ts";

const secretName = /(pass(word|wd|phrase)?|token|secret|api[_-]?key|private[_-]?key|credentials?[_-]password)s?$/i;

export const ssmStringForSecret: Rule = {
  id: "ssm/string-for-secret",
  severity: "warning",
  title: "a secret stored as String or plaintext",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
  *run(context) {
    for (const [variable, fact] of context.shell.variables) {
      if (fact.origin !== "parameter" || fact.reference === undefined) continue;
      const parameter = findParameter(context.parameters, fact.reference);
      if (!parameter || parameter.type === "SecureString") continue;
      if (!secretName.test(variable) && !secretName.test(parameter.name)) continue;
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
    yield* plaintextOfProject(context);
  },
};

function* plaintextOfProject({ project }: CheckContext): Iterable<Finding> {
  for (const { name, type, value } of project.environmentVariables ?? []) {
    if ((type ?? "PLAINTEXT") !== "PLAINTEXT" || !secretName.test(name) || value === "" || value.startsWith("$"))
      continue;
    yield {
      message: `variable \`${name}\` of the project is a plaintext secret`,
      why: "it is shown in clear by the console and by BatchGetProjects",
      fix: {
        kind: "command",
        title: `store it as a SecureString and give the variable type PARAMETER_STORE`,
        commands: [`aws ssm put-parameter --name "${name}" --type SecureString --value VALUE`],
      },
    };
  }
}
