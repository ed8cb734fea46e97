/**
 * Checks an input against the model, as AWS does before it looks at permissions: required members, lengths, ranges,
 * patterns and enums, all failures in one message. Sits between decoding and authorization; in-process calls pass here
 * too. Wrong types are a `SerializationException` (value-types.ts); the sentences are in validation-text.ts.
 * Sources: the model tables; https://smithy.io/2.0/spec/constraint-traits.html. AWS counts the length of a text in UTF-16
 * units, as Java does.
 */
import type { ServiceName } from "../core/aws.ts";
import { LogLines } from "../core/log-lines.ts";
import type { Shape } from "./model.ts";
import { type Failure, memberPath, printNumber, validationError } from "./validation-text.ts";
import { hasType, requireType } from "./value-types.ts";

type Value = unknown;

/** Nobody's mistake is larger; a body of ten million bytes can break millions of constraints. */
const MAX_FAILURES = 1_000;
const NOT_NULL = "Member must not be null";

/** Throws the service's validation error when `input` breaks the constraints of `shape`. */
export function validateInput(service: ServiceName, operation: string, shape: Shape | undefined, input: object): void {
  if (!shape || isValid(shape, input)) return;
  const failures: Failure[] = [];
  checkStructure(shape, input as Record<string, Value>, "", failures);
  if (failures.length > 0) throw validationError(service, operation, failures.slice(0, MAX_FAILURES));
}

/** True when nothing is broken. Makes nothing: nearly every call is fine, and a PutLogEvents has 10,000 events. */
function isValid(shape: Shape, value: Value): boolean {
  if (!hasType(shape, value)) return false;
  switch (shape.type) {
    case "structure": {
      const record = value as Record<string, Value>;
      for (const member of shape.members) {
        const memberValue = record[member.name];
        if (memberValue === undefined || memberValue === null) {
          if (member.isRequired) return false;
        } else if (!isValid(member.shape, memberValue)) return false;
      }
      return true;
    }
    case "list": {
      const items = value as readonly Value[];
      const item = shape.item as Shape;
      if (!fits(shape, items.length)) return false;
      if (value instanceof LogLines) return true;
      for (const one of items) if (!isValid(item, one)) return false;
      return true;
    }
    case "map": {
      const entries = Object.entries(value as Record<string, Value>);
      const [key, item] = [shape.key as Shape, shape.item as Shape];
      return fits(shape, entries.length) && entries.every(([name, one]) => satisfies(key, name) && isValid(item, one));
    }
    default:
      return satisfies(shape, value);
  }
}

const fits = ({ min, max }: Shape, size: number): boolean =>
  (min === undefined || size >= min) && (max === undefined || size <= max);

function checkStructure(shape: Shape, value: Record<string, Value>, path: string, failures: Failure[]): void {
  for (const { name, shape: of, isRequired } of shape.members) {
    const memberValue = value[name];
    if (memberValue !== undefined && memberValue !== null) checkValue(of, memberValue, path, name, failures);
    else if (isRequired) failures.push({ path: memberPath(path, name), shape: of, value: null, constraint: NOT_NULL });
  }
}

/** `parent` and `name` are joined only where it matters: most values are fine. */
function checkValue(shape: Shape, value: Value, parent: string, name: string, failures: Failure[]): void {
  if (failures.length >= MAX_FAILURES) return;
  if (value === null) {
    failures.push({ path: memberPath(parent, name), shape, value, constraint: NOT_NULL });
    return;
  }
  requireType(shape, value);
  switch (shape.type) {
    case "structure":
      checkStructure(shape, value as Record<string, Value>, memberPath(parent, name), failures);
      return;
    case "list":
      checkList(shape, [...(value as Iterable<Value>)], memberPath(parent, name), failures);
      return;
    case "map":
      checkMap(shape, value as Record<string, Value>, memberPath(parent, name), failures);
      return;
    default:
      for (const constraint of brokenConstraints(shape, value)) {
        failures.push({ path: memberPath(parent, name), shape, value, constraint });
      }
  }
}

function checkList(shape: Shape, values: readonly Value[], path: string, failures: Failure[]): void {
  checkSize(shape, values, values.length, path, failures);
  const item = shape.item as Shape;
  if (isNested(item)) {
    // AWS: items are numbered from 1 with the word `member` after the number.
    for (let n = 0; n < values.length && failures.length < MAX_FAILURES; n++) {
      checkValue(item, values[n], `${path}.${n + 1}`, "member", failures);
    }
  } else {
    checkItems("Member must satisfy constraint", item, values, { path, shape, value: values }, failures);
  }
}

