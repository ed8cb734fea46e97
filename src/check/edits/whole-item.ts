/** Edits of a command that is a list item of its own, so that nothing else of the item is touched. */
import type { Fix } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

/** Replaces the item's text; undefined unless it stands in one line as it will run. */
export function replaceItem(
  context: CheckContext,
  command: ShellCommand,
  newText: string,
  title: string,
): Fix | undefined {
  const { span, value } = command.within;
  if (command.script || context.text.slice(span.startOffset, span.endOffset) !== value || value.includes("\n"))
    return undefined;
  if (!isPlainScalar(newText)) return undefined;
  return {
    kind: "edit",
    title,
    edits: [{ file: context.file, startOffset: span.startOffset, endOffset: span.endOffset, newText }],
  };
}

/** A list item in front of the command's, when the list is in block style. */
export function insertItemBefore(
  context: CheckContext,
  command: ShellCommand,
  text: string,
  title: string,
): Fix | undefined {
  const lineStart = context.text.lastIndexOf("\n", command.within.span.startOffset - 1) + 1;
  const lead = context.text.slice(lineStart, command.within.span.startOffset);
  if (!/^\s*-\s+$/.test(lead) || !isPlainScalar(text)) return undefined;
  const newline = context.text.includes("\r\n") ? "\r\n" : "\n";
  return {
    kind: "edit",
    title,
    edits: [{ file: context.file, startOffset: lineStart, endOffset: lineStart, newText: `${lead}${text}${newline}` }],
  };
}

/** May the text stand in YAML without quotes, as one string? */
export const isPlainScalar = (text: string): boolean =>
  !/: |:$| #|^[\s\-?:,[\]{}#&*!|>'"%@`]|\s$|\n/.test(text) && text !== "";
