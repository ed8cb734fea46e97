/**
 * A key of the buildspec with everything below it, taken to the section it belongs to: the lines as they are, indented for
 * their new place. Only block style is moved, and only where the result parses, knows the key and says nothing new; anything
 * else gives undefined, and the finding then has no edit.
 */
import { type Located, type ParsedBuildspec, parseBuildspec } from "../../build/buildspec/index.ts";
import type { CheckContext } from "../rule.ts";
import { withEdits } from "./apply-fixes.ts";
import { blockEnd, type Edit, indentOf, linesOf, rootIndent, type TextLines } from "./env-edits.ts";

export interface Move {
  readonly edits: readonly Edit[];
  /** The section that is written with it, because it does not exist: two moves must not both write it. */
  readonly creates: string | undefined;
}

/** Where the block goes: the keys from the root, `[]` for the top level; sections that are missing are written. */
export function moveBlock(context: CheckContext, key: Located<string>, to: readonly string[]): Move | undefined {
  const lines = linesOf(context.text);
  const first = key.span.line;
  const line = lines.at(first)?.text ?? "";
  if (line.slice(0, key.span.column - 1).trim() !== "" || /\t/.test(/^\s*/.exec(line)?.[0] ?? "")) return undefined;
  const last = endOfBlock(lines, first);
  const place = placeFor(lines, to, first);
  if (!place) return undefined;
  const shift = place.indent - indentOf(line);
  const moved: string[] = [];
  for (let at = first; at <= last; at++) {
    const text = lines.at(at)?.text ?? "";
    if (text.trim() === "") moved.push("");
    else if (shift >= 0) moved.push(" ".repeat(shift) + text);
    else if (indentOf(text) >= -shift) moved.push(text.slice(-shift));
    else return undefined;
  }
  const from = lines.at(first)?.start ?? 0;
  const until = lines.at(last)?.end ?? from;
  const isInPlace = place.offset >= from && place.offset <= until;
  const newText = [...place.headings, ...moved].join(lines.newline) + lines.newline;
  const atEnd = place.offset === context.text.length && !context.text.endsWith("\n") ? lines.newline : "";
  const { file } = context;
  const edits: Edit[] = isInPlace
    ? [{ file, startOffset: from, endOffset: until, newText }]
    : [
        { file, startOffset: from, endOffset: until, newText: "" },
        { file, startOffset: place.offset, endOffset: place.offset, newText: atEnd + newText },
      ];
  if (!isBetter(context.parsed, parseBuildspec(withEdits(context.text, edits), file), key.value)) return undefined;
  return { edits, creates: place.headings.length > 0 ? to.join(".") : undefined };
}

interface Place {
  readonly offset: number;
  readonly indent: number;
  /** Keys to write before the block, because their sections do not exist. */
  readonly headings: readonly string[];
}

function placeFor(lines: TextLines, to: readonly string[], movedLine: number): Place | undefined {
  let parent = 0;
  let indent = rootIndent(lines);
  for (const [depth, name] of to.entries()) {
    const found = childNamed(lines, parent, indent, name);
    if (found === undefined) {
      const missing = to.slice(depth);
      const headings = missing.map((each, index) => `${" ".repeat(indent + 2 * index)}${each}:`);
      // A section that does not exist is made around the block, or before what its parent holds.
      const before = depth === 0 ? movedLine : parent + 1;
      const offset = lines.at(before)?.start;
      return offset === undefined ? undefined : { offset, indent: indent + 2 * missing.length, headings };
    }
    // Only `name:` with a block below it.
    if (!/:\s*(?:#.*)?$/.test(lines.at(found)?.text ?? "")) return undefined;
    const child = firstChild(lines, found);
    parent = found;
    indent = child === undefined ? indent + 2 : indentOf(lines.at(child)?.text ?? "");
  }
  const last = parent === 0 ? lines.count : endOfBlock(lines, parent);
  const line = lines.at(last);
  return line && { offset: line.end, indent, headings: [] };
}

function childNamed(lines: TextLines, parent: number, indent: number, name: string): number | undefined {
  const last = parent === 0 ? lines.count : endOfBlock(lines, parent);
  for (let at = parent + 1; at <= last; at++) {
    const text = lines.at(at)?.text ?? "";
    if (indentOf(text) === indent && new RegExp(`^["']?${name}["']?\\s*:`).test(text.trimStart())) return at;
  }
  return undefined;
}

function firstChild(lines: TextLines, parent: number): number | undefined {
  const last = endOfBlock(lines, parent);
  for (let at = parent + 1; at <= last; at++) if (!isBlank(lines.at(at)?.text ?? "")) return at;
  return undefined;
}

const isBlank = (line: string): boolean => /^\s*(?:#.*)?$/.test(line);

/** Last line of what `line` opens: what is indented deeper, and a list at its own indentation. */
const endOfBlock = (lines: TextLines, line: number): number => blockEnd(lines, line, true);

/** Nothing that was read is lost, the key is known now, and nothing new is wrong. */
function isBetter(before: ParsedBuildspec, after: ParsedBuildspec, key: string): boolean {
  if (after.isGuess || !after.buildspec || !before.buildspec) return false;
  if (after.failure && after.failure.message !== before.failure?.message) return false;
  if (after.diagnostics.length > before.diagnostics.length) return false;
  if (after.buildspec.batch?.failure && !before.buildspec.batch?.failure) return false;
  const unknown = ({ buildspec }: ParsedBuildspec) =>
    buildspec?.unknownKeys.flatMap(({ keys }) => keys.filter(({ value }) => value === key)).length ?? 0;
  const commands = ({ buildspec }: ParsedBuildspec) =>
    buildspec?.phases.reduce((sum, phase) => sum + phase.commands.length + phase.finally.length, 0) ?? 0;
  return unknown(after) < unknown(before) && commands(after) >= commands(before);
}
