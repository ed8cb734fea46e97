/**
 * `# kiln-ignore rule/id: reason` in a buildspec: findings that somebody looked at and keeps. At the end of a line, or on
 * the line before, it covers what begins there: a command, a key, and with a key that opens a section all of the section.
 * `# kiln-ignore-file rule/id: reason` before the first key covers the whole check of this file, findings in other files too.
 * Several ids are separated by commas. A suppression that is not one (no reason, unknown id, nothing to suppress) is
 * a finding of `check/suppression`; without a reason nothing is suppressed. docs/checks.md, "Keeping a finding".
 */
import { isPair, type Node, type Pair, parseDocument, visit } from "yaml";
import type { Diagnostic, Span, TextEditFix } from "../core/diagnostics.ts";
import { nearest } from "../core/nearest.ts";
import { type Comment, commentsIn } from "./comments.ts";

/** A finding that a comment keeps out of the result. */
export interface SuppressedFinding {
  readonly diagnostic: Diagnostic;
  /** What the comment says after the ids. */
  readonly reason: string;
}

export interface SuppressionInput {
  readonly file: string;
  readonly text: string;
  /** Every id that a finding can have. */
  readonly ids: readonly string[];
  spanOf(startOffset: number, endOffset: number): Span;
  /** False for a check that was silent only because what it asks about is not known here. */
  couldFind(id: string): boolean;
}

export interface Suppressed {
  readonly diagnostics: readonly Diagnostic[];
  readonly suppressed: readonly SuppressedFinding[];
}

/** The id under which what is wrong with suppressions is reported; it cannot be suppressed. */
export const SUPPRESSION_ID = "check/suppression";

interface Directive {
  readonly comment: Comment;
  readonly isForFile: boolean;
  readonly ids: readonly { readonly id: string; readonly startOffset: number }[];
  readonly reason: string;
}

/** Takes the suppressed ones out of `diagnostics` and adds what is wrong with the suppressions. */
export function suppress(diagnostics: readonly Diagnostic[], input: SuppressionInput, source: string): Suppressed {
  if (!input.text.includes("kiln-")) return { diagnostics, suppressed: [] };
  const found: Diagnostic[] = [];
  const report = (message: string, startOffset: number, length: number, fix?: TextEditFix, why?: string): void => {
    found.push({
      code: SUPPRESSION_ID,
      severity: "warning",
      message,
      span: input.spanOf(startOffset, startOffset + length),
      ...(why !== undefined && { why }),
      ...(fix && { fix }),
      source,
    });
  };
  const kept = new Set(diagnostics);
  const suppressed: SuppressedFinding[] = [];
  let extents: ReadonlyMap<number, number> | undefined;
  for (const directive of directivesIn(input, report)) {
    extents ??= extentsIn(input.text);
    const scope = directive.isForFile ? undefined : scopeOf(directive.comment, input.text, extents);
    const unused: Directive["ids"][number][] = [];
    for (const each of directive.ids) {
      const hits = diagnostics.filter(({ code, span }) => code === each.id && isIn(scope, span, input.file));
      for (const diagnostic of hits) {
        if (kept.delete(diagnostic)) suppressed.push({ diagnostic, reason: directive.reason });
      }
      if (hits.length === 0 && input.couldFind(each.id)) unused.push(each);
    }
    for (const { id, startOffset } of unused) {
      const fix = unused.length === directive.ids.length ? withoutComment(directive.comment, input) : undefined;
      report(`\`${id}\` is suppressed here and not found here`, startOffset, id.length, fix);
    }
  }
  return { diagnostics: [...kept, ...found], suppressed };
}

type Report = (message: string, startOffset: number, length: number, fix?: TextEditFix, why?: string) => void;

const EXPECTED = "expected `# kiln-ignore rule/id: reason`";

