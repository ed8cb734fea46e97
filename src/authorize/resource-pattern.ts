/**
 * Resource patterns: the six parts of an ARN are compared one by one; `*` and `?` stay inside a part, except in the
 * sixth, which may hold colons and slashes. Case-sensitive.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
import type { ContextLookup } from "./context.ts";
import { compilePattern, type Pattern } from "./wildcard.ts";

const PARTS = 6;
const SERVICE = 2;

/** The six parts of an ARN, or undefined for text that is none (such as `*`). */
export type ArnParts = readonly string[] | undefined;

export function arnPartsOf(text: string): ArnParts {
  if (!text.startsWith("arn:")) return undefined;
  const parts = splitArn(text);
  return parts.length === PARTS ? parts : undefined;
}

/** Splits at the first five colons only. */
function splitArn(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  while (parts.length < PARTS - 1) {
    const colon = text.indexOf(":", from);
    if (colon === -1) break;
    parts.push(text.slice(from, colon));
    from = colon + 1;
  }
  parts.push(text.slice(from));
  return parts;
}

export interface ArnPattern {
  readonly source: string;
  /** `text` is the request's resource or the key's value, `parts` its ARN parts. */
  matches(text: string, parts: ArnParts, lookup: ContextLookup): boolean;
}

export interface ArnPatternOptions {
  readonly variables: boolean;
  /** Condition operators allow a wildcard in the service part and variables in every part; resources do not. */
  readonly isCondition: boolean;
}

export function compileArnPattern(source: string, options: ArnPatternOptions): ArnPattern {
  if (source === "*" && !options.isCondition) return { source, matches: () => true };
  if (options.isCondition && options.variables && source.includes("${")) return arnConditionWithVariables(source);
  return new PartwisePattern(source, options);
}

/** One class for all patterns, and plain strings where a part has no wildcard: this is the hottest test of a decision. */
class PartwisePattern implements ArnPattern {
  readonly source: string;
  /** Literal text of the sixth part up to its first wildcard or variable. */
  readonly #lastPrefix: string;
  /** Undefined when the prefix says it all (`parameter/app/*`). */
  readonly #last: Pattern | undefined;
  /** Per part before the sixth: text to equal, a pattern to match, or undefined for any. */
  readonly #before: readonly (string | Pattern | undefined)[];

  constructor(source: string, options: ArnPatternOptions) {
    this.source = source;
    const parts = splitArn(source);
    // AWS: missing parts count as `*`.
    const last = parts[PARTS - 1] ?? "*";
    this.#lastPrefix = /^(?:(?!\$\{)[^*?])*/.exec(last)?.[0] ?? "";
    const isPrefix = last === `${this.#lastPrefix}*`;
    this.#last = isPrefix ? undefined : compilePattern(last, { wildcards: true, variables: options.variables });
    this.#before = Array.from({ length: PARTS - 1 }, (_, i) => {
      const text = parts[i] ?? "*";
      const wildcards = options.isCondition || i !== SERVICE;
      if (!wildcards || !/[*?]/.test(text)) return text;
      return text === "*" ? undefined : compilePattern(text, { wildcards: true, variables: false });
    });
  }

  matches(_text: string, value: ArnParts, lookup: ContextLookup): boolean {
    if (!value) return false;
    // The last part first: it is the one that differs most often.
    const last = value[PARTS - 1] as string;
    const prefix = this.#lastPrefix;
    const end = prefix.length - 1;
    // Prefixes differ most often near their end; two inlined comparisons spare most calls of startsWith.
    if (last.length <= end) return false;
    if (end > 0) {
      if (last.charCodeAt(end) !== prefix.charCodeAt(end)) return false;
      if (last.charCodeAt(end - 1) !== prefix.charCodeAt(end - 1)) return false;
    }
    if (end >= 0 && !last.startsWith(prefix)) return false;
    for (let i = PARTS - 2; i >= 0; i--) {
      const part = this.#before[i];
      if (part === undefined) continue;
      const text = value[i] as string;
      if (typeof part === "string" ? part !== text : !part.matches(text, lookup)) return false;
    }
    return this.#last === undefined || this.#last.matches(last, lookup);
  }
}

/** An ARN operator's value with `${…}`, whose colons must not split the ARN. */
function arnConditionWithVariables(source: string): ArnPattern {
  const options = { wildcards: true, variables: true };
  // A pattern that is one variable stands for a whole ARN.
  if (/^\$\{[^}]*\}$/.test(source)) {
    const whole = compilePattern(source, options);
    return { source, matches: (text, value, lookup) => value !== undefined && whole.matches(text, lookup) };
  }
  const patterns = splitOutsideVariables(source).map((part) => compilePattern(part, options));
  return {
    source,
    matches: (_text, value, lookup) =>
      value?.every((part, i) => patterns[i] === undefined || patterns[i].matches(part, lookup)) ?? false,
  };
}

/** Like splitArn, but a colon inside `${…}` does not split. */
function splitOutsideVariables(source: string): string[] {
  const parts = [""];
  for (const piece of source.split(/(\$\{(?:[^}']|'[^']*')*\})/)) {
    const chunks = piece.startsWith("${") ? [piece] : piece.split(":");
    chunks.forEach((chunk, i) => {
      if (i > 0 && parts.length < PARTS) parts.push(chunk);
      else parts[parts.length - 1] += i > 0 ? `:${chunk}` : chunk;
    });
  }
  return parts;
}
