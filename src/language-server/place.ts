/**
 * What a cursor in a buildspec points at: the path of keys it is under, and whether something is to be written in that
 * mapping or list, or is the text of a value. Needs no valid YAML (yaml-rows.ts), so it answers while a line is typed.
 */
import { endOfLine, type Outline, outlineOf, parentFor, pathOf, type Region, type Row } from "./yaml-rows.ts";

export interface Place {
  /** `inside`: a key, or an item, of what is at `path`. `value`: the text of what is at `path`. */
  readonly position: "inside" | "value";
  /** Keys from the top; `[]` for an item of a list. */
  readonly path: readonly string[];
  /** What is written there already: from here to `endOffset`; completion replaces it. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Keys that stand in the same mapping. */
  readonly siblings: ReadonlySet<string>;
  /** Column of what is at `startOffset`, from 0. */
  readonly column: number;
  readonly isFlow: boolean;
  /** In a block scalar (`|`, `>`). */
  readonly isBlock: boolean;
  readonly quote: '"' | "'" | undefined;
  /** A colon follows already. */
  readonly hasColon: boolean;
}

/** Undefined in a comment. */
export function placeAt(text: string, offset: number, outline: Outline = outlineOf(text)): Place | undefined {
  const lineStart = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = endOfLine(text, offset);
  const region = regionAround(text, offset, lineStart, lineEnd, outline.regions);
  if (region?.kind === "flow") return placeInFlow(text, offset, region);
  if (region) return placeInText(text, offset, region);
  if (isInComment(text.slice(lineStart, offset))) return undefined;

  const before = outline.rows.filter((row) => row.startOffset < lineStart);
  const here = outline.rows.filter((row) => row.startOffset >= lineStart && row.startOffset < lineEnd);
  const key = here.find((row) => row.kind === "key");
  const left = here.filter((row) => row.endOffset <= offset).at(-1);
  if (key && offset > key.endOffset - 1) return valuePlace(text, offset, key, lineEnd);
  if (key && offset >= key.startOffset) return insidePlace(text, key.parent, key.startOffset, key.column, outline, key);
  const content = lineStart + (/^[^\S\n]*/.exec(text.slice(lineStart, lineEnd))?.[0].length ?? 0);
  if (left) return valuePlace(text, offset, left, lineEnd);
  // No key and no dash before the cursor: a word that is being typed, or an empty line.
  const start = Math.min(content, offset);
  const column = start - lineStart;
  return insidePlace(text, parentFor(before.at(-1), "key", column), start, column, outline, undefined);
}

/** Something to be written in `parent`'s mapping or list; `own` is the row that it is, when it is one already. */
function insidePlace(
  text: string,
  parent: Row | undefined,
  startOffset: number,
  column: number,
  { rows }: Outline,
  own: Row | undefined,
): Place {
  const lineEnd = endOfLine(text, startOffset);
  const word = /^(?:"[^"\n]*"?|'[^'\n]*'?|[^\s:#]*)/.exec(text.slice(startOffset, lineEnd))?.[0] ?? "";
  const endOffset = startOffset + word.length;
  return {
    position: "inside",
    path: pathOf(parent),
    startOffset,
    endOffset,
    siblings: new Set(rows.filter((row) => row.parent === parent && row !== own && row.kind === "key").map(keyOf)),
    column,
    isFlow: false,
    isBlock: false,
    quote: undefined,
    hasColon: /^[^\S\n]*:/.test(text.slice(endOffset, lineEnd)),
  };
}

const keyOf = ({ key }: Row): string => key;

