/**
 * The filter pattern language: terms (all must be there), `"phrases"`, `?a ?b` (one of them), `-x` (must not be there),
 * `%regular expressions%` (pattern-regex.ts), `{ … }` for JSON events (json-filter-pattern.ts) and `[ … ]` for lines of
 * fields (field-filter-pattern.ts). A term matches anywhere in the message.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html and texts recorded on AWS
 */
import { parseFieldFilterPattern } from "./field-filter-pattern.ts";
import { parseJsonFilterPattern } from "./json-filter-pattern.ts";
import { invalidCharacters, invalidPattern } from "./pattern-reader.ts";
import { compilePatternRegex } from "./pattern-regex.ts";

export type MessageFilter = (message: string) => boolean;

/** Throws AWS's error for a pattern that is none. An empty pattern matches everything. */
export function parseFilterPattern(pattern: string): MessageFilter {
  const text = pattern.trim();
  if (text === "") return () => true;
  if (text.startsWith("{")) return parseJsonFilterPattern(text);
  if (text.startsWith("[")) return parseFieldFilterPattern(text);
  const terms = termsOf(text);
  const [included, excluded, any] = ["", "-", "?"].map((sign) =>
    terms.filter((term) => term.sign === sign).map((term) => term.isIn),
  ) as [MessageFilter[], MessageFilter[], MessageFilter[]];
  // AWS: beside other terms the optional ones count for nothing.
  const optional = included.length + excluded.length > 0 ? [] : any;
  return (message) =>
    included.every((isIn) => isIn(message)) &&
    !excluded.some((isIn) => isIn(message)) &&
    (optional.length === 0 || optional.some((isIn) => isIn(message)));
}

interface Term {
  readonly sign: string;
  readonly isIn: MessageFilter;
}

const SIGN = /\s*([?-]?)\s*/y;
const PHRASE = /"((?:[^"\\]|\\.)*)"/y;
const REGEX = /%((?:[^%\\]|\\.)*)%/y;
const WORD = /[A-Za-z0-9_]+/y;
const NO_WORD = /[^\sA-Za-z0-9_"]+|"/y;

function termsOf(text: string): Term[] {
  const terms: Term[] = [];
  let at = 0;
  const read = (expression: RegExp): string | undefined => {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match) at += match[0].length;
    return match?.[1] ?? match?.[0];
  };
  while (at < text.length) {
    const sign = read(SIGN) ?? "";
    const phrase = read(PHRASE);
    const regex = phrase === undefined ? read(REGEX) : undefined;
    if (phrase !== undefined) terms.push({ sign, isIn: phraseFilter(phrase) });
    else if (regex !== undefined) terms.push({ sign, isIn: regexFilter(regex) });
    else {
      const word = read(WORD);
      const bad = text[at] === undefined || /[\s"]/.test(text[at] ?? "") ? undefined : read(NO_WORD);
      if (bad !== undefined) throw invalidCharacters(bad);
      if (word === undefined) throw invalidPattern();
      terms.push({ sign, isIn: (message) => message.includes(word) });
    }
  }
  return terms;
}

function phraseFilter(phrase: string): MessageFilter {
  if (phrase === "") throw invalidCharacters('""');
  // AWS: `" "` is the pattern for everything.
  if (phrase.trim() === "") return () => true;
  const text = phrase.replace(/\\(["\\])/g, "$1");
  return (message) => message.includes(text);
}

function regexFilter(source: string): MessageFilter {
  const filter = compilePatternRegex(source);
  if (filter) return filter;
  const characters = /[^A-Za-z0-9_\s%#=@/;,:\-^$?[\]{}|\\*+.]+/.exec(source)?.[0];
  throw characters === undefined ? invalidPattern() : invalidCharacters(characters);
}
