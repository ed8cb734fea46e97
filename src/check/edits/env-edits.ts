/**
 * Edits of the `env` section that keep everything else as it stands: adding entries to `env.variables` and
 * `env.parameter-store`, or `env.shell`, creating the section when there is none. Only block style is edited; anything
 * else (flow mappings, anchors) gives undefined, and the finding then has no edit.
 */
import type { TextEditFix } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";

export type Edit = TextEditFix["edits"][number];

export interface EnvAdditions {
  /** Lines such as `NAME: value`, with their comments, without indentation. */
  readonly variables?: readonly string[];
  readonly "parameter-store"?: readonly string[];
  readonly shell?: string;
}

/** The lines of the text with their offsets; line 1 is index 0. */
export interface TextLines {
  readonly newline: string;
  at(line: number): { readonly text: string; readonly start: number; readonly end: number } | undefined;
  readonly count: number;
}

export function linesOf(text: string): TextLines {
  const lines: { text: string; start: number; end: number }[] = [];
  // A byte order mark is no part of the first line: it stays where it is.
  for (let start = text.startsWith("\uFEFF") ? 1 : 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline + 1;
    lines.push({ text: text.slice(start, end).replace(/\r?\n$/, ""), start, end });
    start = end;
  }
  return { newline: text.includes("\r\n") ? "\r\n" : "\n", at: (line) => lines[line - 1], count: lines.length };
}

export const indentOf = (line: string): number => /^ */.exec(line)?.[0].length ?? 0;
const isBlankOrComment = (line: string): boolean => /^\s*(#.*)?$/.test(line);

/**
 * Last line (1-based) of the block that `line` opens: everything indented deeper, trailing blanks and comments excluded.
 * `takesItems`: a list may stand at the indentation of its key.
 */
export function blockEnd(lines: TextLines, line: number, takesItems = false): number {
  const indent = indentOf(lines.at(line)?.text ?? "");
  let last = line;
  for (let at = line + 1; at <= lines.count; at++) {
    const text = lines.at(at)?.text ?? "";
    if (isBlankOrComment(text)) continue;
    const isItem = takesItems && indentOf(text) === indent && /^\s*-(?:\s|$)/.test(text);
    if (indentOf(text) <= indent && !isItem) break;
    last = at;
  }
  return last;
}

/** Indentation of the top-level keys: a buildspec copied out of a page is often indented as a whole. */
export function rootIndent(lines: TextLines): number {
  for (let at = 1; at <= lines.count; at++) {
    const text = lines.at(at)?.text ?? "";
    if (!isBlankOrComment(text) && !/^(---|%|\.\.\.)/.test(text)) return indentOf(text);
  }
  return 0;
}

/** Line of `key:` alone on its line at `indent`, between two lines. */
export function keyLine(lines: TextLines, key: string, indent: number, from: number, to: number): number | undefined {
  for (let at = from; at <= to; at++) {
    const text = lines.at(at)?.text ?? "";
    if (indentOf(text) === indent && text.slice(indent).startsWith(`${key}:`)) return at;
  }
  return undefined;
}

export function envEdits(context: CheckContext, additions: EnvAdditions): Edit[] | undefined {
  const lines = linesOf(context.text);
  const env = keyLine(lines, "env", rootIndent(lines), 1, lines.count);
  if (env === undefined) return newEnv(context, lines, additions);
  if (!isOpen(lines, env)) return undefined;
  const end = blockEnd(lines, env);
  const child = firstChildIndent(lines, env, end);
  const pad = " ".repeat(child);
  const step = " ".repeat(child - rootIndent(lines));
  const edits: Edit[] = [];
  const atEnd: string[] = [];
  for (const key of ["variables", "parameter-store"] as const) {
    const entries = additions[key] ?? [];
    if (entries.length === 0) continue;
    const line = keyLine(lines, key, child, env + 1, end);
    if (line === undefined) {
      atEnd.push(`${pad}${key}:`, ...entries.map((entry) => `${pad}${step}${entry}`));
      continue;
    }
    if (!isOpen(lines, line)) return undefined;
    const last = blockEnd(lines, line);
    const indent = last === line ? child + step.length : firstChildIndent(lines, line, last);
    edits.push(
      insertAfter(
        context,
        lines,
        last,
        entries.map((entry) => " ".repeat(indent) + entry),
      ),
    );
  }
  if (additions.shell !== undefined) {
    edits.push(insertAfter(context, lines, env, [`${pad}shell: ${additions.shell}`]));
  }
  if (atEnd.length > 0) {
    const insertion = insertAfter(context, lines, end, atEnd);
    const same = edits.find((edit) => edit.startOffset === insertion.startOffset);
    if (same) edits.splice(edits.indexOf(same), 1, { ...same, newText: same.newText + insertion.newText });
    else edits.push(insertion);
  }
  return edits;
}

/** `key:` with nothing after it but a comment. */
const isOpen = (lines: TextLines, line: number): boolean =>
  /^\s*[A-Za-z-]+:\s*(#.*)?$/.test(lines.at(line)?.text ?? "");

function firstChildIndent(lines: TextLines, parent: number, end: number): number {
  for (let at = parent + 1; at <= end; at++) {
    const text = lines.at(at)?.text ?? "";
    if (!isBlankOrComment(text)) return indentOf(text);
  }
  return indentOf(lines.at(parent)?.text ?? "") + 2;
}

function insertAfter(context: CheckContext, lines: TextLines, line: number, added: readonly string[]): Edit {
  const { end = context.text.length, start = 0 } = lines.at(line) ?? {};
  const endsWithNewline = context.text.slice(start, end).endsWith("\n");
  const text = added.map((entry) => entry + lines.newline).join("");
  return {
    file: context.file,
    startOffset: end,
    endOffset: end,
    newText: endsWithNewline ? text : lines.newline + text.slice(0, -lines.newline.length),
  };
}

/** A new `env:` in front of `phases:`. */
function newEnv(context: CheckContext, lines: TextLines, additions: EnvAdditions): Edit[] | undefined {
  const root = rootIndent(lines);
  const phases = keyLine(lines, "phases", root, 1, lines.count);
  if (phases === undefined || context.buildspec.env.span !== undefined) return undefined;
  const step = " ".repeat(firstChildIndent(lines, phases, blockEnd(lines, phases)) - root || 2);
  const added = ["env:"];
  if (additions.shell !== undefined) added.push(`${step}shell: ${additions.shell}`);
  for (const key of ["variables", "parameter-store"] as const) {
    const entries = additions[key] ?? [];
    if (entries.length > 0) added.push(`${step}${key}:`, ...entries.map((entry) => step + step + entry));
  }
  const start = lines.at(phases)?.start ?? 0;
  return [
    {
      file: context.file,
      startOffset: start,
      endOffset: start,
      newText: added.map((line) => " ".repeat(root) + line + lines.newline).join(""),
    },
  ];
}
