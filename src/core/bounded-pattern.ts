/**
 * Regular expressions that callers bring, with a bound on what matching may cost: a hostile pattern ends after the
 * budget, not after years. The pattern runs in an empty context whose execution V8 stops at a deadline.
 * AWS: patterns are Java's; a webhook's filter is found anywhere in the value (the documents' `\[CodeBuild\]` for a
 * commit message), a parameter's AllowedPattern must match the whole value.
 * Here they are JavaScript's: what Java has and JavaScript reads otherwise is translated, or refused as invalid.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_WebhookFilter.html and
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
import { createContext, Script } from "node:vm";
import type { Clock } from "./clock.ts";

/** For all that one matcher is asked. */
const BUDGET_MS = 200;

export type Match =
  | { readonly kind: "matched"; readonly value: string }
  | { readonly kind: "unmatched" }
  | { readonly kind: "too-costly" };

export interface PatternMatcher {
  /** The first value in which the pattern is found, or all of which it is. The pattern must be a valid one. */
  match(pattern: string, values: readonly string[], where?: "anywhere" | "whole"): Match;
}

/** A matcher, e.g. for one delivery of a webhook: its calls share one budget of time. */
export function createPatternMatcher(clock: Clock, budgetMs: number = BUDGET_MS): PatternMatcher {
  let leftMs = budgetMs;
  return {
    match(pattern, values, where = "anywhere") {
      if (leftMs < 1) return { kind: "too-costly" };
      const { source: found, flags } = translated(pattern);
      const source = where === "whole" ? `^(?:${found})$` : found;
      const startedMs = clock.nowMs();
      try {
        const sandbox = Object.assign(Object.create(null) as object, { source, flags, values: JSON.stringify(values) });
        const context = createContext(sandbox, { codeGeneration: { strings: false, wasm: false } });
        const index: unknown = FIND.runInContext(context, { timeout: Math.ceil(leftMs) });
        return typeof index === "number" && index >= 0
          ? { kind: "matched", value: values[index] ?? "" }
          : { kind: "unmatched" };
      } catch (error) {
        if ((error as { code?: string }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
        return { kind: "too-costly" };
      } finally {
        leftMs -= clock.nowMs() - startedMs;
      }
    },
  };
}

const FIND = new Script("{ const p = new RegExp(source, flags); JSON.parse(values).findIndex((v) => p.test(v)); }");

/** Why a pattern cannot be used, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  try {
    const { source, flags } = translated(pattern);
    new RegExp(source, flags);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : String(error);
  }
}

const JAVA_FLAGS = /^\(\?([imsu]+)\)/;
/** Letters after a backslash that mean the same in both. */
const SHARED_ESCAPES = /[bBcdDfknpPrsStuvwWx]/;

/** The JavaScript form of a Java pattern. Throws `SyntaxError` for what has none. */
function translated(pattern: string): { readonly source: string; readonly flags: string } {
  const inline = JAVA_FLAGS.exec(pattern);
  const flags = new Set((inline?.[1] ?? "").replace("u", ""));
  if (pattern.includes("\\p{") || pattern.includes("\\P{")) flags.add("u");
  let source = "";
  let inClass = false;
  for (let at = inline?.[0].length ?? 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "\\") {
      const next = pattern.charAt(++at);
      if (next === "Q") {
        const end = pattern.indexOf("\\E", at);
        const quoted = pattern.slice(at + 1, end === -1 ? pattern.length : end);
        source += quoted.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
        at = end === -1 ? pattern.length : end + 1;
      } else source += escaped(next, inClass);
    } else {
      if (char === "[" && inClass) throw new SyntaxError("a character class inside a character class");
      if (char === "&" && inClass && pattern.charAt(at + 1) === "&") {
        throw new SyntaxError("an intersection of character classes");
      }
      if (char === "[") inClass = true;
      else if (char === "]") inClass = false;
      source += char;
    }
  }
  return { source, flags: [...flags].sort().join("") };
}

function escaped(letter: string, inClass: boolean): string {
  if (!inClass && letter === "A") return "(?<![\\s\\S])";
  if (!inClass && letter === "z") return "(?![\\s\\S])";
  if (!inClass && letter === "Z") return "(?=\\n?(?![\\s\\S]))";
  if (letter === "h") return inClass ? " \\t" : "[ \\t]";
  if (/[A-Za-z]/.test(letter) && !SHARED_ESCAPES.test(letter)) {
    throw new SyntaxError(`\\${letter} is not supported`);
  }
  return `\\${letter}`;
}
