/**
 * Resource patterns: the six parts of an ARN are compared one by one; `*` and `?` stay inside a part, except in the
 * sixth, which may hold colons and slashes. Case-sensitive.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and, for conditions,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
 */
import type { ContextLookup } from "./context.ts";
import { splitVariables, valueOfVariable } from "./variables.ts";
import { compilePattern, type Pattern, type PatternOptions } from "./wildcard.ts";

const PARTS = 6;
const [SERVICE, REGION, ACCOUNT, LAST] = [2, 3, 4, 5] as const;

/** The six parts of an ARN, or undefined for text that is none (such as `*`). */
export type ArnParts = readonly string[] | undefined;

/** Splits an ARN once, for all patterns that it is held against. */
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

/** The pattern of one text of Resource, NotResource, or a value of an ARN operator. */
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
  readonly #before: readonly PartTest[];
  /** Undefined when no `*` can run on past a colon. */
  readonly #overflow: Overflow | undefined;

  constructor(source: string, options: ArnPatternOptions) {
    this.source = source;
    const parts = splitArn(source);
    // AWS: missing parts count as `*`.
    const last = parts[LAST] ?? "*";
    const wildcardAt = last.search(/[*?]|\$\{/);
    this.#lastPrefix = wildcardAt === -1 ? last : last.slice(0, wildcardAt);
    const isPrefix = last === `${this.#lastPrefix}*`;
    this.#last = isPrefix ? undefined : compilePattern(last, { wildcards: true, variables: options.variables });
    this.#before = Array.from({ length: PARTS - 1 }, (_, i) =>
      partTest(parts[i] ?? "*", {
        wildcards: options.isCondition || i !== SERVICE,
        variables: options.isCondition && options.variables,
      }),
    );
    this.#overflow = options.isCondition ? undefined : overflowOf(parts, options.variables);
  }

  matches(_text: string, value: ArnParts, lookup: ContextLookup): boolean {
    if (!value) return false;
    if (this.#matchesPartwise(value, lookup)) return true;
    return this.#overflow !== undefined && this.#matchesOverflowing(this.#overflow, value, lookup);
  }

  #matchesPartwise(value: readonly string[], lookup: ContextLookup): boolean {
    // The last part first: it is the one that differs most often.
    const last = value[LAST] as string;
    const prefix = this.#lastPrefix;
    const end = prefix.length - 1;
    // Prefixes differ most often near their end; two inlined comparisons spare most calls of startsWith.
    if (last.length <= end) return false;
    if (end > 0) {
      if (last.charCodeAt(end) !== prefix.charCodeAt(end)) return false;
      if (last.charCodeAt(end - 1) !== prefix.charCodeAt(end - 1)) return false;
    }
    if (end >= 0 && !last.startsWith(prefix)) return false;
    for (let i = PARTS - 2; i >= 0; i--) if (!passes(this.#before[i], value[i] as string, lookup)) return false;
    return this.#last === undefined || this.#last.matches(last, lookup);
  }

  /** Goes over what follows the region, colon by colon: where may the account begin, and where the last part? */
  #matchesOverflowing({ region, account, last }: Overflow, value: readonly string[], lookup: ContextLookup): boolean {
    // Only a resource with a colon in its sixth part has one more to run over.
    if (last && !(value[LAST] as string).includes(":")) return false;
    for (let i = 0; i < ACCOUNT; i++) if (!passes(this.#before[i], value[i] as string, lookup)) return false;
    const rest = `${value[ACCOUNT]}:${value[LAST]}`;
    let isInAccount = false;
    for (let from = 0, end = -1; end < rest.length; from = end + 1) {
      const colon = rest.indexOf(":", from);
      end = colon === -1 ? rest.length : colon;
      const mayBegin = region.runsOn || from === 0;
      const begins = mayBegin && passes(this.#before[ACCOUNT], rest.slice(from, end), lookup);
      isInAccount = begins || (isInAccount && account.runsOn);
      if (!isInAccount) continue;
      if (!last) return true;
      const after = rest.slice(end + 1);
      // The earliest place where the last part can begin leaves its first `*` the most room: no other can do better.
      if (colon !== -1 && last.head.matches(after, lookup)) return last.whole.matches(after, lookup);
    }
    return false;
  }
}

/** Text to equal, a pattern to match, or undefined for any text. */
type PartTest = string | Pattern | undefined;

function partTest(text: string, options: PatternOptions): PartTest {
  const isText = !(options.wildcards && /[*?]/.test(text)) && !(options.variables && text.includes("${"));
  if (isText) return text;
  return text === "*" ? undefined : compilePattern(text, options);
}

const passes = (test: PartTest, text: string, lookup: ContextLookup): boolean =>
  test === undefined || (typeof test === "string" ? test === text : test.matches(text, lookup));

interface LastPart {
  readonly whole: Pattern;
  /** Up to and with its first `*`. */
  readonly head: Pattern;
}

/** Which of region and account end in a `*`, and the sixth part. */
interface Overflow {
  readonly region: { readonly runsOn: boolean };
  readonly account: { readonly runsOn: boolean };
  /** Undefined for a pattern of five parts. */
  readonly last: LastPart | undefined;
}

/**
 * AWS: in Resource a `*` that ends the region or the account may run on past the colon, so `arn:aws:ssm:*:parameter/app`
 * names that parameter in every region and account. The service takes no wildcards, and conditions compare part by part.
 */
function overflowOf(parts: readonly string[], variables: boolean): Overflow | undefined {
  // The last part that is written has nothing after it to run on to.
  const runsOn = (i: number): boolean => i < parts.length - 1 && (parts[i] as string).endsWith("*");
  if (!runsOn(REGION) && !runsOn(ACCOUNT)) return undefined;
  const text = parts[LAST];
  const options = { wildcards: true, variables };
  return {
    region: { runsOn: runsOn(REGION) },
    account: { runsOn: runsOn(ACCOUNT) },
    last: text === undefined ? undefined : { whole: compilePattern(text, options), head: headOf(text, options) },
  };
}

/** The pattern up to and with its first `*`; all of it when it has none. */
function headOf(text: string, options: PatternOptions): Pattern {
  let head = "";
  for (const piece of options.variables ? splitVariables(text) : [text]) {
    const star = typeof piece === "string" ? piece.indexOf("*") : -1;
    if (typeof piece === "string" && star !== -1) return compilePattern(head + piece.slice(0, star + 1), options);
    head += typeof piece === "string" ? piece : piece.source;
  }
  return compilePattern(head, options);
}

/** An ARN operator's value with `${…}`: put in first, then compared part by part. */
function arnConditionWithVariables(source: string): ArnPattern {
  const pieces = splitVariables(source);
  return {
    source,
    matches(text, value, lookup) {
      const resolved = value && withValues(pieces, lookup, text.length);
      if (resolved === undefined) return false;
      return new PartwisePattern(resolved, { variables: true, isCondition: true }).matches(text, value, lookup);
    },
  };
}

/** The text with every variable's value, whose special characters are written so that they stand for themselves. */
function withValues(
  pieces: ReturnType<typeof splitVariables>,
  lookup: ContextLookup,
  maxLength: number,
): string | undefined {
  let text = "";
  let room = maxLength;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece.replace(/\$/g, "${$&}");
      continue;
    }
    const value = piece.literal ?? valueOfVariable(piece, lookup);
    room -= value?.length ?? 0;
    // A value that is longer than the text cannot be part of it.
    if (value === undefined || room < 0) return undefined;
    text += value.replace(/[*?$]/g, "${$&}");
  }
  return text;
}
