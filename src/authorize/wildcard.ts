/**
 * Patterns of policies: text with `*`, `?` and policy variables, compiled once and matched many times.
 * Matching walks the runs between the stars from left to right and never steps back over one, so a hostile pattern
 * costs at most (length of value × length of pattern), never exponential time.
 * Variables: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
import type { ContextLookup } from "./context.ts";

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

type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "variable"; readonly key: string; readonly fallback: string | undefined };

/** Characters between two stars; `anyAt[i]` is true where a `?` stands. */
interface Run {
  readonly text: string;
  readonly anyAt: readonly boolean[] | undefined;
}

export function compilePattern(source: string, options: PatternOptions): Pattern {
  const tokens = tokenize(source, options);
  if (tokens.some((token) => token.kind === "variable")) {
    return {
      source,
      literal: undefined,
      matches(value, lookup) {
        const resolved = resolve(tokens, lookup, options.foldCase ?? false);
        return resolved !== undefined && matchRuns(runsOf(resolved), value);
      },
    };
  }
  const runs = runsOf(tokens);
  const [first, second] = runs;
  if (runs.length === 1 && first && !first.anyAt) {
    const { text } = first;
    return { source, literal: text, matches: (value) => value === text };
  }
  if (runs.length === 2 && first && !first.anyAt && second?.text === "") {
    const { text } = first;
    return { source, literal: undefined, matches: (value) => value.startsWith(text) };
  }
  return { source, literal: undefined, matches: (value) => matchRuns(runs, value) };
}

function tokenize(source: string, options: PatternOptions): Token[] {
  const tokens: Token[] = [];
  let text = "";
  const flush = () => {
    if (text !== "") tokens.push({ kind: "text", text: options.foldCase ? text.toLowerCase() : text });
    text = "";
  };
  for (let at = 0; at < source.length; at++) {
    const character = source[at] as string;
    if (options.variables && character === "$" && source[at + 1] === "{") {
      const end = endOfVariable(source, at + 2);
      const inner = end === -1 ? "" : source.slice(at + 2, end);
      if (inner !== "") {
        at = end;
        if (inner === "*" || inner === "?" || inner === "$") {
          text += inner;
        } else {
          flush();
          tokens.push(variable(inner));
        }
        continue;
      }
    }
    if (options.wildcards && (character === "*" || character === "?")) {
      flush();
      tokens.push({ kind: character === "*" ? "star" : "any" });
      continue;
    }
    text += character;
  }
  flush();
  return tokens;
}

/** Position of the `}` that ends a variable, skipping those inside a quoted default; -1 when there is none. */
function endOfVariable(source: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < source.length; at++) {
    if (source[at] === "'") isQuoted = !isQuoted;
    else if (source[at] === "}" && !isQuoted) return at;
  }
  return -1;
}

function variable(inner: string): Token {
  // AWS: the default value follows a comma and exactly one space, in single quotes.
  const withDefault = /^([^,]+), '([\s\S]*)'$/.exec(inner);
  return { kind: "variable", key: withDefault?.[1] ?? inner, fallback: withDefault?.[2] };
}

/** Tokens with every variable replaced by literal text; undefined when one has neither value nor default. */
function resolve(tokens: readonly Token[], lookup: ContextLookup, foldCase: boolean): Token[] | undefined {
  const resolved: Token[] = [];
  for (const token of tokens) {
    if (token.kind !== "variable") {
      resolved.push(token);
      continue;
    }
    const value = lookup(token.key);
    // AWS: only single-valued keys may be used as variables.
    const text = typeof value === "string" ? value : token.fallback;
    if (text === undefined) return undefined;
    resolved.push({ kind: "text", text: foldCase ? text.toLowerCase() : text });
  }
  return resolved;
}

function runsOf(tokens: readonly Token[]): Run[] {
  const runs: Run[] = [];
  let text = "";
  let anyAt: boolean[] = [];
  const flush = () => {
    runs.push({ text, anyAt: anyAt.includes(true) ? anyAt : undefined });
    text = "";
    anyAt = [];
  };
  for (const token of tokens) {
    if (token.kind === "star") flush();
    else if (token.kind === "any") {
      text += "?";
      anyAt.push(true);
    } else if (token.kind === "text") {
      text += token.text;
      for (let i = 0; i < token.text.length; i++) anyAt.push(false);
    }
  }
  flush();
  return runs;
}

function matchRuns(runs: readonly Run[], value: string): boolean {
  const first = runs[0] as Run;
  if (runs.length === 1) return value.length === first.text.length && isRunAt(first, value, 0);
  const last = runs[runs.length - 1] as Run;
  const end = value.length - last.text.length;
  if (end < first.text.length || !isRunAt(first, value, 0) || !isRunAt(last, value, end)) return false;
  let at = first.text.length;
  for (let i = 1; i < runs.length - 1; i++) {
    const run = runs[i] as Run;
    at = findRun(run, value, at, end);
    if (at === -1) return false;
    at += run.text.length;
  }
  return true;
}

function isRunAt(run: Run, value: string, at: number): boolean {
  if (!run.anyAt) return value.startsWith(run.text, at);
  if (at + run.text.length > value.length) return false;
  for (let i = 0; i < run.text.length; i++) {
    if (!run.anyAt[i] && run.text.charCodeAt(i) !== value.charCodeAt(at + i)) return false;
  }
  return true;
}

/** First position of the run in `value[from, end)`, or -1. */
function findRun(run: Run, value: string, from: number, end: number): number {
  const latest = end - run.text.length;
  if (!run.anyAt) {
    const at = value.indexOf(run.text, from);
    return at <= latest ? at : -1;
  }
  for (let at = from; at <= latest; at++) if (isRunAt(run, value, at)) return at;
  return -1;
}
