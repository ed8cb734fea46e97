/**
 * Programs that find no file of their own where they run: `go test` without go.mod, `terraform plan` without `.tf`. Mostly a
 * `cd` too few or too many. One finding a program and folder.
 */
import { posix } from "node:path";
import { type NeededFile, neededFile } from "../commands/needed-files.ts";
import { isSourceSettled } from "../commands/source-edits.ts";
import type { CheckContext, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { here, severityFor } from "../tree/path-findings.ts";
import { findPath, isMadeBefore, isSourceKnown, matchesOf, stateOf } from "../tree/path-lookup.ts";

export const filesNeededNotFound: Rule = {
  id: "files/needed-not-found",
  severity: "error",
  title: "a program without the file it reads where it runs",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  *run(context) {
    if (!isSourceKnown(context)) return;
    const seen = new Set<string>();
    for (const command of context.shell.commands) {
      const { directory } = command;
      if (command.isGuarded || !isSourceSettled(context, command) || directory === undefined) continue;
      const needed = neededFile(command);
      if (!needed || seen.has(`${directory} ${needed.answer}`)) continue;
      if (
        [...needed.files, ...needed.settings].some((file) =>
          mayBeThere(context, command, directory, file, needed.isAboveToo),
        )
      )
        continue;
      // A folder that the source does not have was made, with what is in it.
      if (directory !== "" && findPath(context, directory, { kind: "directory" }) === undefined) continue;
      seen.add(`${directory} ${needed.answer}`);
      const [first = ""] = needed.files;
      const guess = onlyOne(context, needed);
      yield {
        severity: command.followsUnknown ? "warning" : severityFor(context, command, posix.join(directory, first)),
        message: `there is no ${listed(needed.files)} in ${here(command)}${needed.isAboveToo ? " or above it" : ""}${guess === undefined ? "" : `; there is one in \`${guess}\``}`,
        span: command.span,
        why: `\`${needed.user}\` answers \`${needed.answer}\` and fails`,
      };
    }
  },
};

function mayBeThere(
  context: CheckContext,
  command: ShellCommand,
  directory: string,
  file: string,
  isAboveToo: boolean,
): boolean {
  for (let at = directory; ; at = posix.dirname(at).replace(/^\.$/, "")) {
    const path = posix.join(at, file);
    if (
      file.includes("*")
        ? matchesOf(context, path).length > 0
        : !/^(missing|doubtful)$/.test(stateOf(context, command, path, { kind: "file" }).state)
    )
      return true;
    if (isMadeBefore(command, file.includes("*") ? posix.join(at, "x") : path)) return true;
    if (!isAboveToo || at === "") return false;
  }
}

const listed = (files: readonly string[]): string =>
  files
    .slice(0, 3)
    .map((file) => `\`${file}\``)
    .join(" or ");

/** The folder that has such a file, when there is one only. */
function onlyOne(context: CheckContext, { files }: NeededFile): string | undefined {
  const names = files.filter((file) => !file.includes("*"));
  const endings = files.filter((file) => file.startsWith("*")).map((file) => file.slice(1));
  const folders = new Set(
    context.workspace
      .files()
      .filter((file) => names.includes(posix.basename(file)) || endings.some((ending) => file.endsWith(ending)))
      .map((file) => posix.dirname(file)),
  );
  const [only] = folders;
  return folders.size === 1 ? only : undefined;
}