function* directivesIn(input: SuppressionInput, report: Report): Iterable<Directive> {
  const firstKey = /^(?:\uFEFF?(?:[ \t]*(?:#.*)?|%.*|---[ \t]*(?:#.*)?)\r?\n)*/.exec(input.text)?.[0].length ?? 0;
  for (const comment of commentsIn(input.text)) {
    const { startOffset, endOffset } = comment;
    const text = input.text.slice(startOffset, endOffset);
    const [head, keyword = ""] = /^#+[ \t]*(kiln-(?:ignore|disable|suppress)[A-Za-z-]*)/.exec(text) ?? [];
    if (head === undefined) continue;
    const keywordOffset = startOffset + head.length - keyword.length;
    if (keyword !== "kiln-ignore" && keyword !== "kiln-ignore-file") {
      report(
        `\`${keyword}\` is unknown, expected \`kiln-ignore\` or \`kiln-ignore-file\``,
        keywordOffset,
        keyword.length,
      );
      continue;
    }
    const [, list = "", reason = ""] = /^([^:]*)(?::([\s\S]*))?$/.exec(text.slice(head.length)) ?? [];
    const listOffset = startOffset + head.length;
    const words = [...list.matchAll(/[^\s,]+/g)].map((match) => ({
      id: match[0],
      startOffset: listOffset + match.index,
    }));
    const named = words.filter(({ id }) => id.includes("/"));
    if (reason.trim() === "") {
      report(`the suppression has no reason, ${EXPECTED}`, startOffset, endOffset - startOffset, undefined, UNUSED);
      continue;
    }
    if (words.length === 0) {
      report(`the suppression names no check, ${EXPECTED}`, startOffset, endOffset - startOffset, undefined, UNUSED);
      continue;
    }
    const isForFile = keyword === "kiln-ignore-file";
    if (isForFile && startOffset >= firstKey) {
      report(
        "`kiln-ignore-file` stands below the first key, expected at the top of the file",
        keywordOffset,
        keyword.length,
        undefined,
        UNUSED,
      );
      continue;
    }
    const known = named.filter(({ id }) => id !== SUPPRESSION_ID && input.ids.includes(id));
    for (const word of words) {
      if (known.includes(word)) continue;
      if (word.id === SUPPRESSION_ID)
        report(`\`${SUPPRESSION_ID}\` cannot be suppressed`, word.startOffset, word.id.length);
      else reportUnknown(word, input, report);
    }
    yield { comment, isForFile, ids: known, reason: reason.trim() };
  }
}

const UNUSED = "nothing is suppressed by it";

function reportUnknown({ id, startOffset }: Directive["ids"][number], input: SuppressionInput, report: Report): void {
  const guess = nearest(id, input.ids) ?? input.ids.find((known) => known.endsWith(`/${id}`));
  const edits = [{ file: input.file, startOffset, endOffset: startOffset + id.length, newText: guess ?? "" }];
  report(
    `there is no check \`${id}\`${guess === undefined ? "; `kiln check --list` lists them" : `; did you mean \`${guess}\`?`}`,
    startOffset,
    id.length,
    guess === undefined ? undefined : { kind: "edit", title: `write \`${guess}\``, edits },
  );
}

interface Scope {
  readonly start: number;
  readonly end: number;
}

/** A finding belongs to the scope it begins in; those without a place, or in another file, only to the whole file. */
function isIn(scope: Scope | undefined, span: Span | undefined, file: string): boolean {
  if (!scope) return true;
  return span !== undefined && span.file === file && span.startOffset >= scope.start && span.startOffset <= scope.end;
}

function scopeOf(comment: Comment, text: string, extents: ReadonlyMap<number, number>): Scope {
  const start = lineStartOf(text, comment.startOffset);
  const isAlone = text.slice(start, comment.startOffset).replace("\uFEFF", "").trim() === "";
  let at = start;
  if (isAlone) {
    // The next line that says something: other comments and empty lines may stand between.
    do at = nextLineOf(text, at);
    while (at < text.length && /^[ \t]*(?:#.*)?\r?$/.test(lineAt(text, at)));
  }
  if (!comment.isInScript) return { start, end: Math.max(endOfLine(text, at), extents.get(at) ?? 0) };
  let end = at;
  while (/\\\r?$/.test(lineAt(text, end)) && nextLineOf(text, end) < text.length) end = nextLineOf(text, end);
  return { start, end: endOfLine(text, end) };
}

/** Start of a line → end of the widest key or list item that begins in it. */
function extentsIn(text: string): ReadonlyMap<number, number> {
  const extents = new Map<number, number>();
  const note = (start: number | undefined, end: number | undefined): void => {
    if (start === undefined || end === undefined) return;
    const line = lineStartOf(text, start);
    // A block's range goes on to the next key; what it says ends before that.
    extents.set(line, Math.max(extents.get(line) ?? 0, text.slice(0, end).trimEnd().length));
  };
  try {
    const document = parseDocument(text, {
      schema: "failsafe",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    visit(document, {
      Seq(_key, { items }) {
        for (const item of items as (Node | Pair | null)[]) {
          if (item && !isPair(item)) note(item.range?.[0], item.range?.[1]);
        }
      },
      Pair(_key, pair) {
        const key = pair.key as Node | null;
        const value = pair.value as Node | null;
        note(key?.range?.[0], value?.range?.[1] ?? key?.range?.[1]);
      },
    });
  } catch {
    // Nested too deeply to be read: a suppression covers its line alone.
  }
  return extents;
}

/** The edit that takes the comment away: with its line when it has the line for itself. */
function withoutComment(comment: Comment, { file, text }: SuppressionInput): TextEditFix | undefined {
  if (comment.isInScript) return undefined;
  const lineStart = lineStartOf(text, comment.startOffset);
  const before = text.slice(lineStart, comment.startOffset);
  const isAlone = before.trim() === "";
  const byteOrderMark = before.startsWith("\uFEFF") ? 1 : 0;
  const startOffset = isAlone ? lineStart + byteOrderMark : lineStart + before.trimEnd().length;
  const endOffset = isAlone ? nextLineOf(text, lineStart) : comment.endOffset;
  return { kind: "edit", title: "remove the comment", edits: [{ file, startOffset, endOffset, newText: "" }] };
}

const lineStartOf = (text: string, offset: number): number =>
  offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
}

const nextLineOf = (text: string, offset: number): number => Math.min(text.length, endOfLine(text, offset) + 1);

const lineAt = (text: string, offset: number): string => text.slice(offset, endOfLine(text, offset));
