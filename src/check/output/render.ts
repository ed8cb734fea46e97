/**
 * Findings for people: position, severity, code, the source line with a caret, why, fix, documentation.
 * Colour is added on top and never the only signal.
 */
import type { Diagnostic, Fix, Span } from "../../core/diagnostics.ts";
import { visibleLine, visibleText, visibleTexts } from "../../core/visible-text.ts";
import { applyFixes } from "../edits/apply-fixes.ts";
import { changedLines } from "./text-diff.ts";

export interface FrameOptions {
  /** Texts by file name, for the source lines; without one the frame has no source line. */
  readonly texts: ReadonlyMap<string, string>;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
  /** Edits as a diff below the fix. Default false. */
  readonly showsEdits?: boolean;
}

type Paint = Record<"error" | "warning" | "info" | "bold" | "dim" | "added" | "removed", (text: string) => string>;

const wrap = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;
const colors: Paint = {
  error: wrap(31, 39),
  warning: wrap(33, 39),
  info: wrap(36, 39),
  bold: wrap(1, 22),
  dim: wrap(2, 22),
  added: wrap(32, 39),
  removed: wrap(31, 39),
};
const same = (text: string): string => text;
const plain: Paint = { error: same, warning: same, info: same, bold: same, dim: same, added: same, removed: same };

/** All findings, a blank line between two, no line end at the end. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: FrameOptions): string {
  const shownEdits: ShownEdits = new Map();
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, options, shownEdits)).join("\n\n");
}

/** Where each edit was shown first: findings of one block share it, and the same lines four times say nothing more. */
type ShownEdits = Map<string, string>;

function renderDiagnostic(diagnostic: Diagnostic, options: FrameOptions, shownEdits: ShownEdits): string {
  const paint = options.color ? colors : plain;
  const { span, severity, code, message, why, fix, related, source } = visibleTexts(diagnostic);
  const lines = [
    `${span ? `${paint.bold(`${visibleLine(span.file)}:${span.line}:${span.column}`)}  ` : ""}${paint[severity](severity)}  ${code}`,
    `   ${paint.bold(message)}`,
  ];
  if (span)
    lines.push(
      ...frame(span, options.texts.get(diagnostic.span?.file ?? ""), (text) => paint[severity](text), paint.dim),
    );
  if (why) lines.push(`   ${why}`);
  for (const { span: at, message: note } of related ?? []) lines.push(`   ${at.file}:${at.line}:${at.column}: ${note}`);
  if (fix) lines.push(...fixLines(fix));
  if (fix && options.showsEdits) lines.push(...editLines(diagnostic, options.texts, paint, shownEdits));
  lines.push(`   ${paint.dim(source)}`);
  return lines.join("\n");
}

function frame(
  span: Span,
  text: string | undefined,
  mark: (text: string) => string,
  dim: (text: string) => string,
): string[] {
  const line = text?.split("\n")[span.line - 1]?.replace(/\r$/, "");
  if (line === undefined || span.startOffset === span.endOffset) return [];
  const number = String(span.line);
  const gutter = " ".repeat(number.length);
  const end = span.endLine === span.line ? span.endColumn : line.length + 1;
  const width = Math.max(1, Math.min(end, line.length + 1) - span.column);
  const part = partAround(line, span.column - 1, width);
  // A tab in front of the caret keeps its width only if the caret's line holds it too.
  const lead = part.text.slice(0, part.start).replace(/[^\t]/g, " ");
  return [
    `${gutter} ${dim("|")}`,
    `${number} ${dim("|")} ${visibleText(part.text)}`,
    `${gutter} ${dim("|")} ${lead}${mark("^".repeat(part.width))}`,
  ];
}

/** A longer line, such as a whole buildspec in JSON, is cut to this many characters around what is marked. */
const MAX_LINE_LENGTH = 200;
const LEAD_LENGTH = 60;

function partAround(line: string, start: number, width: number): { text: string; start: number; width: number } {
  if (line.length <= MAX_LINE_LENGTH) return { text: line, start, width };
  const from = Math.max(0, Math.min(start - LEAD_LENGTH, line.length - MAX_LINE_LENGTH));
  const to = from + MAX_LINE_LENGTH;
  const [before, after] = [from > 0 ? "…" : "", to < line.length ? "…" : ""];
  return {
    text: `${before}${line.slice(from, to)}${after}`,
    start: start - from + before.length,
    width: Math.max(1, Math.min(width, to - start)),
  };
}

function fixLines(fix: Fix): string[] {
  const [first, ...rest] = fix.title.split("\n");
  const lines = [`   fix: ${first}`, ...rest.map((line) => `        ${line}`)];
  if (fix.kind !== "edit") lines.push(...fix.commands.map((command) => `        ${command}`));
  return lines;
}

/** More changed lines than a reader compares at a glance: `--diff` shows them all. */
const MAX_EDIT_LINES = 12;

function editLines(
  diagnostic: Diagnostic,
  texts: FrameOptions["texts"],
  paint: Paint,
  shownEdits: ShownEdits,
): string[] {
  if (diagnostic.fix?.kind !== "edit") return [];
  const key = JSON.stringify(diagnostic.fix.edits);
  const shownAt = shownEdits.get(key);
  if (shownAt !== undefined) return [`      ${paint.dim(`(the edit shown at ${shownAt})`)}`];
  if (diagnostic.span) shownEdits.set(key, visibleLine(`${diagnostic.span.file}:${diagnostic.span.line}`));
  const lines = [...new Set(diagnostic.fix.edits.map(({ file }) => file))].flatMap((file) => {
    const text = texts.get(file);
    return text === undefined ? [] : changedLines(text, applyFixes(text, [diagnostic]).text);
  });
  const shown = lines.slice(0, MAX_EDIT_LINES).map((line) => {
    const color = line.startsWith("+") ? "added" : "removed";
    return `      ${paint[color](visibleText(line))}`;
  });
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, `      ${paint.dim(`… ${left} more lines: kiln check --diff`)}`] : shown;
}
