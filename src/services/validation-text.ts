/**
 * AWS's sentences for inputs that break the model's constraints: which failures are told, in which form, and how the
 * values are printed. Used by validate.ts, which finds the failures.
 * Texts: recorded messages of KMS, SSM, STS, IAM and Logs. Gap: the order of several failures is the model's, AWS's own is
 * not known.
 */
import type { ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import { constraintViolation } from "./common-errors.ts";
import type { Shape } from "./model.ts";

/** One broken constraint. */
export interface Failure {
  readonly path: string;
  readonly shape: Shape;
  readonly value: unknown;
  readonly constraint: string;
}

/** Far more than a client's mistake needs; whoever sends more gets no more back. */
const MAX_PRINTED = 512 * 1024;
const MAX_LONG = 9_223_372_036_854_775_807n;

/** The service's one error for all failures; there is at least one. */
export function validationError(service: ServiceName, operation: string, failures: readonly Failure[]): AwsError {
  const [first] = failures as readonly [Failure];
  const violation = (message: string): AwsError => constraintViolation(service, operation, message);
  if (service === "ecr") return violation(ecrMessage(first));
  if (service === "logs" && failures.some(isLongName)) return violation(LONG_NAME);
  // AWS: IAM looks at the characters of names and paths after all else.
  const others = service === "iam" ? failures.filter((failure) => iamCharacters(failure) === undefined) : failures;
  return violation(others.length > 0 ? constraintMessage(service, others) : (iamCharacters(first) as string));
}

/** `/a/b` of the model as AWS writes it: each name with a small first letter. */
export function memberPath(parent: string, name: string): string {
  const lowered = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return parent === "" ? lowered : `${parent}.${lowered}`;
}

function constraintMessage(service: ServiceName, failures: readonly Failure[]): string {
  const parts = failures.map((failure) => failureText(service, failure));
  const detected = `${parts.length} validation error${parts.length === 1 ? "" : "s"} detected: `;
  return detected + parts.join("; ");
}

// AWS: recorded on CreateLogGroup; one sentence for both names, before the model's constraints.
const LONG_NAME = "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";

const isLongName = ({ path, constraint }: Failure): boolean =>
  (path === "logGroupName" || path === "logStreamName") &&
  constraint === "Member must have length less than or equal to 512";

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
  const { path, shape, value, constraint } = failure;
  // AWS: IAM names neither the value nor the set of an enum.
  if (service === "iam" && shape.enum && value !== null) {
    return `Value at '${path}' failed to satisfy constraint: Member must satisfy enum value set`;
  }
  return `Value${valueText(service, shape, value)} at '${path}' failed to satisfy constraint: ${constraint}`;
}

function valueText(service: ServiceName, shape: Shape, value: unknown): string {
  // AWS: KMS hides plaintexts and messages also where there are none.
  if (value === null) return service === "kms" && shape.name === "PlaintextType" ? "" : " null";
  // AWS: Logs repeats no texts; numbers and lists it does.
  if (shape.isSensitive || (service === "logs" && typeof value === "string")) return "";
  const text = printValue(shape, value);
  return ` '${text.length > MAX_PRINTED ? `${text.slice(0, MAX_PRINTED)}...` : text}'`;
}

/** AWS: ECR has a form of its own and tells only of the first failure. */
function ecrMessage(failure: Failure): string {
  const text =
    failure.shape.pattern !== undefined && failure.constraint.includes("regular expression")
      ? `must satisfy regular expression '${failure.shape.pattern}'`
      : failure.constraint.replace(/^Member /, "");
  return `Invalid parameter at '${failure.path}' failed to satisfy constraint: '${text}'`;
}

/** A value as AWS's services, which are written in Java, print it: `[a, b]`, `{k=v}`, `Tag(key=a, value=b)`. */
function printValue(shape: Shape, value: unknown): string {
  if (value === undefined || value === null) return "null";
  switch (shape.type) {
    case "list":
      return `[${printItems(value as unknown[], (item) => printValue(shape.item as Shape, item))}]`;
    case "map": {
      const print = ([key, item]: [string, unknown]): string => `${key}=${printValue(shape.item as Shape, item)}`;
      return `{${printItems(Object.entries(value), print)}}`;
    }
    case "structure": {
      const record = value as Record<string, unknown>;
      const members = shape.members.map(
        ({ name, shape: of }) => `${memberPath("", name)}=${printValue(of, record[name])}`,
      );
      return `${shape.name}(${members.join(", ")})`;
    }
    default:
      return typeof value === "number" ? printNumber(shape, value) : String(value);
  }
}

/** With commas between; ends where no more would be told. */
function printItems<T>(items: readonly T[], print: (item: T) => string): string {
  let text = "";
  for (const [index, item] of items.entries()) {
    text += index === 0 ? print(item) : `, ${print(item)}`;
    if (text.length > MAX_PRINTED) break;
  }
  return text;
}

/** Bounds and values of a double have a decimal point, those of a long have no exponent. */
export function printNumber({ type }: Shape, value: number): string {
  if (type === "double") return Number.isInteger(value) ? value.toFixed(1) : String(value);
  if (Number.isSafeInteger(value)) return String(value);
  const long = BigInt(value);
  return String(long > MAX_LONG ? MAX_LONG : long);
}
