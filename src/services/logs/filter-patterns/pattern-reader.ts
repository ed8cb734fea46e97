/**
 * What the kinds of filter patterns share: reading on through the text; of the structured ones (`{ … }` and `[ … ]`) also
 * `&&`, `||`, parentheses, and comparisons of one value.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html and texts recorded on AWS
 */
import type { AwsError } from "../../../core/errors.ts";
import { invalidParameter } from "../errors.ts";
import { compilePatternRegex } from "./pattern-regex.ts";

export type Scalar = string | number | boolean;
export type Test<T> = (value: T) => boolean;
/** The number that a value is, or NaN. */
export type NumberOf = (value: Scalar) => number;

/** AWS: no word on what is wrong. */
export const invalidPattern = (): AwsError => invalidParameter("Invalid filter pattern");

/** AWS names the characters that stand where only letters, digits and `_` may. */
export const invalidCharacters = (characters: string): AwsError =>
  invalidParameter(`Invalid character(s) in term '${characters}'`);

const SPACE = /\s*/y;
const OPERATOR = /<=|>=|!=|[=<>]/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const REGEX = /%((?:[^%\\]|\\.)*)%/y;
const WORD = /[A-Za-z0-9_.*+-]+/y;
const NO_WORD = /[^\sA-Za-z0-9_.*+\-&|(){}[\]]+/y;
const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?$/;
/** AWS: so many a pattern that is not a single expression. */
const MAX_REGEXES = 2;

export class PatternReader {
  readonly #text: string;
  #at = 0;
  #regexes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether `literal` comes next, after spaces; then it is passed. */
  take(literal: string): boolean {
    this.read(SPACE);
    const isNext = this.#text.startsWith(literal, this.#at);
    if (isNext) this.#at += literal.length;
    return isNext;
  }

  expect(literal: string): void {
    if (!this.take(literal)) throw invalidPattern();
  }

  expectEnd(): void {
    this.read(SPACE);
    if (!this.isAtEnd) throw this.#unexpected();
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** What a sticky expression matches right here: its first group, or all of it. */
  read(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (!match) return undefined;
    this.#at += match[0].length;
    return match[1] ?? match[0];
  }

  /** What stands between quotes here, as it is written: see {@link unescaped}. */
  quoted(): string | undefined {
    return this.read(QUOTED);
  }

  /** What stands between `%` here. */
  regex(): string | undefined {
    return this.read(REGEX);
  }

  /** Operands with `&&` and `||`, `&&` first, and parentheses. */
  expression<T>(operand: () => Test<T>): Test<T> {
    const any = [this.#conjunction(operand)];
    while (this.take("||")) any.push(this.#conjunction(operand));
    return any.length === 1 ? (any[0] as Test<T>) : (value) => any.some((test) => test(value));
  }

  #conjunction<T>(operand: () => Test<T>): Test<T> {
    const all = [this.#term(operand)];
    while (this.take("&&")) all.push(this.#term(operand));
    return all.length === 1 ? (all[0] as Test<T>) : (value) => all.every((test) => test(value));
  }

  #term<T>(operand: () => Test<T>): Test<T> {
    if (!this.take("(")) return operand();
    const inner = this.expression(operand);
    this.expect(")");
    return inner;
  }

  /** `= value`, `!= value`, `< number`, …; `numberOf` says which values count as numbers. */
  comparison(numberOf: NumberOf): Test<Scalar> {
    this.read(SPACE);
    const operator = this.read(OPERATOR);
    if (operator === undefined) throw this.#unexpected();
    this.read(SPACE);
    if (operator !== "=" && operator !== "!=") return this.#order(operator, numberOf);
    const equals = this.#equality(numberOf);
    return operator === "=" ? equals : (value) => !equals(value);
  }

  /** What is no number is neither more nor less. */
  #order(operator: string, numberOf: NumberOf): Test<Scalar> {
    const limit = Number(this.#number());
    if (operator === "<") return (value) => numberOf(value) < limit;
    if (operator === ">") return (value) => numberOf(value) > limit;
    return operator === "<=" ? (value) => numberOf(value) <= limit : (value) => numberOf(value) >= limit;
  }

  #number(): string {
    const word = this.read(WORD);
    if (word === undefined) throw this.#unexpected();
    if (!NUMBER.test(word)) throw invalidPattern();
    return word;
  }

  #equality(numberOf: NumberOf): Test<Scalar> {
    const quoted = this.quoted();
    if (quoted !== undefined) return equalsText(unescaped(quoted));
    const regex = this.regex();
    if (regex !== undefined) {
      const test = compilePatternRegex(regex);
      if (!test || ++this.#regexes > MAX_REGEXES) throw invalidPattern();
      return (value) => test(String(value));
    }
    const word = this.read(WORD);
    if (word === undefined) throw this.#unexpected();
    const isText = equalsText(word);
    if (!NUMBER.test(word)) return isText;
    const number = Number(word);
    return (value) => numberOf(value) === number || isText(value);
  }

  #unexpected(): AwsError {
    const characters = this.read(NO_WORD);
    return characters === undefined ? invalidPattern() : invalidCharacters(characters);
  }
}

/** The text of a quoted one: `\"` is a quote, `\\` a backslash. */
export const unescaped = (quoted: string): string => quoted.replace(/\\(["\\])/g, "$1");

/** AWS: `*` stands for any text at the beginning and at the end; anywhere else it is itself. */
function equalsText(pattern: string): Test<Scalar> {
  if (pattern === "*") return () => true;
  const [isOpenBefore, isOpenAfter] = [pattern.startsWith("*"), pattern.endsWith("*")];
  const text = pattern.slice(isOpenBefore ? 1 : 0, isOpenAfter ? -1 : undefined);
  if (isOpenBefore && isOpenAfter) return (value) => String(value).includes(text);
  if (isOpenBefore) return (value) => String(value).endsWith(text);
  if (isOpenAfter) return (value) => String(value).startsWith(text);
  return (value) => String(value) === text;
}

/** A value of JSON. */
export const jsonNumber: NumberOf = (value) => (typeof value === "number" ? value : Number.NaN);

/** A field of a line. */
export const textNumber: NumberOf = (value) => (NUMBER.test(String(value)) ? Number(value) : Number.NaN);
