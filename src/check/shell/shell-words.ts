/**
 * Words of shell commands with what is known of their value: literal text, values of known variables, and gaps for the
 * rest (command substitutions, unknown variables, globs). Nothing is ever executed.
 */
import { posix } from "node:path";
import type { Word, WordPart } from "unbash";

/** One piece of a word: text that is known, or a gap. `variable` names where it came from. */
export interface WordPiece {
  readonly text: string | undefined;
  readonly variable?: string;
  /** Inside quotes, so blanks and globs in it stay text. */
  readonly isQuoted: boolean;
  /** The text, or what stands for it: two pieces with the same symbol have the same value. */
  readonly symbol: string;
  /** It is a `$(…)`. */
  readonly isCommand?: true;
}

export interface WordValue {
  /** As written. */
  readonly source: string;
  readonly pieces: readonly WordPiece[];
  /** The whole value, when every piece is known. */
  readonly text: string | undefined;
  /** The symbols of the pieces: `$REG/app:1` and `${REG}/app:1` have the same, whatever `REG` is. */
  readonly symbol: string;
  /** Offsets in the command's text. */
  readonly pos: number;
  readonly end: number;
  readonly hasExpansion: boolean;
}

/** Values of variables at one moment; a name without a known value is absent, and may have a symbol. */
export interface KnownValues {
  readonly values: ReadonlyMap<string, string>;
  readonly symbols: ReadonlyMap<string, string>;
}

export function wordValue(word: Word, known: KnownValues): WordValue {
  const pieces: WordPiece[] = word.parts
    ? word.parts.flatMap((part) => piecesOf(part, known, false))
    : [{ text: word.value, symbol: word.value, isQuoted: word.text !== word.value }];
  const isKnown = pieces.every((piece) => piece.text !== undefined);
  if (isTooLong(pieces)) return unknownWord(word);
  return {
    source: word.text,
    pieces,
    text: isKnown ? pieces.map((piece) => piece.text).join("") : undefined,
    symbol: pieces.map((piece) => piece.symbol).join(""),
    pos: word.pos,
    end: word.end,
    hasExpansion: pieces.some((piece) => piece.variable !== undefined || piece.text === undefined),
  };
}

/** What variables may put into a word and stay known: `A=$A$A`, a few times over, would be longer than memory. */
export const MAX_EXPANDED = 16_384;

const isTooLong = (pieces: readonly WordPiece[]): boolean =>
  pieces.reduce((sum, { variable, symbol }) => (variable === undefined ? sum : sum + symbol.length), 0) > MAX_EXPANDED;

let unknowns = 0;

/** Equal to nothing else. */
function unknownWord({ text, pos, end }: Word): WordValue {
  unknowns += 1;
  const symbol = `\${too long ${unknowns}}`;
  const piece = { text: undefined, symbol, isQuoted: false };
  return { source: text, pieces: [piece], text: undefined, symbol, pos, end, hasExpansion: true };
}

function piecesOf(part: WordPart, known: KnownValues, isQuoted: boolean): WordPiece[] {
  switch (part.type) {
    case "Literal":
      return [{ text: part.value, symbol: part.value, isQuoted }];
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [{ text: part.value, symbol: part.value, isQuoted: true }];
    case "DoubleQuoted":
    case "LocaleString":
      return part.parts.length === 0
        ? [{ text: "", symbol: "", isQuoted: true }]
        : part.parts.flatMap((child) => piecesOf(child, known, true));
    case "SimpleExpansion":
      return [variablePiece(part.text.slice(1), known, isQuoted)];
    case "ParameterExpansion": {
      const variable = part.parameter;
      const plain = variablePiece(variable, known, isQuoted);
      if (part.prefix || part.index) return [{ text: undefined, symbol: part.text, variable, isQuoted }];
      if (!part.operation) return [plain];
      const isDefault = part.operation.type === "Default" && /^:?[-=?]$/.test(part.operation.operator);
      if (isDefault && plain.text) return [plain];
      const rest = part.text.slice(part.text.indexOf(variable) + variable.length);
      return [{ text: undefined, symbol: `\${${plain.symbol}${rest}`, variable, isQuoted }];
    }
    case "CommandExpansion": {
      const text = outputOf(part.text, known);
      return [{ text, symbol: text ?? part.text, isQuoted, isCommand: true }];
    }
    default:
      return [{ text: undefined, symbol: part.text, isQuoted }];
  }
}

function variablePiece(variable: string, { values, symbols }: KnownValues, isQuoted: boolean): WordPiece {
  const text = values.get(variable);
  return { text, symbol: text ?? symbols.get(variable) ?? `\${${variable}}`, variable, isQuoted };
}

/** What `$(pwd)` and `$(dirname "$0")` print. */
function outputOf(text: string, { values }: KnownValues): string | undefined {
  if (/^(\$\(\s*pwd\s*\)|`\s*pwd\s*`)$/.test(text)) return values.get("PWD");
  const isOwnFolder = /^(?:\$\(|`)\s*dirname\s+(?:--\s+)?"?\$\{?(?:0|BASH_SOURCE(?:\[0\])?)\}?"?\s*[)`]$/.test(text);
  const own = values.get("0");
  return isOwnFolder && own !== undefined ? posix.dirname(own) : undefined;
}
