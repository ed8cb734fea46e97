/**
 * The filter pattern language: terms (all must be there), `"phrases"`, `?a ?b` (one of them), `-x` (must not be there),
 * `%regular expressions%` (pattern-regex.ts), `{ … }` for JSON events (json-filter-pattern.ts) and `[ … ]` for lines of
 * fields (field-filter-pattern.ts). A term matches anywhere in the message.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html and texts recorded on AWS
 */
import { parseFieldFilterPattern } from "./field-filter-pattern.ts";
import { parseJsonFilterPattern } from "./json-filter-pattern.ts";
import { invalidCharacters, invalidPattern, PatternReader, unescaped } from "./pattern-reader.ts";
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
const WORD = /[A-Za-z0-9_]+/y;
const NO_WORD = /[^\sA-Za-z0-9_"]+/y;

function termsOf(text: string): Term[] {
  const reader = new PatternReader(text);
  const terms: Term[] = [];
  while (!reader.isAtEnd) terms.push({ sign: reader.read(SIGN) ?? "", isIn: readTerm(reader) });
  return terms;
}

function readTerm(reader: PatternReader): MessageFilter {
  const phrase = reader.quoted();
  if (phrase !== undefined) return phraseFilter(phrase);
  const regex = reader.regex();
  if (regex !== undefined) return regexFilter(regex);
  const word = reader.read(WORD);
  const characters = reader.read(NO_WORD);
  if (characters !== undefined) throw invalidCharacters(characters);
  if (word === undefined) throw invalidPattern();
  return (message) => message.includes(word);
}

function phraseFilter(phrase: string): MessageFilter {
  if (phrase === "") throw invalidCharacters('""');
  // AWS: `" "` is the pattern for everything.
  if (phrase.trim() === "") return () => true;
  const text = unescaped(phrase);
  return (message) => message.includes(text);
}

function regexFilter(source: string): MessageFilter {
  const filter = compilePatternRegex(source);
  if (filter) return filter;
  const characters = /[^A-Za-z0-9_\s%#=@/;,:\-^$?[\]{}|\\*+.]+/.exec(source)?.[0];
  throw characters === undefined ? invalidPattern() : invalidCharacters(characters);
}
