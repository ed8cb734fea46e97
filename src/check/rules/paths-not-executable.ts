/**
 * Scripts that are run by their path and whose committed mode does not allow it: exit status 126. CodeBuild gets git's
 * mode, whatever the disk says.
 */
import type { Fix } from "../../core/diagnostics.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import { severityFor, spanOf } from "../tree/path-findings.ts";
import { type PathLookup, pathLookupsOf } from "../tree/path-lookup.ts";

export const pathsNotExecutable: Rule = {
  id: "paths/not-executable",
  severity: "error",
  title: "a script that is run by its path and may not be",
  source: "https://git-scm.com/docs/git-update-index#Documentation/git-update-index.txt---chmod-x",
  *run(context) {
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { command, use, found } = lookup;
      if (use.word !== command.nameWord || found === undefined || seen.has(found)) continue;
      if (context.workspace.isExecutable(found) !== false || changesModes(context, command)) continue;
      seen.add(found);
      yield finding(context, lookup, found);
    }
  },
};

function finding(context: CheckContext, lookup: PathLookup, found: string): Finding {
  const { workspace, project } = context;
  const { command, use, path = found } = lookup;
  // Archives have modes of their own, and a file that git does not know may get another one.
  const isGit = workspace.isTracked(found) === true && !/^(S3|CODEPIPELINE)$/.test(project.source?.type ?? "");
  const isSure = isGit && !command.followsUnknown;
  const interpreter = interpreterOf(workspace.readText(found));
  const edit = interpreter === undefined ? {} : runWith(context, use.word, interpreter);
  const commit = `git update-index --chmod=+x ${found}`;
  return {
    severity: isSure ? severityFor(context, command, path) : "warning",
    message: `\`${use.path}\` is not executable${isGit ? " (committed mode 100644)" : ""}`,
    span: spanOf(lookup),
    why: `the shell answers \`Permission denied\`, exit status 126; \`${commit}\` makes it executable in the repository`,
    fix: edit.fix ?? { kind: "command", title: "make it executable in the repository", commands: [commit] },
  };
}

/** Writes the interpreter before the path. */
function runWith(
  { file }: CheckContext,
  { span, hasExpansion }: ShellWord,
  interpreter: string,
): { readonly fix?: Fix } {
  if (!span || hasExpansion) return {};
  const { startOffset } = span;
  const edits = [{ file, startOffset, endOffset: startOffset, newText: `${interpreter} ` }];
  return { fix: { kind: "edit", title: `run it with \`${interpreter}\``, edits } };
}

/** An earlier command gives modes: `chmod +x build.sh`, `chmod -R`, `git config core.fileMode`, `dos2unix`. */
function changesModes(context: CheckContext, until: ShellCommand): boolean {
  for (const command of context.shell.everyCommand) {
    if (command === until) return false;
    if (command.name === "chmod" || command.name === "install") return true;
    if (command.args.some(({ text }) => text === "chmod" || text?.startsWith("--chmod"))) return true;
  }
  return false;
}

/** What runs the script: its first line names it, and the image certainly has it. */
function interpreterOf(text: string | undefined): string | undefined {
  const [, program, argument, more] =
    /^#!\s*(?:\/usr)?\/(?:local\/)?bin\/(\w+)(?:[ \t]+(\S+))?([ \t]+\S+)?[ \t]*\r?(?:\n|$)/.exec(text ?? "") ?? [];
  const name = program === "env" ? argument : argument === undefined ? program : undefined;
  return name !== undefined && more === undefined && /^(sh|bash|python3|node|ruby)$/.test(name) ? name : undefined;
}
