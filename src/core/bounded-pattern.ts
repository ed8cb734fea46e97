/**
 * Regular expressions that callers bring, with a bound on what matching may cost: a hostile pattern ends after the
 * budget, not after years. The pattern runs in an empty context whose execution V8 stops at a deadline.
 * AWS: patterns are Java's; a webhook's filter is found anywhere in the value (the documents' `\[CodeBuild\]` for a
 * commit message), a parameter's AllowedPattern must match the whole value.
 * Here they are JavaScript's: what Java has and JavaScript reads otherwise is translated, or refused as invalid.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_WebhookFilter.html and
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
import { type Context, createContext, Script } from "node:vm";
import type { Clock } from "./clock.ts";
import { cpuMsSince } from "./cpu-time.ts";

/** For all that one matcher is asked. */
const BUDGET_MS = 200;

export type Match =
  | { readonly kind: "matched"; readonly value: string }
  | { readonly kind: "unmatched" }
  | { readonly kind: "too-costly" };

/** The pattern must be a valid one. */
export interface PatternMatcher {
  /** The first value in which the pattern is found. */
  match(pattern: string, values: readonly string[]): Match;
  /** True when the pattern is all of every value; false, too, for what is too costly. */
  isAllOfEach(pattern: string, values: readonly string[]): boolean;
}

/** A matcher, e.g. for one delivery of a webhook: its calls share one budget of time. */
export function createPatternMatcher(clock: Clock, budgetMs: number = BUDGET_MS): PatternMatcher {
  let leftMs = budgetMs;
  /** What the script found; undefined when it was too costly. */
  const run = (script: Script, { source, flags }: Translated, values: readonly string[]): unknown => {
    if (leftMs < 1) return undefined;
    const startedMs = clock.nowMs();
    const sandbox = Object.assign(Object.create(null) as object, { source, flags, values: JSON.stringify(values) });
    const context = createContext(sandbox, { codeGeneration: { strings: false, wasm: false } });
    try {
      return runFor(Math.ceil(leftMs), script, context);
    } finally {
      leftMs -= clock.nowMs() - startedMs;
    }
  };
  return {
    match(pattern, values) {
      const index = run(FIND, translated(pattern), values);
      if (typeof index !== "number") return { kind: "too-costly" };
      return index < 0 ? { kind: "unmatched" } : { kind: "matched", value: values[index] ?? "" };
    },
    isAllOfEach(pattern, values) {
      const { source, flags } = translated(pattern);
      return run(EVERY, { source: `^(?:${source})$`, flags }, values) === true;
    },
  };
}

/** Undefined after that time, unless a busy machine ran others in it. */
function runFor(timeoutMs: number, script: Script, context: Context): unknown {
  const before = process.cpuUsage();
  do {
    try {
      return script.runInContext(context, { timeout: timeoutMs });
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    }
  } while (cpuMsSince(before) < timeoutMs / 2);
  return undefined;
}

const scriptOf = (method: "findIndex" | "every"): Script =>
  new Script(`{ const p = new RegExp(source, flags); JSON.parse(values).${method}((v) => p.test(v)); }`);
const FIND = scriptOf("findIndex");
const EVERY = scriptOf("every");

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
/** Letters and digits after a backslash that mean the same in both. */
const SHARED_ESCAPES = /[bBcdDfknrsStuvwWx0-9]/;
const REPETITION = /\{\d+(?:,\d*)?\}/y;
const PROPERTY = /\{(\w+)\}|([A-Z])/y;

/** AWS: Java's names for sets of ASCII characters; JavaScript has none of them, or larger ones of the same name. */
const ASCII_SETS: Readonly<Record<string, string>> = {
  Lower: "a-z",
  Upper: "A-Z",
  ASCII: "\\x00-\\x7f",
  Alpha: "a-zA-Z",
  Digit: "0-9",
  Alnum: "a-zA-Z0-9",
  Punct: "!-\\/:-@\\[-`{-~",
  Graph: "!-~",
  Print: " -~",
  Blank: " \\t",
  Cntrl: "\\x00-\\x1f\\x7f",
  XDigit: "0-9a-fA-F",
  Space: " \\t-\\r",
};

interface Translated {
  readonly source: string;
  readonly flags: string;
}

/** The JavaScript form of a Java pattern. Throws `SyntaxError` for what has none. */
function translated(pattern: string): Translated {
  const inline = JAVA_FLAGS.exec(pattern);
  const flags = new Set((inline?.[1] ?? "").replace("u", ""));
  let source = "";
  let inClass = false;
  let at = inline?.[0].length ?? 0;
  const take = (form: RegExp): RegExpExecArray | null => {
    form.lastIndex = at;
    const found = form.exec(pattern);
    if (found) at = form.lastIndex;
    return found;
  };
  while (at < pattern.length) {
    const char = pattern.charAt(at++);
    if (char === "\\") {
      const next = pattern.charAt(at++);
      if (next === "Q") {
        const end = pattern.indexOf("\\E", at);
        const quoted = pattern.slice(at, end === -1 ? pattern.length : end);
        source += [...quoted].map((one) => literal(one, inClass)).join("");
        at = end === -1 ? pattern.length : end + 2;
      } else if (next === "p" || next === "P") {
        const [, inBraces, letter] = take(PROPERTY) ?? [];
        const name = inBraces ?? letter ?? "";
        const isSet = Object.hasOwn(ASCII_SETS, name);
        if (!isSet) flags.add("u");
        source += isSet ? asciiSet(name, next === "P", inClass) : `\\${next}{${name.replace(/^Is/, "")}}`;
      } else source += escaped(next, inClass);
    } else if (inClass) {
      if (char === "[") throw new SyntaxError("a character class inside a character class");
      if (char === "&" && pattern.charAt(at) === "&") throw new SyntaxError("an intersection of character classes");
      inClass = char !== "]";
      source += char;
    } else if (char === "[") {
      inClass = true;
      // AWS: a bracket that comes first is one of the characters.
      source += char + (take(/\^/y) ? "^" : "") + (take(/\]/y) ? "\\]" : "");
    } else if (char === "{") {
      at--;
      const repetition = take(REPETITION);
      if (!repetition) throw new SyntaxError("a brace that begins no repetition");
      source += repetition[0];
    } else source += char === "]" || char === "}" ? literal(char, inClass) : char;
  }
  return { source, flags: [...flags].sort().join("") };
}

function escaped(character: string, inClass: boolean): string {
  if (!inClass && character === "A") return "(?<![\\s\\S])";
  if (!inClass && character === "z") return "(?![\\s\\S])";
  if (!inClass && character === "Z") return "(?=\\n?(?![\\s\\S]))";
  if (character === "h") return inClass ? " \\t" : "[ \\t]";
  if (!/[A-Za-z0-9]/.test(character)) return character === "" ? "\\" : literal(character, inClass);
  if (!SHARED_ESCAPES.test(character)) throw new SyntaxError(`\\${character} is not supported`);
  return `\\${character}`;
}

/** The character itself: only what has a meaning may have a backslash where properties are read (flag `u`). */
const literal = (character: string, inClass: boolean): string =>
  (inClass ? /[\\^[\]-]/ : /[\\^$.*+?()[\]{}|/]/).test(character) ? `\\${character}` : character;

function asciiSet(name: string, isNegated: boolean, inClass: boolean): string {
  const ranges = ASCII_SETS[name] as string;
  if (!inClass) return `[${isNegated ? "^" : ""}${ranges}]`;
  if (isNegated) throw new SyntaxError(`\\P{${name}} inside a character class`);
  return ranges;
}
