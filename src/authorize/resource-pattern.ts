/**
 * Resource patterns: the six parts of an ARN are compared one by one; `*` and `?` stay inside a part, except in the
 * sixth, which may hold colons and slashes. Case-sensitive.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and, for conditions,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
 * Gap: a `*` that ends the region runs on past its colon only where the account has no other wildcard inside.
 */
import type { ContextLookup } from "./context.ts";
import { splitVariables } from "./variables.ts";
import { compilePattern, type Pattern } from "./wildcard.ts";

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
  /** Only a resource with a colon in its sixth part has one to run over. */
  readonly #overflowNeedsColon: boolean;

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
      partTest(parts[i] ?? "*", options.isCondition || i !== SERVICE),
    );
    this.#overflow = options.isCondition ? undefined : overflowOf(parts, options.variables);
    this.#overflowNeedsColon = parts.length === PARTS;
  }

  matches(_text: string, value: ArnParts, lookup: ContextLookup): boolean {
    if (!value) return false;
    if (this.#matchesPartwise(value, lookup)) return true;
    if (this.#overflow === undefined) return false;
    if (this.#overflowNeedsColon && !(value[LAST] as string).includes(":")) return false;
    return this.#matchesOverflowing(this.#overflow, value, lookup);
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

  #matchesOverflowing({ from, rest }: Overflow, value: readonly string[], lookup: ContextLookup): boolean {
    for (let i = from - 1; i >= 0; i--) if (!passes(this.#before[i], value[i] as string, lookup)) return false;
    return rest.matches(`:${value.slice(from).join(":")}`, lookup);
  }
}

/** Text to equal, a pattern to match, or undefined for any text. */
type PartTest = string | Pattern | undefined;

function partTest(text: string, wildcards: boolean): PartTest {
  if (!wildcards || !/[*?]/.test(text)) return text;
  return text === "*" ? undefined : compilePattern(text, { wildcards: true, variables: false });
}

const passes = (test: PartTest, text: string, lookup: ContextLookup): boolean =>
  test === undefined || (typeof test === "string" ? test === text : test.matches(text, lookup));

/** The parts before `from` match one by one; the rest of the text from there, with its leading colon, matches `rest`. */
interface Overflow {
  readonly from: number;
  readonly rest: Pattern;
}

/**
 * AWS: in Resource a `*` that ends the region or the account may run on past the colon, so `arn:aws:ssm:*:parameter/app`
 * names that parameter in every region and account. The service takes no wildcards, and conditions compare part by part.
 */
function overflowOf(parts: readonly string[], variables: boolean): Overflow | undefined {
  const isLast = (i: number): boolean => i >= parts.length - 1;
  const runsOn = (i: number): boolean => !isLast(i) && (parts[i] as string).endsWith("*");
  const restAfter = (i: number): Overflow => ({
    from: i + 1,
    rest: compilePattern(`*:${parts.slice(i + 1).join(":")}`, {
      wildcards: true,
      variables: variables && parts.length === PARTS,
    }),
  });
  const account = parts[ACCOUNT] ?? "";
  // In one pattern over both, wildcards inside the account would run over colons that they must not.
  const isPlainAccount = isLast(ACCOUNT) || !/[*?]|\$\{/.test(account.endsWith("*") ? account.slice(0, -1) : account);
  if (runsOn(REGION) && isPlainAccount) return restAfter(REGION);
  return runsOn(ACCOUNT) ? restAfter(ACCOUNT) : undefined;
}

/** An ARN operator's value with `${…}`, whose colons must not split the ARN. */
function arnConditionWithVariables(source: string): ArnPattern {
  const options = { wildcards: true, variables: true };
  const pieces = splitVariables(source);
  // A pattern that is one variable stands for a whole ARN.
  if (pieces.length === 1 && typeof pieces[0] !== "string") {
    const whole = compilePattern(source, options);
    return { source, matches: (text, value, lookup) => value !== undefined && whole.matches(text, lookup) };
  }
  const parts = [""];
  for (const piece of pieces) {
    const chunks = typeof piece === "string" ? splitAtMost(piece, PARTS - parts.length + 1) : [piece.source];
    parts[parts.length - 1] += chunks[0] as string;
    parts.push(...chunks.slice(1));
  }
  const patterns = parts.map((part) => compilePattern(part, options));
  return {
    source,
    matches: (_text, value, lookup) =>
      value?.every((part, i) => patterns[i] === undefined || patterns[i].matches(part, lookup)) ?? false,
  };
}

/** Splits at colons into at most so many chunks; the last keeps its colons. */
function splitAtMost(text: string, count: number): string[] {
  const chunks = text.split(":");
  return chunks.length <= count ? chunks : [...chunks.slice(0, count - 1), chunks.slice(count - 1).join(":")];
}