/** After a key's colon or a dash, on the same line. */
function valuePlace(text: string, offset: number, row: Row, lineEnd: number): Place {
  const rest = text.slice(row.endOffset, lineEnd);
  const gap = /^[^\S\n]*/.exec(rest)?.[0].length ?? 0;
  const startOffset = Math.min(row.endOffset + gap, Math.max(offset, row.endOffset));
  const value = text
    .slice(startOffset, lineEnd)
    .replace(/(?:^|\s)#.*$/, "")
    .trimEnd();
  const lineStart = text.lastIndexOf("\n", row.startOffset) + 1;
  return {
    position: "value",
    path: pathOf(row),
    startOffset,
    endOffset: Math.max(startOffset + value.length, offset),
    siblings: new Set(),
    column: startOffset - lineStart,
    isFlow: false,
    isBlock: false,
    quote: undefined,
    hasColon: false,
  };
}

/** In quotes, or in a block scalar. */
function placeInText(text: string, offset: number, region: Region): Place {
  const isBlock = region.kind === "block";
  const quote = isBlock ? undefined : (text[region.startOffset] as '"' | "'");
  const isClosed = !isBlock && region.endOffset - 1 > region.startOffset && text[region.endOffset - 1] === quote;
  return {
    position: "value",
    path: pathOf(region.owner),
    startOffset: isBlock ? offset : region.startOffset + 1,
    endOffset: isBlock ? offset : Math.max(isClosed ? region.endOffset - 1 : region.endOffset, region.startOffset + 1),
    siblings: new Set(),
    column: 0,
    isFlow: false,
    isBlock,
    quote,
    hasColon: false,
  };
}

interface Level {
  readonly isMap: boolean;
  readonly keys: Set<string>;
  /** The key whose value is being read. */
  key: string | undefined;
}

/** Between brackets: the levels that are open where the cursor is. */
function placeInFlow(text: string, offset: number, region: Region): Place | undefined {
  const levels: Level[] = [];
  let tokenStart = region.startOffset;
  let quote: '"' | "'" | undefined;
  const token = (end: number): string => text.slice(tokenStart, end).trim();
  for (let at = region.startOffset; at < offset; at++) {
    const character = text[at] ?? "";
    const top = levels.at(-1);
    if (quote) {
      if (character === "\\" && quote === '"') at++;
      else if (character === quote) quote = undefined;
    } else if ((character === '"' || character === "'") && token(at) === "") quote = character;
    else if (character === "#" && /\s/.test(text[at - 1] ?? "")) {
      if (endOfLine(text, at) >= offset) return undefined;
      at = endOfLine(text, at);
    } else if (character === "{" || character === "[") {
      levels.push({ isMap: character === "{", keys: new Set(), key: undefined });
      tokenStart = at + 1;
    } else if (character === "}" || character === "]") {
      levels.pop();
      tokenStart = at + 1;
    } else if (character === ",") {
      if (top) top.key = undefined;
      tokenStart = at + 1;
    } else if (character === ":" && top?.isMap && top.key === undefined && /[\s"'[{]|^$/.test(text[at + 1] ?? "")) {
      top.key = bare(token(at));
      top.keys.add(top.key);
      tokenStart = at + 1;
    }
  }
  const top = levels.at(-1);
  if (!top) return undefined;
  const lead = /^\s*["']?/.exec(text.slice(tokenStart, offset))?.[0].length ?? 0;
  const startOffset = tokenStart + lead;
  const after = /^[^\s,:\]}"']*/.exec(text.slice(offset))?.[0].length ?? 0;
  const isInside = top.isMap && top.key === undefined;
  const own = levels.map(({ isMap, key }) => (isMap ? key : "[]")).filter((step) => step !== undefined);
  const endOffset = offset + after;
  return {
    position: isInside ? "inside" : "value",
    path: [...pathOf(region.owner), ...own],
    startOffset,
    endOffset,
    siblings: top.keys,
    column: 0,
    isFlow: true,
    isBlock: false,
    quote,
    hasColon: /^["']?\s*:/.test(text.slice(endOffset)),
  };
}

const bare = (token: string): string => token.replace(/^(["'])([\s\S]*)\1$/, "$2");

/** The region that the cursor is in; on an empty line after a block it depends on how far in it stands. */
function regionAround(
  text: string,
  offset: number,
  lineStart: number,
  lineEnd: number,
  regions: readonly Region[],
): Region | undefined {
  const isBlank = text.slice(lineStart, lineEnd).trim() === "";
  return regions.find(({ kind, startOffset, endOffset, owner }, index) => {
    if (kind === "flow") return offset > startOffset && offset < endOffset + (isOpen(text, endOffset) ? 1 : 0);
    if (kind === "quoted")
      return offset > startOffset && (offset < endOffset || isOpenQuote(text, startOffset, endOffset));
    if (offset < startOffset) return false;
    const isLast = !regions.some((other, at) => at > index && other.startOffset <= offset);
    if (isBlank) {
      const isBeforeNext = text.slice(endOffset, offset).trim() === "" || offset <= endOffset;
      return isLast && isBeforeNext && offset - lineStart > (owner?.column ?? -1);
    }
    return offset < endOffset || (offset === endOffset && endOffset === text.length && !text.endsWith("\n"));
  });
}

/** The text ends before the bracket was closed. */
const isOpen = (text: string, endOffset: number): boolean => !/[\]}]/.test(text[endOffset - 1] ?? "");

const isOpenQuote = (text: string, startOffset: number, endOffset: number): boolean =>
  endOffset - 1 === startOffset || text[endOffset - 1] !== text[startOffset];

/** A `#` at the start or after a space, outside quotes. */
function isInComment(before: string): boolean {
  return /(?:^|\s)#/.test(before.replace(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/g, (quoted) => "x".repeat(quoted.length)));
}
