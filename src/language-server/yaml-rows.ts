/**
 * A tolerant outline of a YAML text: which keys and list items there are, which is in which, and which stretches are no
 * outline (block scalars, texts in quotes, flow collections). Works by indentation alone, so that a line that is being
 * typed, or one that is plainly wrong, disturbs nothing but itself. Read by place.ts.
 * Source: https://yaml.org/spec/1.2.2/ chapters 6 to 8. Gaps: explicit keys (`? `), anchors and tags are passed over.
 */

export interface Row {
  readonly kind: "key" | "item";
  /** Of the key or the dash, from 0. */
  readonly column: number;
  /** The key's text without quotes; empty for an item. */
  readonly key: string;
  readonly startOffset: number;
  /** After the colon, or after the dash. */
  readonly endOffset: number;
  /** A text stands on the same line, so that nothing can be in this row. */
  readonly hasText: boolean;
  readonly parent: Row | undefined;
}

/** A stretch of text that belongs to one row, or to none (a text in JSON). */
export interface Region {
  readonly kind: "block" | "quoted" | "flow";
  readonly owner: Row | undefined;
  readonly startOffset: number;
  /** After the last character. */
  readonly endOffset: number;
}

export interface Outline {
  readonly rows: readonly Row[];
  readonly regions: readonly Region[];
}

const KEY =
  /^("(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|[^\s#'"[\]{}&*!|>%@`,?:-](?:[^\s:#]|:(?=\S)|[^\S\n]+(?![#:\s])|(?<=\S)#)*|-(?=\S)[^\s:]*)[^\S\n]*:(?=\s|$)/;

export function outlineOf(text: string): Outline {
  const rows: Row[] = [];
  const regions: Region[] = [];
  let offset = text.startsWith("\uFEFF") ? 1 : 0;
  while (offset < text.length) {
    const lineStart = offset;
    const lineEnd = endOfLine(text, lineStart);
    let at = lineStart + spacesAt(text, lineStart);
    let owner: Row | undefined;
    for (;;) {
      const dash = /^-(?=\s|$)/.test(text.slice(at, Math.min(at + 2, lineEnd)));
      const key = dash ? null : KEY.exec(text.slice(at, lineEnd));
      if (!dash && !key) break;
      const end = at + (key ? key[0].length : 1);
      const next = end + spacesAt(text, end);
      const rest = text.slice(next, lineEnd).trimEnd();
      const startsRow = dash && (/^-(?:\s|$)/.test(rest) || KEY.test(rest));
      const column = at - lineStart;
      const row: Row = {
        kind: key ? "key" : "item",
        column,
        key: key ? unquoted(key[1] ?? "") : "",
        startOffset: at,
        endOffset: end,
        hasText: rest !== "" && !rest.startsWith("#") && !startsRow && !/^[&!]\S*$/.test(rest),
        parent: parentFor(rows.at(-1), key ? "key" : "item", column),
      };
      rows.push(row);
      owner = row;
      at = next;
      if (key) break;
    }
    const region = regionAt(text, at, lineEnd, owner);
    if (region) regions.push(region);
    offset = region ? Math.max(endOfLine(text, region.endOffset), lineEnd) + 1 : lineEnd + 1;
    if (region?.kind === "block") offset = Math.max(region.endOffset, lineEnd + 1);
  }
  return { rows, regions };
}

/** The row that something at `column` on a line after `last` is in. */
export function parentFor(last: Row | undefined, kind: Row["kind"], column: number): Row | undefined {
  for (let row = last; row; row = row.parent) {
    // AWS's own examples indent a list no further than its key; YAML allows it.
    const isOpen = row.column < column || (kind === "item" && row.kind === "key" && row.column === column);
    if (isOpen && !row.hasText) return row;
  }
  return undefined;
}

/** Keys from the top to the row; `[]` for an item of a list. */
export function pathOf(row: Row | undefined): string[] {
  const path: string[] = [];
  for (let at = row; at; at = at.parent) path.unshift(at.kind === "item" ? "[]" : at.key);
  return path;
}

function regionAt(text: string, at: number, lineEnd: number, owner: Row | undefined): Region | undefined {
  const skipped = /^(?:[&!]\S*[^\S\n]+)*/.exec(text.slice(at, lineEnd))?.[0].length ?? 0;
  const start = at + skipped;
  const value = text.slice(start, lineEnd);
  if (/^[|>][-+0-9]*[^\S\n]*(?:#.*)?\r?$/.test(value)) {
    return { kind: "block", owner, startOffset: lineEnd + 1, endOffset: endOfBlock(text, lineEnd + 1, owner) };
  }
  const first = value[0];
  if (first === '"' || first === "'") {
    return { kind: "quoted", owner, startOffset: start, endOffset: endOfQuoted(text, start, owner) };
  }
  if (first === "{" || first === "[") {
    return { kind: "flow", owner, startOffset: start, endOffset: endOfFlow(text, start, owner) };
  }
  return undefined;
}

/** Lines that are indented further than the row that holds the text, and empty ones between them. */
function endOfBlock(text: string, from: number, owner: Row | undefined): number {
  const column = owner?.column ?? -1;
  let end = from;
  for (let at = from; at < text.length; ) {
    const lineEnd = endOfLine(text, at);
    const indent = spacesAt(text, at);
    const isBlank = text.slice(at, lineEnd).trim() === "";
    if (!isBlank && indent <= column) break;
    if (!isBlank) end = Math.min(lineEnd + 1, text.length);
    at = lineEnd + 1;
  }
  return Math.max(end, Math.min(from, text.length));
}

/** After the closing quote; a quote that is never closed ends where the outline goes on further left. */
function endOfQuoted(text: string, start: number, owner: Row | undefined): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && quote === '"') at++;
    else if (character === quote) {
      if (quote === "'" && text[at + 1] === "'") at++;
      else return at + 1;
    } else if (character === "\n" && leavesOwner(text, at + 1, owner)) return at;
  }
  return text.length;
}

/** After the bracket that closes the first; one that is never closed ends where the outline goes on further left. */
function endOfFlow(text: string, start: number, owner: Row | undefined): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"' || character === "'") {
      if (/[\s,:[{]/.test(text[at - 1] ?? " ")) at = endOfQuoted(text, at, owner) - 1;
    } else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      depth--;
      if (depth === 0) return at + 1;
    } else if (character === "\n" && owner && leavesOwner(text, at + 1, owner)) return at;
  }
  return text.length;
}

function leavesOwner(text: string, lineStart: number, owner: Row | undefined): boolean {
  const lineEnd = endOfLine(text, lineStart);
  if (!owner || text.slice(lineStart, lineEnd).trim() === "") return false;
  return spacesAt(text, lineStart) <= owner.column && !/^\s*[\]}]/.test(text.slice(lineStart, lineEnd));
}

const spacesAt = (text: string, offset: number): number => {
  let count = 0;
  while (text[offset + count] === " " || text[offset + count] === "\t") count++;
  return count;
};

export const endOfLine = (text: string, offset: number): number => {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
};

function unquoted(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1).replaceAll("''", "'");
  return key.startsWith('"') ? key.slice(1, -1).replace(/\\(.)/g, "$1") : key.trim();
}
