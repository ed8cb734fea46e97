/**
 * Policy variables in a text: finds each `${…}` in one pass from left to right, so that a hostile text of half-open
 * variables costs no more than its length.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
import type { ContextLookup } from "./context.ts";

export interface PolicyVariable {
  /** As written, with `${` and `}`. */
  readonly source: string;
  /** The condition key whose value takes its place. */
  readonly key: string;
  /** The text of `${key, 'text'}`. */
  readonly fallback: string | undefined;
  /** `*`, `?` or `$` for `${*}`, `${?}` and `${$}`, which stand for the character itself. */
  readonly literal: string | undefined;
}

/** What takes the variable's place; undefined when the request has no single value for it and there is no default. */
export function valueOfVariable({ key, fallback }: PolicyVariable, lookup: ContextLookup): string | undefined {
  const value = lookup(key);
  if (typeof value === "string") return value;
  // AWS: only single-valued keys may be used as variables; the default is for keys that the request does not carry.
  return value === undefined || value.length === 0 ? fallback : undefined;
}

/** The pieces of a text in order; what only looks like a variable (`${`, `${}`) stays text. */
export function splitVariables(text: string): (string | PolicyVariable)[] {
  const pieces: (string | PolicyVariable)[] = [];
  const brace = finder(text, "}");
  const quote = finder(text, "'");
  const quotedEnd = finder(text, "'}");
  let textFrom = 0;
  for (let at = text.indexOf("${"); at !== -1; at = text.indexOf("${", at)) {
    const from = at + 2;
    let end = brace(from);
    const opening = quote(from);
    // A quoted default may hold a brace.
    if (opening !== -1 && opening < end) {
      const closing = quotedEnd(opening + 1);
      end = closing === -1 ? -1 : closing + 1;
    }
    if (end === -1 || end === from) {
      at = from;
      continue;
    }
    if (at > textFrom) pieces.push(text.slice(textFrom, at));
    pieces.push(variable(text.slice(at, end + 1)));
    at = end + 1;
    textFrom = at;
  }
  if (textFrom < text.length) pieces.push(text.slice(textFrom));
  return pieces;
}

/** Positions of `wanted` for ever larger starts; the text is searched once in all. */
function finder(text: string, wanted: string): (from: number) => number {
  let next = -2;
  return (from) => {
    if (next !== -1 && next < from) next = text.indexOf(wanted, from);
    return next;
  };
}

function variable(source: string): PolicyVariable {
  const inner = source.slice(2, -1);
  const literal = inner === "*" || inner === "?" || inner === "$" ? inner : undefined;
  // AWS: the default value follows a comma and exactly one space, in single quotes.
  const comma = inner.indexOf(", '");
  const hasDefault = comma > 0 && comma === inner.indexOf(",") && inner.length > comma + 3 && inner.endsWith("'");
  return {
    source,
    key: hasDefault ? inner.slice(0, comma) : inner,
    fallback: hasDefault ? inner.slice(comma + 3, -1) : undefined,
    literal,
  };
}
