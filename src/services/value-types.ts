/**
 * Whether a value has the type that the model gives it. A wrong one is a `SerializationException`, which AWS answers
 * before it looks at any constraint. Used by the protocols as they decode and by validation for calls from inside.
 * Texts: seen on services of this protocol (a number for a string, a text for a number, a time or a structure, an object
 * or a list for anything else); where none is known the error has no text, as AWS's often has none.
 */
import { LogLines } from "../core/log-lines.ts";
import { isStreamingBlob } from "../core/streaming-blob.ts";
import { serializationException } from "./common-errors.ts";
import type { Shape } from "./model.ts";

const MAX_INTEGER = 2 ** 31;
const MAX_LONG = 2 ** 63;
/** What a `Date` can hold. */
const MAX_TIME_MS = 8.64e15;

/** Throws `SerializationException` unless the value has the type of the shape. */
export function requireType(shape: Shape, value: unknown): void {
  if (!hasType(shape, value)) throw serializationException(mismatch(shape, value));
}

/** True for what an operation may be given: times are epoch milliseconds here, blobs are bytes. */
export function hasType(shape: Shape, value: unknown): boolean {
  switch (shape.type) {
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isInteger(value) && Math.abs(value as number) <= MAX_INTEGER;
    case "long":
      return Number.isInteger(value) && Math.abs(value as number) <= MAX_LONG;
    case "double":
      return Number.isFinite(value);
    case "timestamp":
      return Number.isFinite(value) && Math.abs(value as number) <= MAX_TIME_MS;
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
  timestamp: "milliseconds since epoch",
};

/** AWS's words for a value of the wrong type; the value itself is not repeated. */
function mismatch({ type }: Shape, value: unknown): string | undefined {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return "Start of list found where not expected";
    return "Start of structure or map found where not expected.";
  }
  if (type === "list" || type === "map") return `Expected ${type} or null`;
  if (type === "structure") return "Expected null";
  const wanted = TYPE_NAMES[type];
  // A number of the right kind is out of its range: no text of AWS is known for that, nor for blobs.
  if (wanted === undefined || (typeof value === "number" && type !== "string" && type !== "boolean")) return undefined;
  return `${tokenOf(value)} can not be converted to ${wanted}`;
}

const tokenOf = (value: unknown): string =>
  typeof value === "string"
    ? "STRING_VALUE"
    : typeof value === "number"
      ? "NUMBER_VALUE"
      : value === true
        ? "TRUE_VALUE"
        : "FALSE_VALUE";
