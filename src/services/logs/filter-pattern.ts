/**
 * The filter pattern language for text: terms (all must be there), `"phrases"`, `?a ?b` (one of them), `-x` (must not be
 * there), and `{ … }` for JSON events (json-filter-pattern.ts).
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 * Gaps: `[…]` fields and `%…%` regular expressions are refused by name. A term matches anywhere in the message.
 */
import { notOffered } from "../common-errors.ts";
import { invalidParameter } from "./errors.ts";
import { parseJsonFilterPattern } from "./json-filter-pattern.ts";

export type MessageFilter = (message: string) => boolean;

/** Throws AWS's error for a pattern that is none. An empty pattern matches everything. */
export function parseFilterPattern(pattern: string): MessageFilter {
  const text = pattern.trim();
  if (text === "") return () => true;
  if (text.startsWith("{")) return parseJsonFilterPattern(text);
  if (text.startsWith("[")) throw notOffered("filter pattern `[…]`", "terms, phrases, `?`, `-` and `{ … }`");
  const terms = termsOf(text);
  const included = terms.filter((term) => term.sign === "").map((term) => term.text);
  const excluded = terms.filter((term) => term.sign === "-").map((term) => term.text);
  // AWS: beside other terms the optional ones count for nothing.
  const optional =
    terms.length === included.length + excluded.length || included.length + excluded.length > 0
      ? []
      : terms.map((term) => term.text);
  return (message) =>
    included.every((term) => message.includes(term)) &&
    !excluded.some((term) => message.includes(term)) &&
    (optional.length === 0 || optional.some((term) => message.includes(term)));
}

interface Term {
  readonly sign: "" | "?" | "-";
  readonly text: string;
}

const BARE_TERM = /^[A-Za-z0-9_]+$/;

function termsOf(text: string): Term[] {
  const terms: Term[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === " " || text[at] === "\t" || text[at] === "\n") {
      at++;
      continue;
    }
    const sign = text[at] === "?" || text[at] === "-" ? (text[at] as "?" | "-") : "";
    if (sign !== "") at++;
    if (text[at] === '"') {
      const end = closingQuote(text, at);
      terms.push({ sign, text: text.slice(at + 1, end).replaceAll('\\"', '"') });
      at = end + 1;
    } else {
      const end = text.slice(at).search(/\s/);
      const term = end < 0 ? text.slice(at) : text.slice(at, at + end);
      if (term.startsWith("%")) throw notOffered("filter pattern `%…%`", "terms, phrases, `?`, `-` and `{ … }`");
      if (!BARE_TERM.test(term)) throw invalidParameter(`Invalid character(s) in term '${term}'`);
      terms.push({ sign, text: term });
      at += term.length;
    }
  }
  return terms;
}

function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  throw invalidParameter("Unclosed double quote");
}
