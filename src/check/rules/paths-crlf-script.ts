/**
 * Scripts with CRLF line ends: the interpreter's name then ends in a carriage return, and there is no such program. Line
 * ends are those of the committed file; a Windows checkout of one with LF is right.
 */

import { shellPath } from "../../core/shell-word.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { here, severityFor, spanOf } from "../tree/path-findings.ts";
import { type PathLookup, pathLookupsOf } from "../tree/path-lookup.ts";

export const pathsCrlfScript: Rule = {
  id: "paths/crlf-script",
  severity: "error",
  title: "a shell script with CRLF line ends",
  source: "https://git-scm.com/docs/gitattributes#_end_of_line_conversion",
  *run(context) {
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { command, use, found } = lookup;
      const isRunByPath = use.word === command.nameWord;
      const isShell = /^(sh|bash|source|\.)$/.test(use.user);
      if (found === undefined || seen.has(found) || (!isRunByPath && !isShell)) continue;
      if (!context.workspace.hasCrlf(found) || convertsLineEnds(context, command)) continue;
      const first = firstLine(context, found);
      if (isRunByPath && !/^#!.*\r$/.test(first)) continue;
      seen.add(found);
      yield finding(context, lookup, found, first, isRunByPath);
    }
  },
};

function finding(
  context: CheckContext,
  lookup: PathLookup,
  found: string,
  first: string,
  isRunByPath: boolean,
): Finding {
  const { command, use, path = found } = lookup;
  const interpreter = first.slice(2).trim();
  return {
    severity: isRunByPath && !command.followsUnknown ? severityFor(context, command, path) : "warning",
    message: `\`${use.path}\` has CRLF line ends`,
    span: spanOf(lookup),
    why: isRunByPath
      ? `its first line asks for the program \`${interpreter}\\r\`, which does not exist: it does not start in ${here(command)}`
      : "each line ends in a carriage return, which becomes part of its last word: `$'\\r': command not found`",
    fix: {
      kind: "command",
      title: "commit it with LF line ends",
      commands: [`printf '*.sh text eol=lf\\n' >> .gitattributes`, `git add --renormalize ${shellPath(found)}`],
    },
  };
}

const firstLine = (context: CheckContext, path: string): string =>
  context.workspace.readText(path)?.split("\n")[0] ?? "";

/** `dos2unix x.sh`, `sed -i 's/\r//' x.sh`, `tr -d '\r'`. */
function convertsLineEnds(context: CheckContext, until: ShellCommand): boolean {
  for (const command of context.shell.everyCommand) {
    if (command === until) return false;
    if (command.name === "dos2unix") return true;
    if (command.args.some(({ source }) => source.includes("\\r") || source.includes("autocrlf"))) return true;
  }
  return false;
}
