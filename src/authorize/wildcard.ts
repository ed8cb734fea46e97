/**
 * Patterns of policies: text with `*`, `?` and policy variables, compiled once and matched many times.
 * Matching walks the runs between the stars from left to right and never steps back over one, so a hostile pattern
 * costs at most (length of value × length of pattern), never exponential time; variables are put in only as long as the
 * result can still fit the value, however often they stand in the pattern.
 * Variables: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
import type { ContextLookup } from "./context.ts";
import { findRun, isRunAt, type Run } from "./run-search.ts";
import { type PolicyVariable, splitVariables, valueOfVariable } from "./variables.ts";

export interface Pattern {
  /** The text as it stands in the policy. */
  readonly source: string;
  /** The one value it matches, when it has neither wildcards nor variables. */
  readonly literal: string | undefined;
  matches(value: string, lookup: ContextLookup): boolean;
}

export interface PatternOptions {
  /** `*` and `?` are wildcards (string equality and the like take them literally). */
  readonly wildcards: boolean;
  /** `${key}` is replaced by the request's value (Version 2012-10-17 only). */
  readonly variables: boolean;
  /** Compare without regard to case; the caller passes the value in lower case. */
  readonly foldCase?: boolean;
}

type FixedToken =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "star" }
  | { readonly kind: "any" };
type Token = FixedToken | { readonly kind: "variable"; readonly variable: PolicyVariable };

/** A pattern that is compiled for its options; what can be a plain comparison is one. */
export function compilePattern(source: string, options: PatternOptions): Pattern {
  const tokens = tokenize(source, options);
  if (!isFixed(tokens)) {
    const foldCase = options.foldCase ?? false;
    return {
      source,
      literal: undefined,
      matches(value, lookup) {
        const resolved = resolve(tokens, lookup, foldCase, value.length);
        return resolved !== undefined && matchRuns(runsOf(resolved), value);
      },
    };
  }
  const runs = runsOf(tokens);
  const [first, second] = runs;
  const text = first === undefined ? undefined : literalOf(first);
  if (text !== undefined && runs.length === 1) return { source, literal: text, matches: (value) => value === text };
  if (text !== undefined && runs.length === 2 && second?.length === 0) {
    return { source, literal: undefined, matches: (value) => value.startsWith(text) };
  }
  return { source, literal: undefined, matches: (value) => matchRuns(runs, value) };
}

const isFixed = (tokens: readonly Token[]): tokens is readonly FixedToken[] =>
  tokens.every((token) => token.kind !== "variable");

function tokenize(source: string, options: PatternOptions): Token[] {
  const tokens: Token[] = [];
  const addText = (text: string) => {
    if (text !== "") tokens.push({ kind: "text", text: options.foldCase ? text.toLowerCase() : text });
  };
  for (const piece of options.variables ? splitVariables(source) : [source]) {
    if (typeof piece !== "string") {
      if (piece.literal !== undefined) addText(piece.literal);
      else tokens.push({ kind: "variable", variable: piece });
      continue;
    }
    if (!options.wildcards) {
      addText(piece);
      continue;
    }
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const character = piece[at];
      if (character !== "*" && character !== "?") continue;
      addText(piece.slice(from, at));
      tokens.push({ kind: character === "*" ? "star" : "any" });
      from = at + 1;
    }
    addText(piece.slice(from));
  }
  return tokens;
}

/**
 * Tokens with every variable replaced by literal text; undefined when one has neither value nor default, and when they
 * are longer than the value to match.
 */
function resolve(
  tokens: readonly Token[],
  lookup: ContextLookup,
  foldCase: boolean,
  maxLength: number,
): FixedToken[] | undefined {
  const resolved: FixedToken[] = [];
  let room = maxLength;
  for (const token of tokens) {
    if (token.kind !== "variable") {
      room -= token.kind === "text" ? token.text.length : token.kind === "any" ? 1 : 0;
      resolved.push(token);
    } else {
      const value = valueOfVariable(token.variable, lookup);
      if (value === undefined) return undefined;
      room -= value.length;
      if (room >= 0) resolved.push({ kind: "text", text: foldCase ? value.toLowerCase() : value });
    }
    if (room < 0) return undefined;
  }
  return resolved;
}

function runsOf(tokens: readonly FixedToken[]): Run[] {
  const runs: Run[] = [];
  let length = 0;
  let pieces: { at: number; text: string }[] = [];
  for (const token of tokens) {
    if (token.kind === "star") {
      runs.push({ length, pieces });
      length = 0;
      pieces = [];
    } else if (token.kind === "any") {
      length++;
    } else {
      const last = pieces[pieces.length - 1];
      if (last && last.at + last.text.length === length) last.text += token.text;
      else pieces.push({ at: length, text: token.text });
      length += token.text.length;
    }
  }
  runs.push({ length, pieces });
  return runs;
}

/** The run's text when it has no `?`. */
function literalOf({ length, pieces }: Run): string | undefined {
  const text = pieces[0]?.text ?? "";
  return text.length === length ? text : undefined;
}

function matchRuns(runs: readonly Run[], value: string): boolean {
  const first = runs[0] as Run;
  if (runs.length === 1) return value.length === first.length && isRunAt(first, value, 0);
  const last = runs[runs.length - 1] as Run;
  const end = value.length - last.length;
  if (end < first.length || !isRunAt(first, value, 0) || !isRunAt(last, value, end)) return false;
  let at = first.length;
  for (let i = 1; i < runs.length - 1; i++) {
    const run = runs[i] as Run;
    at = findRun(run, value, at, end);
    if (at === -1) return false;
    at += run.length;
  }
  return true;
}
