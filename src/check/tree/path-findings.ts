/** What findings about paths have in common: where the command runs, how sure one can be, and the edit that puts another path in. */
import { posix } from "node:path";
import type { Fix, Span } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import { nearestPath, type PathGuess } from "./nearest-path.ts";
import type { PathLookup } from "./path-lookup.ts";
import { sourceRootsOf } from "./source-paths.ts";

export const here = ({ directory }: ShellCommand): string =>
  directory === undefined || directory === "" ? "the source's root" : `\`${directory}\``;

/** A path as the command would write it. */
export const fromHere = ({ directory }: ShellCommand, path: string): string =>
  directory === undefined || directory === "" ? path : posix.relative(`/${directory}`, `/${path}`) || ".";

/** The sentence about what happens then. */
export const failsThere = (command: ShellCommand, user: string): string => {
  // A redirection is opened by the shell, before the program starts.
  const what = user === "<" ? `the shell looks for it in ${here(command)}` : `\`${user}\` runs in ${here(command)}`;
  return command.isStatusIgnored
    ? `${what} and fails; the script goes on without it`
    : `${what} and fails, and with it ${command.phase.toUpperCase()}`;
};

/**
 * Is it certain which folder is the source's root? Yes where the buildspec stands at it, or the path is wrong wherever
 * the root is.
 */
export function isRootCertain(context: CheckContext, path: string): boolean {
  if (sourceRootsOf(context.file).length === 1) return true;
  // Below some folder the path is right: that folder may be the root of what CodeBuild gets.
  if (context.workspace.files().some((file) => `/${file}`.includes(`/${path}`))) return false;
  return (
    nearestPath(context.workspace, path, "file") !== undefined ||
    nearestPath(context.workspace, path, "directory") !== undefined
  );
}

/** An error only when the command certainly fails the build. */
export const severityFor = (context: CheckContext, command: ShellCommand, path: string): "error" | "warning" =>
  command.isStatusIgnored || !isRootCertain(context, path) ? "warning" : "error";

export const spanOf = ({ command, use }: Pick<PathLookup, "command" | "use">): Span => use.word.span ?? command.span;

/** Replaces `written` in the word, when it stands in the file as written. */
export function wordEdit(
  context: CheckContext,
  word: ShellWord,
  written: string,
  newText: string,
): { readonly fix?: Fix } {
  const { span } = word;
  if (!span || word.hasExpansion || !/^[A-Za-z0-9_./@+=:-]+$/.test(newText)) return {};
  const at = context.text.slice(span.startOffset, span.endOffset).lastIndexOf(written);
  if (at === -1) return {};
  const startOffset = span.startOffset + at;
  return {
    fix: {
      kind: "edit",
      title: `use \`${newText}\``,
      edits: [{ file: context.file, startOffset, endOffset: startOffset + written.length, newText }],
    },
  };
}

/** Puts the guess in, as a path from where the command runs, when there is one best guess. */
export function pathEdit(
  context: CheckContext,
  { command, use }: Pick<PathLookup, "command" | "use">,
  guess: PathGuess | undefined,
): { readonly fix?: Fix } {
  if (!guess?.isUnique || command.directory === undefined) return {};
  const relative = posix.relative(`/${command.directory}`, `/${guess.path}`) || ".";
  const slash = use.path.endsWith("/") && relative !== "." ? "/" : "";
  const dot = use.path.startsWith("./") && !relative.startsWith(".") ? "./" : "";
  return wordEdit(context, use.word, use.path, `${dot}${relative}${slash}`);
}
