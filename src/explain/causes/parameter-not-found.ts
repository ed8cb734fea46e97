/** A parameter that the build takes a variable from does not exist under that name (R07, P04). */

import { nearest } from "../../core/nearest.ts";
import { bareParameterName, editInSpan, findParameterUse } from "../buildspec-places.ts";
import type { Cause } from "../cause.ts";
import { at, firstLine } from "./finding-parts.ts";

export const parameterNotFound: Cause = {
  id: "ssm/parameter-not-found",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-parameter-store",
  ],
  match(failure, facts) {
    const name = /parameter does not exist: (\S+)/i.exec(failure.message)?.[1];
    if (failure.statusCode !== "Decrypted Variables Error" || name === undefined) return undefined;
    const names = facts.parameters.map((parameter) => parameter.name);
    const slashTwin = names.find((known) => known !== name && bareParameterName(known) === bareParameterName(name));
    const suggestion = slashTwin ?? nearest(name, names);
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
      commands: [`aws ssm put-parameter --name "${name}" --value "VALUE" --type "SecureString"`],
    };
    return {
      cause: `the parameter \`${name}\` does not exist${
        slashTwin !== undefined
          ? `; \`${slashTwin}\` does: the leading slash is part of a parameter's name`
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
      alternatives: edit ? [create] : [],
      confidence: "certain",
    };
  },
};
