/**
 * Where each statement of a policy document stands in its text, as the simulator reports it: 1-based lines and columns.
 * AWS: a statement starts where its parser stood before it: just behind the `[` of the list, just behind the statement
 * before it (so the comma is inside), or, when the document has one statement and no list, just behind its `{`. It ends
 * just behind its `}`.
 * Source: responses of AWS quoted in public, 2019 to 2026: a one-line document with one statement (columns 41 and 113), a
 * one-line list of two (38 to 248, 248 to 470), documents over several lines (3:17 to 8:6, 3:19 to 9:10).
 */

interface Position {
  readonly Line: number;
  readonly Column: number;
}

export interface StatementPosition {
  readonly start: Position;
  readonly end: Position;
}

/** Positions by statement index, in one pass. `text` is the JSON of a valid policy document. */
export function statementPositions(text: string): StatementPosition[] {
  let found: StatementPosition[] = [];
  let depth = 0;
  /** The next string is a key of the document itself. */
  let isKeyNext = false;
  let key = "";
  /** How deep the braces of statements are; undefined outside of `Statement`. */
  let statementDepth: number | undefined;
  let line = 1;
  let lineStart = 0;
  let start: Position = { Line: 1, Column: 1 };
  for (let at = 0; at < text.length; at++) {
    const behind = (): Position => ({ Line: line, Column: at - lineStart + 2 });
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at);
        if (isKeyNext) key = JSON.parse(text.slice(at, end + 1)) as string;
        isKeyNext = false;
        at = end;
        break;
      }
      case "{":
      case "[":
        depth++;
        if (depth === 2 && key === "Statement") {
          // invariant: of a repeated key the last counts, as in JSON.parse.
          found = [];
          statementDepth = text[at] === "{" ? 2 : 3;
          start = behind();
        }
        isKeyNext = depth === 1;
        break;
      case "}":
      case "]":
        if (text[at] === "}" && depth === statementDepth) {
          const end = behind();
          found.push({ start, end });
          start = end;
        }
        depth--;
        if (depth === 1) statementDepth = undefined;
        break;
      case ",":
        isKeyNext = depth === 1;
        break;
      case "\r":
        if (text[at + 1] === "\n") break;
        line++;
        lineStart = at + 1;
        break;
      case "\n":
        line++;
        lineStart = at + 1;
        break;
    }
  }
  return found;
}

/** Offset of the closing quote of the string that opens at `from`; line breaks cannot stand inside. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
