/**
 * The comments of a buildspec with their places: YAML's own (found by the YAML lexer, so `#` inside a quoted or plain
 * value is none), and the shell's inside a literal block, where a line that begins with `#` is a comment of the script.
 * Lines of a here-document in such a block are text for somebody else and no comments.
 * Sources: https://yaml.org/spec/1.2.2/#66-comments, POSIX shell 2.3 (token recognition).
 */
import { Lexer } from "yaml";

export interface Comment {
  /** Offset of its `#`. */
  readonly startOffset: number;
  /** Offset after its last character, without the line end. */
  readonly endOffset: number;
  /** Stands in the script of a block scalar. */
  readonly isInScript: boolean;
}

/** Tokens of the lexer that stand for no text: document, scalar, flow error end. */
const MARKS: ReadonlySet<string> = new Set(["\u0002", "\u001f", "\u0018"]);

/** All comments, in the order of the text. Never throws; a text that is not YAML gives what the lexer can tell. */
export function commentsIn(text: string): Comment[] {
  const comments: Comment[] = [];
  let offset = 0;
  let isScalar = false;
  let isBlock = false;
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) {
      isScalar = token === "\u001f";
      continue;
    }
    if (isScalar) {
      if (isBlock) comments.push(...scriptComments(token, offset));
      isBlock = false;
    } else if (token.startsWith("#")) {
      const endOffset = offset + token.trimEnd().length;
      comments.push({ startOffset: offset, endOffset, isInScript: false });
    } else if (/^[|>]/.test(token)) isBlock = true;
    isScalar = false;
    offset += token.length;
  }
  return comments;
}

function* scriptComments(script: string, start: number): Iterable<Comment> {
  let offset = start;
  let end: string | undefined;
  for (const line of script.split("\n")) {
    const code = line.replace(/\r$/, "");
    if (end !== undefined) {
      if (code.trim() === end) end = undefined;
    } else if (/^[ \t]*#/.test(code)) {
      const startOffset = offset + code.indexOf("#");
      yield { startOffset, endOffset: offset + code.trimEnd().length, isInScript: true };
    } else {
      end = /<<-?[ \t]*(["']?)([A-Za-z_][A-Za-z0-9_]*)\1/.exec(code)?.[2];
    }
    offset += line.length + 1;
  }
}
