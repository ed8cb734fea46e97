/** A parameter that the build takes a variable from does not exist under that name (R07, P04). */

import { nearest } from "../../core/nearest.ts";
import { shellText } from "../../core/shell-word.ts";
import type { BuildFacts } from "../build-facts.ts";
import { bareParameterName, editInSpan, findParameterUse, parameterUses } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import type { Failure } from "../failures.ts";
import { at, firstLine } from "./finding-parts.ts";

export const parameterNotFound: Cause = {
  id: "ssm/parameter-not-found",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-parameter-store",
  ],
  match(failure, facts) {
    if (failure.statusCode !== "Decrypted Variables Error") return undefined;
    const name = /parameter does not exist: (\S+)/i.exec(failure.message)?.[1] ?? withoutSlash(failure, facts);
    if (name === undefined) return undefined;
    if (TOKEN.test(name)) return tokenAsName(name);
    const names = facts.parameters.map((parameter) => parameter.name);
    const slashTwin = names.find((known) => known !== name && bareParameterName(known) === bareParameterName(name));
    const isPath = name.includes("/") && !name.startsWith("/") && !name.startsWith("arn:");
    const suggestion = slashTwin ?? (isPath ? `/${name}` : nearest(name, names));
    const use = findParameterUse(facts, name);
    const edit =
      suggestion !== undefined && use?.span && facts.buildspec
        ? editInSpan(
            facts.buildspec,
            use.span,
            use.parameterName,
            suggestion,
            `read \`${suggestion}\` instead of \`${name}\``,
          )
        : undefined;
    const create = {
      kind: "command" as const,
      title: "or create the parameter",
      commands: [`aws ssm put-parameter --name ${shellText(name)} --value "VALUE" --type "SecureString"`],
    };
    return {
      cause: `the parameter \`${name}\` does not exist${
        slashTwin !== undefined
          ? `; \`${slashTwin}\` does: the leading slash is part of a parameter's name`
          : isPath
            ? ": a name with `/` in it begins with `/`"
            : suggestion !== undefined
              ? `; the nearest name is \`${suggestion}\``
              : ""
      }`,
      ...at(facts.buildspec?.file, use?.line),
      evidence: [firstLine(failure.message)],
      why: use
        ? `the variable \`${use.variableName}\` takes its value from this parameter, so no command of the build ran`
        : "variables are read before the first command, so no command of the build ran",
      fix: edit ?? { ...create, title: "create the parameter" },
      alternatives: [...(edit ? [create] : []), ...(facts.isSaved ? [allowReading(name, facts)] : [])],
      ...(facts.isSaved
        ? {
            next: "if it exists in this region and account, the role lacks `ssm:GetParameters` on it: CodeBuild has answered that in the same words; roles made by the console may read names below `/CodeBuild/` only",
          }
        : {}),
      confidence: "certain",
    };
  },
};

/** How tokens of GitHub, GitLab, Slack, AWS and JWTs begin. */
const TOKEN = /^(?:gh[oprsu]_|github_pat_|glpat-|xox[abeprs]-|AKIA[A-Z0-9]{12}|ASIA[A-Z0-9]{12}|eyJ[\w-]{8,}\.)/;

/** The value stands where the name belongs; it is a secret, and CodeBuild has printed it. */
function tokenAsName(name: string): Finding {
  const kind = TOKEN.exec(name)?.[0].slice(0, 4) ?? "";
  return {
    cause: `a variable of the type PARAMETER_STORE has a token (\`${kind}…\`) as its value, where the name of a parameter belongs`,
    evidence: [`parameter does not exist: ${kind}…`],
    why: "the value of such a variable is the name of the parameter to read; variables are read before the first command",
    next: "revoke the token: the log has printed it. Then store a new one with `aws ssm put-parameter --name NAME --value TOKEN --type SecureString`, and write NAME as the variable's value",
    confidence: "certain",
  };
}

// AWS: a path without its first slash is refused by its form, and the answer does not name it.
function withoutSlash({ message }: Failure, facts: BuildFacts): string | undefined {
  if (!message.includes("sub-paths divided by slash symbol")) return undefined;
  return parameterUses(facts)
    .map(({ parameterName }) => parameterName)
    .find((name) => /^[^/:]+\//.test(name));
}

function allowReading(name: string, facts: BuildFacts) {
  const { region, accountId } = scopeOf(facts);
  return policyFix("or let the role read it, and nothing else", serviceRoleName(facts), "kiln-read-parameters", [
    {
      Sid: "ReadBuildParameters",
      Effect: "Allow",
      Action: ["ssm:GetParameters"],
      Resource: [`arn:aws:ssm:${region}:${accountId}:parameter/${bareParameterName(name)}`],
    },
  ]);
}
