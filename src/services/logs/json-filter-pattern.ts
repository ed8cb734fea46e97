/**
 * Filter patterns for JSON events: `{ $.user.name = "a*" && ($.code >= 400 || $.items[0].ok IS TRUE) }`.
 * A message that is no JSON object or array never matches.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
 * Gaps: regular expressions (`%…%`), `$[…]` on the root, wildcards in selectors.
 */
import { notOffered } from "../common-errors.ts";
import { invalidParameter } from "./errors.ts";

type Condition = (value: unknown) => boolean;

const TOKEN = /\s*(\$(?:\.[A-Za-z0-9_-]+|\[\d+\])+|"(?:[^"\\]|\\.)*"|&&|\|\||!=|<=|>=|[=<>(){}]|[^\s=<>!&|(){}"]+)/y;

/** Throws AWS's error for a pattern that does not parse. */
export function parseJsonFilterPattern(pattern: string): (message: string) => boolean {
  const parser = new Parser(tokensOf(pattern));
  parser.expect("{");
  const condition = parser.alternatives();
  parser.expect("}");
  parser.expectEnd();
  return (message) => {
    const value = parseMessage(message);
    return value !== undefined && condition(value);
  };
}

function parseMessage(message: string): unknown {
  const first = message.trimStart()[0];
  if (first !== "{" && first !== "[") return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}

function tokensOf(pattern: string): string[] {
  const tokens: string[] = [];
  const text = pattern.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) {
      TOKEN.lastIndex = 0;
      throw invalidPattern(text.slice(from));
    }
    if (token.startsWith("%")) throw notOffered("filter pattern `%…%`", "comparisons with texts, numbers and `*`");
    tokens.push(token);
  }
  TOKEN.lastIndex = 0;
  return tokens;
}

const invalidPattern = (rest: string) => invalidParameter(`Invalid filter pattern: unexpected '${rest.trim()}'`);

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  expect(token: string): void {
    if (this.#next() !== token) throw invalidPattern(this.#rest(-1));
  }

  expectEnd(): void {
    if (this.#at < this.#tokens.length) throw invalidPattern(this.#rest(0));
  }

  alternatives(): Condition {
    const parts = [this.#conjunction()];
    while (this.#take("||")) parts.push(this.#conjunction());
    return (value) => parts.some((part) => part(value));
  }

  #conjunction(): Condition {
    const parts = [this.#term()];
    while (this.#take("&&")) parts.push(this.#term());
    return (value) => parts.every((part) => part(value));
  }

  #term(): Condition {
    if (this.#take("(")) {
      const inner = this.alternatives();
      this.expect(")");
      return inner;
    }
    const selector = this.#next();
    if (!selector?.startsWith("$")) throw invalidPattern(this.#rest(-1));
    const path = pathOf(selector);
    return this.#comparison((value) => select(value, path));
  }

  #comparison(read: (value: unknown) => unknown): Condition {
    const operator = this.#next();
    if (operator === "IS") return this.#is(read);
    if (operator === "NOT" && this.#take("EXISTS")) return (value) => read(value) === undefined;
    if (operator === undefined || !OPERATORS.has(operator)) throw invalidPattern(this.#rest(-1));
    const expected = this.#next();
    if (expected === undefined || STRUCTURE.has(expected)) throw invalidPattern(this.#rest(-1));
    return compare(operator, expected, read);
  }

  #is(read: (value: unknown) => unknown): Condition {
    switch (this.#next()) {
      case "NULL":
        return (value) => read(value) === null;
      case "TRUE":
        return (value) => read(value) === true;
      case "FALSE":
        return (value) => read(value) === false;
      default:
        throw invalidPattern(this.#rest(-1));
    }
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #rest(offset: number): string {
    return this.#tokens.slice(Math.max(0, this.#at + offset)).join(" ");
  }
}

const OPERATORS = new Set(["=", "!=", "<", ">", "<=", ">="]);
const STRUCTURE = new Set([...OPERATORS, "(", ")", "{", "}", "&&", "||"]);
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function compare(operator: string, expected: string, read: (value: unknown) => unknown): Condition {
  if (NUMBER.test(expected)) {
    const number = Number(expected);
    if (operator === "=") return (value) => read(value) === number;
    if (operator === "!=") return (value) => read(value) !== undefined && read(value) !== number;
    return (value) => isOrdered(operator, read(value), number);
  }
  if (operator !== "=" && operator !== "!=") throw invalidPattern(`${operator} ${expected}`);
  const text = expected.startsWith('"') ? (JSON.parse(expected) as string) : expected;
  const matches = wildcard(text);
  const isEqual = (value: unknown): boolean => typeof value === "string" && matches(value);
  return operator === "="
    ? (value) => isEqual(read(value))
    : (value) => read(value) !== undefined && !isEqual(read(value));
}

function isOrdered(operator: string, value: unknown, limit: number): boolean {
  if (typeof value !== "number") return false;
  if (operator === "<") return value < limit;
  if (operator === ">") return value > limit;
  return operator === "<=" ? value <= limit : value >= limit;
}

/** `*` stands for any text. */
function wildcard(pattern: string): (text: string) => boolean {
  if (!pattern.includes("*")) return (text) => text === pattern;
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join("[\\s\\S]*");
  const expression = new RegExp(`^${source}$`);
  return (text) => expression.test(text);
}

/** `$.a.b[0]` → `["a", "b", 0]`. */
const pathOf = (selector: string): (string | number)[] =>
  [...selector.matchAll(/\.([A-Za-z0-9_-]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));

function select(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}
