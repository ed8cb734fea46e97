/**
 * Words of shell commands with what is known of their value: literal text, values of known variables, and gaps for the
 * rest (command substitutions, unknown variables, globs). Nothing is ever executed.
 */
import type { Word, WordPart } from "unbash";

/** One piece of a word: text that is known, or a gap. `variable` names where it came from. */
export interface WordPiece {
  readonly text: string | undefined;
  readonly variable?: string;
  /** Inside quotes, so blanks and globs in it stay text. */
  readonly isQuoted: boolean;
}

export interface WordValue {
  /** As written. */
  readonly source: string;
  readonly pieces: readonly WordPiece[];
  /** The whole value, when every piece is known. */
  readonly text: string | undefined;
  /** Offsets in the command's text. */
  readonly pos: number;
  readonly end: number;
  readonly hasExpansion: boolean;
}

/** Values of variables at one moment; a name without a known value is absent. */
export type KnownValues = ReadonlyMap<string, string>;

export function wordValue(word: Word, values: KnownValues): WordValue {
  const pieces = word.parts
    ? word.parts.flatMap((part) => piecesOf(part, values, false))
    : [{ text: word.value, isQuoted: word.text !== word.value }];
  const isKnown = pieces.every((piece) => piece.text !== undefined);
  return {
    source: word.text,
    pieces,
    text: isKnown ? pieces.map((piece) => piece.text).join("") : undefined,
    pos: word.pos,
    end: word.end,
    hasExpansion: pieces.some((piece) => piece.variable !== undefined || piece.text === undefined),
  };
}

function piecesOf(part: WordPart, values: KnownValues, isQuoted: boolean): WordPiece[] {
  switch (part.type) {
    case "Literal":
      return [{ text: part.value, isQuoted }];
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [{ text: part.value, isQuoted: true }];
    case "DoubleQuoted":
    case "LocaleString":
      return part.parts.length === 0
        ? [{ text: "", isQuoted: true }]
        : part.parts.flatMap((child) => piecesOf(child, values, true));
    case "SimpleExpansion": {
      const variable = part.text.slice(1);
      return [{ text: values.get(variable), variable, isQuoted }];
    }
    case "ParameterExpansion": {
      const variable = part.parameter;
      const value = values.get(variable);
      if (part.prefix || part.index) return [{ text: undefined, variable, isQuoted }];
      if (!part.operation) return [{ text: value, variable, isQuoted }];
      const isDefault = part.operation.type === "Default" && /^:?[-=?]$/.test(part.operation.operator);
      return [{ text: isDefault && value ? value : undefined, variable, isQuoted }];
    }
    case "CommandExpansion":
      return [{ text: isWorkingDirectory(part.text) ? values.get("PWD") : undefined, isQuoted }];
    default:
      return [{ text: undefined, isQuoted }];
  }
}

const isWorkingDirectory = (text: string): boolean => /^(\$\(\s*pwd\s*\)|`\s*pwd\s*`)$/.test(text);
