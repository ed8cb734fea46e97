/** A StringList in a variable: CodeBuild gives the text with its commas, and the shell does not split it. */

import { parameterReferences } from "../knowledge/store-references.ts";
import type { Rule } from "../rule.ts";
import { findParameter } from "../shell/variables.ts";

export const ssmListType: Rule = {
  id: "ssm/list-type",
  severity: "info",
  title: "a StringList, which arrives as one text with commas",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html",
  *run(context) {
    const commands = context.buildspec.phases.flatMap((phase) => [...phase.commands, ...phase.finally]);
    for (const { variable, written, span } of parameterReferences(context)) {
      if (findParameter(context.parameters, written)?.type !== "StringList") continue;
      const loop = commands.find(({ value }) =>
        new RegExp(`\\bfor\\s+\\w+\\s+in\\s+["']?\\$\\{?${variable}\\b`).test(value),
      );
      // Somebody who sets IFS or replaces the commas knows.
      const splits = commands.some(({ value }) => /\bIFS=|\btr\s+["']?,|\/,\/|-d["']?,/.test(value));
      if (splits) continue;
      yield {
        ...(loop && { severity: "warning" as const }),
        message: `\`${variable}\` is a StringList: its value is one text with commas${loop ? `, and \`for … in $${variable}\` runs once` : ""}`,
        ...(loop ? { span: loop.span } : span ? { span } : {}),
        why: "CodeBuild passes the value on as it is stored; the shell splits at blanks",
      };
    }
  },
};
