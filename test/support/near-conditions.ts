/**
 * Texts that are, or nearly are, patterns of what a request has, and conditions made of them. Everything is read off a
 * tape of numbers, so that a shorter or smaller tape is a simpler request; an empty one is the simplest.
 */
import type { RequestContext } from "../../src/authorize/index.ts";

/** Choices in the order of the tape; zeros after its end. */
export class Tape {
  readonly #numbers: ArrayLike<number>;
  #next = 0;
  constructor(numbers: ArrayLike<number>) {
    this.#numbers = numbers;
  }
  below(limit: number): number {
    return (this.#numbers[this.#next++] ?? 0) % limit;
  }
  pick<T>(...choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] as T;
  }
  from<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
  /** True once in `n` times; false on an empty tape. */
  onceIn(n: number): boolean {
    return this.below(n) === n - 1;
  }
  list<T>(least: number, most: number, one: () => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, one);
  }
}

/** Context keys with values that look like their type, mostly. */
const SINGLE_VALUES = {
  "aws:username": ["ann", "bob", "a*", "A", "", "a:b"],
  "aws:PrincipalTag/Team": ["red", "Red", "r?d", "${aws:username}", "", "x}y"],
  "aws:SourceIp": ["10.0.0.1", "10.0.1.255", "2001:db8::1", "::ffff:10.0.0.1", "::", "10.0.0.0/24", "10.0.0", "x"],
  "aws:CurrentTime": ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "1767225600", "2026", "2026-02-30", "x"],
  "aws:SourceArn": [
    "arn:aws:ssm:us-east-1:111122223333:parameter/a",
    "arn:aws:s3:::b:c:d",
    "arn:aws:s3:::b:ann",
    "arn:aws:sns:us-east-2:999999999999:store/abc:111122223333:finance/x",
    "arn:aws:s3",
    "not-an-arn",
  ],
  "aws:SecureTransport": ["true", "false", "True", "yes", ""],
  "s3:max-keys": ["10", "10.0", "9.5", "-1", "+3", "1e1", "ten", "", "010"],
  "kms:Bytes": ["QUI=", "QUJD", "A", "", "!!!!"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
const MULTIPLE_VALUES = {
  "aws:TagKeys": ["red", "Blue", "a*", "", "ann"],
  "aws:PrincipalOrgPaths": ["o-1/r-1/ou-1/", "o-1/r-1/", ""],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const OPERATORS_OF: Readonly<Record<string, readonly string[]>> = {
  text: [
    ...["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"],
    ...["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
  ],
  number: ["", "Not", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map((relation) =>
    relation.includes("Than") ? `Numeric${relation}` : `Numeric${relation}Equals`,
  ),
  date: ["", "Not", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map((relation) =>
    relation.includes("Than") ? `Date${relation}` : `Date${relation}Equals`,
  ),
  address: ["IpAddress", "NotIpAddress"],
  arn: ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
  boolean: ["Bool"],
  bytes: ["BinaryEquals"],
};
const TYPE_OF: Readonly<Record<string, keyof typeof OPERATORS_OF>> = {
  "aws:SourceIp": "address",
  "aws:CurrentTime": "date",
  "aws:SourceArn": "arn",
  "aws:SecureTransport": "boolean",
  "s3:max-keys": "number",
  "kms:Bytes": "bytes",
};
const ALL_OPERATORS = Object.values(OPERATORS_OF).flat();

export function contextOf(tape: Tape): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  for (const [key, values] of Object.entries(SINGLE_VALUES)) {
    if (!tape.onceIn(4)) context[tape.onceIn(6) ? key.toUpperCase() : key] = tape.from<string>(values);
  }
  for (const [key, values] of Object.entries(MULTIPLE_VALUES)) {
    if (!tape.onceIn(3)) context[key] = tape.list(0, 3, () => tape.from<string>(values));
  }
  return context;
}

const replaced = (text: string, from: number, to: number, by: string) => text.slice(0, from) + by + text.slice(to);

/** A text that is, or nearly is, a pattern of `text`. */
export function near(tape: Tape, text: string): string {
  let pattern = text;
  for (let changes = tape.below(4); changes > 0; changes--) {
    const at = tape.below(pattern.length + 1);
    const to = Math.min(pattern.length, at + tape.below(8));
    const colon = pattern.indexOf(":", at);
    switch (tape.below(14)) {
      case 0:
        pattern = `${pattern.slice(0, at)}*`;
        break;
      case 1:
        pattern = replaced(pattern, at, to, "*");
        break;
      case 2:
        pattern = replaced(pattern, at, at + 1, "?");
        break;
      case 3:
        pattern = replaced(pattern, at, at, tape.pick("*", "?", ":", "/", "a"));
        break;
      case 4:
        pattern = replaced(pattern, at, to, "");
        break;
      case 5:
        pattern = replaced(pattern, at, to, pattern.slice(at, to).toUpperCase());
        break;
      case 6: // one part between colons, or several
        pattern = pattern
          .split(":")
          .map((part, index) => (index >= 3 && tape.onceIn(3) ? "*" : part))
          .join(":");
        break;
      case 7:
        if (colon >= 0) pattern = replaced(pattern, at, colon, "*");
        break;
      case 8:
        if (colon >= 0) pattern = pattern.slice(0, colon);
        break;
      case 9:
        pattern = replaced(pattern, at, to, variable(tape, pattern.slice(at, to)));
        break;
      case 10: {
        const [key, values] = tape.from(Object.entries<readonly string[]>(SINGLE_VALUES));
        const value = values.find((one) => one !== "" && pattern.includes(one));
        if (value !== undefined) pattern = pattern.replace(value, () => `\${${key}}`);
        break;
      }
      case 11:
        pattern = pattern.replace(/[*?$]/, (char) => `\${${char}}`);
        break;
      case 12: // several parts become a `*` at the end of another
        pattern = withoutParts(tape, pattern);
        break;
      default:
        pattern = tape.pick("*", "", "**", "arn:*", pattern);
    }
  }
  return pattern;
}

function withoutParts(tape: Tape, arn: string): string {
  const parts = arn.split(":");
  const from = 3 + tape.below(3);
  const gone = parts.splice(from, 1 + tape.below(3));
  const kept = tape.from([...gone, ""]);
  parts.splice(from, 0, tape.onceIn(4) ? kept : `${kept.slice(0, tape.below(kept.length + 1))}*`);
  if (tape.onceIn(3)) parts[3] = "*";
  return parts.join(":");
}

function variable(tape: Tape, text: string): string {
  const key = tape.pick("aws:username", "aws:TagKeys", "aws:nobody", tape.from(Object.keys(SINGLE_VALUES)));
  const safe = text.replace(/[*?'}${]/g, "");
  return tape.pick(`\${${key}}`, `\${${key}, '${safe}'}`, `\${aws:nobody, '${safe}'}`, `\${${key}`);
}

export const oneOrMany = <T>(tape: Tape, values: T[]): T | T[] =>
  values.length === 1 && tape.onceIn(2) ? (values[0] as T) : values;

export function conditionOf(tape: Tape, context: RequestContext): object {
  const condition: Record<string, Record<string, unknown>> = {};
  for (let entries = 1 + tape.below(3); entries > 0; entries--) {
    const key = tape.from([...Object.keys(SINGLE_VALUES), ...Object.keys(MULTIPLE_VALUES), "aws:nobody"]);
    const isMultiple = key in MULTIPLE_VALUES;
    const asWritten = tape.onceIn(5) ? key.toLowerCase() : key;
    if (tape.onceIn(10)) {
      condition["Null"] = { ...condition["Null"], [asWritten]: tape.pick<unknown>("true", "false", false, "TRUE", []) };
      continue;
    }
    const base = tape.from(tape.onceIn(5) ? ALL_OPERATORS : (OPERATORS_OF[TYPE_OF[key] ?? "text"] ?? ALL_OPERATORS));
    const prefix = isMultiple !== tape.onceIn(5) ? tape.pick("ForAllValues:", "ForAnyValue:") : "";
    const operator = `${prefix}${base}${tape.onceIn(4) ? "IfExists" : ""}`;
    const actual = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
    const others: readonly string[] = { ...SINGLE_VALUES, ...MULTIPLE_VALUES, "aws:nobody": ["x"] }[key] ?? [];
    const one = (): unknown => {
      const value = tape.onceIn(3) || actual === undefined ? tape.from(others) : tape.from([actual].flat());
      return valueNear(tape, TYPE_OF[key], value ?? "");
    };
    const values = tape.list(tape.onceIn(20) ? 0 : 1, 3, one);
    condition[operator] = { ...condition[operator], [asWritten]: oneOrMany(tape, values) };
  }
  return condition;
}

/** A value of a policy for a value of the request. */
function valueNear(tape: Tape, type: string | undefined, value: string): unknown {
  switch (type) {
    case "address": {
      const other = tape.pick(
        "10.0.0.9",
        "10.0.0.0",
        "::",
        "2001:DB8::",
        "2001:db8:0:0::1",
        "::ffff:a00:1",
        "::ffff:0:0",
      );
      const prefix = tape.pick("", "/8", "/24", "/31", "/32", "/33", "/96", "/127", "/128", "/0", "/");
      return `${tape.pick(value.replace(/[/].*/, ""), other)}${prefix}`;
    }
    case "arn":
      return tape.onceIn(4)
        ? `arn:aws:s3:::b:\${${tape.pick("aws:username", "aws:TagKeys, 'ann'")}}`
        : near(tape, value);
    case "date":
      return tape.pick<unknown>(
        value,
        "2026-01-01",
        "2026-01",
        "2025-12-31T23:59:59.999Z",
        "2026-01-01T00:00Z",
        1767225600,
        "1767225601",
        "2026-01-01T00:00:00",
        "2026-13-01",
        "2026-01-01T00:00:00.001Z",
      );
    case "number":
      return tape.pick<unknown>(value, "10", 10, "9", "11", "9.50", "-1", "x", "");
    case "boolean":
      return tape.pick<unknown>(value, "true", true, false, "FALSE", "${aws:SecureTransport}", "");
    case "bytes":
      return tape.pick(value, "QUI=", "QUJD", "", "QUI");
    default:
      return near(tape, value);
  }
}
