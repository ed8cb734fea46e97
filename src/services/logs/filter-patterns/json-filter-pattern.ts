/**
 * Filter patterns for JSON events: `{ $.user.name = "a*" && ($.code >= 400 || $.items[0].ok IS TRUE) }`.
 * A message that is no JSON object or array never matches. A selector must lead to a text, a number or a boolean: for
 * what is absent, an object, an array or null both `=` and `!=` do not match.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
import { invalidParameter } from "../errors.ts";
import {
  invalidCharacters,
  invalidPattern,
  jsonNumber,
  PatternReader,
  type Scalar,
  type Test,
} from "./pattern-reader.ts";

/** A name, a place in an array, or any of either. */
type Part = string | number | typeof ANY;
const ANY = Symbol("*");

const NAME = /\.([A-Za-z0-9_-]+)/y;
const ANY_NAME = /\.\*/y;
const QUOTED_NAME = /\.?\[(?:'(?=[^'\]]+'\])|"(?=[^"\]]+"\]))([^\]]+)['"]\]/y;
const INDEX = /\[(\d{1,9})\]/y;
const ANY_INDEX = /\[\*\]/y;
const BAD_SELECTOR = /[^\sA-Za-z0-9_]*/y;
/** AWS: wildcards in the selectors of a pattern, and in one of them. */
const MAX_WILDCARDS = 3;
const MAX_WILDCARDS_IN_ONE = 1;

/** Throws AWS's error for a pattern that does not parse. */
export function parseJsonFilterPattern(pattern: string): (message: string) => boolean {
  if (!pattern.endsWith("}")) throw invalidParameter("If a filter pattern starts with '{' it must end with '}'");
  const reader = new PatternReader(pattern.slice(1, -1));
  let wildcards = 0;
  const condition = reader.expression<unknown>(() => {
    const path = readSelector(reader);
    const inThis = path.filter((part) => part === ANY).length;
    wildcards += inThis;
    if (inThis > MAX_WILDCARDS_IN_ONE || wildcards > MAX_WILDCARDS) throw invalidPattern();
    const test = readTest(reader);
    return (value) => select(value, path).some(test);
  });
  reader.expectEnd();
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

function readSelector(reader: PatternReader): readonly Part[] {
  if (!reader.take("$")) throw invalidPattern();
  const path: Part[] = [];
  for (;;) {
    const name = reader.read(NAME) ?? reader.read(QUOTED_NAME);
    if (name !== undefined) {
      path.push(name);
      continue;
    }
    if (reader.read(ANY_NAME) !== undefined) {
      path.push(ANY);
      continue;
    }
    // AWS: an array must follow a property.
    const index = path.length > 0 ? reader.read(INDEX) : undefined;
    if (index !== undefined) path.push(Number(index));
    else if (path.length > 0 && reader.read(ANY_INDEX) !== undefined) path.push(ANY);
    else break;
  }
  if (path.length === 0) throw invalidCharacters(`$${reader.read(BAD_SELECTOR) ?? ""}`);
  return path;
}

function readTest(reader: PatternReader): Test<unknown> {
  if (reader.take("NOT")) {
    reader.expect("EXISTS");
    return (value) => value === undefined;
  }
  if (reader.take("IS")) {
    for (const [word, wanted] of CONSTANTS) if (reader.take(word)) return (value) => value === wanted;
    throw invalidPattern();
  }
  const test = reader.comparison(jsonNumber);
  return (value) => isScalar(value) && test(value);
}

const CONSTANTS = [
  ["NULL", null],
  ["TRUE", true],
  ["FALSE", false],
] as const;

const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

/** What is at the path: one value or `undefined`; with a wildcard one for each that it stands for. */
function select(root: unknown, path: readonly Part[]): readonly unknown[] {
  let found: unknown[] = [root];
  for (const part of path) {
    found = found.flatMap((value) => {
      if (typeof value !== "object" || value === null) return [undefined];
      if (part === ANY) return Object.values(value);
      if (typeof part === "number" && !Array.isArray(value)) return [undefined];
      return [Object.hasOwn(value, part) ? (value as Record<string | number, unknown>)[part] : undefined];
    });
  }
  return found;
}
