/**
 * Checks an input against the model, as AWS does before it looks at permissions: required members, lengths, ranges,
 * patterns and enums, all failures in one message. Sits between decoding and authorization; in-process calls pass here
 * too. Wrong types are a `SerializationException`, which AWS answers before any of these.
 * Texts: recorded validation messages of KMS, SSM, STS, IAM and Logs (docs.aws.amazon.com, CommonErrors pages, name the
 * code only). Gaps: the order of several failures is the model's, AWS's own is not known.
 */
import type { ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import { LogLines } from "../core/log-lines.ts";
import { isStreamingBlob } from "../core/streaming-blob.ts";
import { constraintViolation, serializationException } from "./common-errors.ts";
import type { Shape } from "./model.ts";

type Value = unknown;

/** Throws the service's validation error when `input` breaks the constraints of `shape`. */
export function validateInput(service: ServiceName, operation: string, shape: Shape | undefined, input: object): void {
  if (!shape || isValid(shape, input)) return;
  const failures: Failure[] = [];
  checkStructure(shape, input as Record<string, Value>, "", failures);
  if (failures.length > 0) throw validationError(service, operation, failures);
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

/** One broken constraint. */
interface Failure {
  readonly path: string;
  readonly shape: Shape;
  readonly value: Value;
  readonly constraint: string;
}

function checkStructure(shape: Shape, value: Record<string, Value>, path: string, failures: Failure[]): void {
  for (const member of shape.members) {
    const memberValue = value[member.name];
    if (memberValue === undefined || memberValue === null) {
      if (member.isRequired) {
        const failed = { path: join(path, member.name), shape: member.shape, value: null };
        failures.push({ ...failed, constraint: "Member must not be null" });
      }
    } else {
      checkValue(member.shape, memberValue, path, member.name, failures);
    }
  }
}

/** `parent` and `name` are joined only for a failure: most values are fine. */
function checkValue(shape: Shape, value: Value, parent: string, name: string, failures: Failure[]): void {
  requireType(shape, value);
  switch (shape.type) {
    case "structure":
      checkStructure(shape, value as Record<string, Value>, join(parent, name), failures);
      return;
    case "list":
      checkList(shape, [...(value as Iterable<Value>)], join(parent, name), failures);
      return;
    case "map":
      checkMap(shape, value as Record<string, Value>, join(parent, name), failures);
      return;
    default:
      if (satisfies(shape, value)) return;
      for (const constraint of brokenConstraints(shape, value)) {
        failures.push({ path: join(parent, name), shape, value, constraint });
      }
  }
}

function checkList(shape: Shape, values: readonly Value[], path: string, failures: Failure[]): void {
  checkSize(shape, values, values.length, path, failures);
  const item = shape.item as Shape;
  if (isNested(item)) {
    // AWS: items are numbered from 1 with the word `member` after the number.
    values.forEach((value, index) => {
      checkValue(item, value, `${path}.${index + 1}`, "member", failures);
    });
    return;
  }
  for (const value of values) requireType(item, value);
  if (values.every((value) => satisfies(item, value))) return;
  const constraint = `Member must satisfy constraint: [${allConstraints(item).join(", ")}]`;
  failures.push({ path, shape, value: values, constraint });
}

function checkMap(shape: Shape, values: Record<string, Value>, path: string, failures: Failure[]): void {
  const keys = Object.keys(values);
  checkSize(shape, values, keys.length, path, failures);
  const [key, item] = [shape.key as Shape, shape.item as Shape];
  if (!keys.every((text) => satisfies(key, text))) {
    const constraint = `Map keys must satisfy constraint: [${allConstraints(key).join(", ")}]`;
    failures.push({ path, shape, value: values, constraint });
  }
  for (const text of keys) requireType(item, values[text]);
  if (isNested(item)) {
    for (const text of keys) checkValue(item, values[text], `${path}.${text}`, "member", failures);
  } else if (!keys.every((text) => satisfies(item, values[text]))) {
    const constraint = `Map value must satisfy constraint: [${allConstraints(item).join(", ")}]`;
    failures.push({ path, shape, value: values, constraint });
  }
}

function checkSize(shape: Shape, value: Value, size: number, path: string, failures: Failure[]): void {
  if (shape.max !== undefined && size > shape.max) {
    failures.push({ path, shape, value, constraint: `Member must have length less than or equal to ${shape.max}` });
  }
  if (shape.min !== undefined && size < shape.min) {
    failures.push({ path, shape, value, constraint: `Member must have length greater than or equal to ${shape.min}` });
  }
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
  const broken: string[] = [];
  const size = measure(value);
  if (shape.max !== undefined && size > shape.max) broken.push(upperBound(shape));
  if (shape.min !== undefined && size < shape.min) broken.push(lowerBound(shape));
  if (shape.pattern !== undefined && !shape.matches(value as string)) broken.push(patternText(shape));
  if (shape.enum !== undefined && !shape.enum.includes(value as string)) broken.push(enumText(shape));
  return broken;
}

function allConstraints(shape: Shape): string[] {
  return [
    ...(shape.max === undefined ? [] : [upperBound(shape)]),
    ...(shape.min === undefined ? [] : [lowerBound(shape)]),
    ...(shape.pattern === undefined ? [] : [patternText(shape)]),
    ...(shape.enum === undefined ? [] : [enumText(shape)]),
  ];
}

const measured = (shape: Shape): string => (shape.type === "string" || shape.type === "blob" ? "length" : "value");
const upperBound = (shape: Shape): string => `Member must have ${measured(shape)} less than or equal to ${shape.max}`;
const lowerBound = (shape: Shape): string =>
  `Member must have ${measured(shape)} greater than or equal to ${shape.min}`;
const patternText = (shape: Shape): string => `Member must satisfy regular expression pattern: ${shape.pattern}`;
const enumText = (shape: Shape): string => `Member must satisfy enum value set: [${shape.enum?.join(", ")}]`;

/** Throws `SerializationException` unless the value has the type of the shape. */
export function requireType(shape: Shape, value: Value): void {
  if (!hasType(shape, value)) throw serializationException(mismatch(shape, value));
}

function hasType(shape: Shape, value: Value): boolean {
  switch (shape.type) {
    case "string":
      return typeof value === "string";
    case "integer":
    case "long":
      return Number.isSafeInteger(value);
    case "double":
    case "timestamp":
      return typeof value === "number" && Number.isFinite(value);
    case "boolean":
      return typeof value === "boolean";
    case "blob":
      return value instanceof Uint8Array || (shape.isStreaming && isStreamingBlob(value));
    case "list":
      return Array.isArray(value) || value instanceof LogLines;
    case "structure":
    case "map":
      return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a String",
  integer: "an Integer",
  long: "a Long",
  double: "a Double",
  boolean: "a Boolean",
  timestamp: "a Timestamp",
  blob: "a Blob",
};

/** AWS's words for a value of the wrong type; the value itself is not repeated. */
function mismatch(shape: Shape, value: Value): string {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return "Start of list found where not expected";
    if (!(value instanceof Uint8Array)) return "Start of structure or map found where not expected.";
  }
  const wanted = TYPE_NAMES[shape.type];
  if (wanted === undefined) return "Unexpected field type";
  return `${tokenOf(value)} can not be converted to ${wanted}`;
}

function tokenOf(value: Value): string {
  if (typeof value === "number") return Number.isInteger(value) ? "NUMBER_VALUE" : "DECIMAL_VALUE";
  if (typeof value === "boolean") return value ? "TRUE_VALUE" : "FALSE_VALUE";
  return "STRING_VALUE";
}

const join = (parent: string, name: string): string => {
  const lowered = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return parent === "" ? lowered : `${parent}.${lowered}`;
};

function validationError(service: ServiceName, operation: string, failures: readonly Failure[]): AwsError {
  if (service === "ecr") return constraintViolation(service, operation, ecrMessage(failures[0] as Failure));
  // AWS: IAM looks at the characters of names and paths after all else.
  const others = service === "iam" ? failures.filter((failure) => iamCharacters(failure) === undefined) : failures;
  const message = others.length > 0 ? constraintMessage(service, others) : iamCharacters(failures[0] as Failure);
  return constraintViolation(service, operation, message as string);
}

function constraintMessage(service: ServiceName, failures: readonly Failure[]): string {
  const parts = failures.map((failure) => failureText(service, failure));
  const detected = `${parts.length} validation error${parts.length === 1 ? "" : "s"} detected: `;
  return detected + parts.join("; ");
}

const NAME_PATTERN = "[\\w+=,.@-]+";

/** IAM's own words for a name or path with characters it does not take; undefined for other failures. */
function iamCharacters({ path, shape, constraint }: Failure): string | undefined {
  if (!constraint.startsWith("Member must satisfy regular expression pattern")) return undefined;
  const invalid = `The specified value for ${path} is invalid. It must`;
  if (shape.pattern === NAME_PATTERN) {
    return `${invalid} contain only alphanumeric characters and/or the following: +=,.@_-`;
  }
  if (path === "policyDocument" || path === "assumeRolePolicyDocument") {
    return `${invalid} contain only printable ASCII characters.`;
  }
  return path === "path" || path === "newPath"
    ? `${invalid} begin and end with / and contain only alphanumeric characters and/or / characters.`
    : undefined;
}

function failureText(service: ServiceName, failure: Failure): string {
  // AWS: IAM names neither the value nor the set of an enum.
  if (service === "iam" && failure.shape.enum && failure.value !== null) {
    return `Value at '${failure.path}' failed to satisfy constraint: Member must satisfy enum value set`;
  }
  const value =
    failure.value === null
      ? " null"
      : failure.shape.isSensitive
        ? ""
        : ` '${printValue(failure.shape, failure.value)}'`;
  return `Value${value} at '${failure.path}' failed to satisfy constraint: ${failure.constraint}`;
}

/** AWS: ECR has a form of its own and tells only of the first failure. */
function ecrMessage(failure: Failure): string {
  const text =
    failure.shape.pattern !== undefined && failure.constraint.includes("regular expression")
      ? `must satisfy regular expression '${failure.shape.pattern}'`
      : failure.constraint.replace(/^Member /, "");
  return `Invalid parameter at '${failure.path}' failed to satisfy constraint: '${text}'`;
}

/** A value as AWS's services print it: `[a, b]`, `{k=v}`, `Tag(key=a, value=b)`. */
function printValue(shape: Shape, value: Value): string {
  if (Array.isArray(value)) return `[${value.map((item) => printValue(shape.item as Shape, item)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (shape.type === "map") {
    const entries = Object.entries(value).map(([key, item]) => `${key}=${printValue(shape.item as Shape, item)}`);
    return `{${entries.join(", ")}}`;
  }
  const record = value as Record<string, Value>;
  const members = shape.members.map(
    (member) => `${join("", member.name)}=${printMember(member.shape, record[member.name])}`,
  );
  return `${shape.name}(${members.join(", ")})`;
}

const printMember = (shape: Shape, value: Value): string =>
  value === undefined || value === null ? "null" : printValue(shape, value);
