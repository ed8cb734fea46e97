/**
 * Where each statement of a policy document stands in its text, as the simulator reports it: 1-based lines, and columns
 * that point just behind the statement's opening and closing brace.
 * Source: a response recorded on AWS in April 2025 (one-line document of 113 characters: columns 41 and 113).
 */

export interface StatementPosition {
  readonly start: { readonly Line: number; readonly Column: number };
  readonly end: { readonly Line: number; readonly Column: number };
}

/** Positions by statement index. `text` is valid JSON. */
export function statementPositions(text: string): StatementPosition[] {
  const found: StatementPosition[] = [];
  let depth = 0;
  let key = "";
  let statementDepth: number | undefined;
  let startOffset = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && /^\s*:/.test(text.slice(end + 1))) key = JSON.parse(text.slice(at, end + 1)) as string;
      at = end;
    } else if (character === "{" || character === "[") {
      depth++;
      if (depth === 2 && key === "Statement") statementDepth = character === "{" ? 2 : 3;
      if (character === "{" && depth === statementDepth) startOffset = at;
    } else if (character === "}" || character === "]") {
      if (character === "}" && depth === statementDepth) {
        found.push({ start: positionBehind(text, startOffset), end: positionBehind(text, at) });
      }
      depth--;
      if (depth === 1) statementDepth = undefined;
    }
  }
  return found;
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function positionBehind(text: string, offset: number): StatementPosition["start"] {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { Line: before.split("\n").length, Column: offset - lineStart + 2 };
}