function checkMap(shape: Shape, values: Record<string, Value>, path: string, failures: Failure[]): void {
  const keys = Object.keys(values);
  checkSize(shape, values, keys.length, path, failures);
  const [key, item] = [shape.key as Shape, shape.item as Shape];
  const about = { path, shape, value: values };
  checkItems("Map keys must satisfy constraint", key, keys, about, failures);
  if (isNested(item)) {
    for (const text of keys) checkValue(item, values[text], `${path}.${text}`, "member", failures);
  } else {
    checkItems("Map value must satisfy constraint", item, Object.values(values), about, failures);
  }
}

/** AWS: of items that are no structures all constraints are told, whichever is broken, and once. */
function checkItems(
  rule: string,
  item: Shape,
  values: readonly Value[],
  about: Omit<Failure, "constraint">,
  failures: Failure[],
): void {
  let hasNull = false;
  let isBroken = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else {
      requireType(item, value);
      isBroken ||= !satisfies(item, value);
    }
  }
  if (!hasNull && !isBroken) return;
  const constraints = [...allConstraints(item), ...(hasNull ? [NOT_NULL] : [])];
  failures.push({ ...about, constraint: `${rule}: [${constraints.join(", ")}]` });
}

function checkSize(shape: Shape, value: Value, size: number, path: string, failures: Failure[]): void {
  const { min, max } = shape;
  if (max !== undefined && size > max) failures.push({ path, shape, value, constraint: bound("length", "less", max) });
  if (min !== undefined && size < min)
    failures.push({ path, shape, value, constraint: bound("length", "greater", min) });
}

const isNested = (shape: Shape): boolean => shape.type === "structure" || shape.type === "list" || shape.type === "map";

/** Size of a string or blob, the number itself otherwise. */
const measure = (value: Value): number =>
  typeof value === "string" ? value.length : value instanceof Uint8Array ? value.byteLength : (value as number);

function satisfies(shape: Shape, value: Value): boolean {
  const { min, max } = shape;
  if (min !== undefined && measure(value) < min) return false;
  if (max !== undefined && measure(value) > max) return false;
  if (shape.enum !== undefined && !shape.enum.includes(value as string)) return false;
  return shape.pattern === undefined || shape.matches(value as string);
}

function brokenConstraints(shape: Shape, value: Value): string[] {
  const size = measure(value);
  return allConstraints(shape, {
    max: size > (shape.max as number),
    min: size < (shape.min as number),
    pattern: !shape.matches(value as string),
    enum: shape.enum?.includes(value as string) === false,
  });
}

/** The sentences of a shape's constraints, of those alone that are broken when that is told. */
function allConstraints(
  shape: Shape,
  broken?: Readonly<Record<"max" | "min" | "pattern" | "enum", boolean>>,
): string[] {
  const { min, max, pattern } = shape;
  const what = shape.type === "string" || shape.type === "blob" ? "length" : "value";
  const texts: string[] = [];
  const isTold = (name: keyof NonNullable<typeof broken>): boolean => broken?.[name] !== false;
  if (max !== undefined && isTold("max")) texts.push(bound(what, "less", printNumber(shape, max)));
  if (min !== undefined && isTold("min")) texts.push(bound(what, "greater", printNumber(shape, min)));
  if (pattern !== undefined && isTold("pattern"))
    texts.push(`Member must satisfy regular expression pattern: ${pattern}`);
  if (shape.enum !== undefined && isTold("enum")) {
    texts.push(`Member must satisfy enum value set: [${inAwsOrder(shape.enum).join(", ")}]`);
  }
  return texts;
}

/**
 * AWS: the values of an enum in the order of a hash table of 32 places, by Java's hash of a text; of one place, the last
 * of the model first. Worked out from what SSM, KMS, Secrets Manager and others have answered.
 */
const inAwsOrder = (values: readonly string[]): string[] => values.toReversed().sort((a, b) => placeOf(a) - placeOf(b));

/** Of the hash, a sum of 31 times what was before, only the last five bits count: there 31 is -1. */
function placeOf(text: string): number {
  let place = 0;
  for (let at = 0; at < text.length; at++) place = (text.charCodeAt(at) - place) & 31;
  return place;
}

const bound = (what: "length" | "value", side: "less" | "greater", limit: number | string): string =>
  `Member must have ${what} ${side} than or equal to ${limit}`;
