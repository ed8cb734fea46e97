/**
 * The naive evaluator's patterns and conditions: actions, resources, variables, every condition operator. Written from
 * AWS's documents; see reference-evaluator.ts.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
import type { RequestContext } from "../../src/authorize/index.ts";

export type Json = Readonly<Record<string, unknown>>;

/** The keys of `context` are in lower case. */
export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

/** One element or a list of them. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

// ---- patterns: a list of pieces, matched one after the other

/** A character that stands for itself, `?` or `*`; a wildcard may be kept from taking a colon. */
type Piece = { readonly literal: string } | { readonly wildcard: "?" | "*"; readonly takesColons: boolean };

/** Goes over the pattern once with all positions in the text that may be reached so far. */
function matches(pieces: readonly Piece[], text: string): boolean {
  let reached = [0];
  for (const piece of pieces) {
    const next = new Set<number>();
    for (const position of reached) {
      if ("literal" in piece) {
        if (text[position] === piece.literal) next.add(position + 1);
        continue;
      }
      const canTake = (at: number) => at < text.length && (piece.takesColons || text[at] !== ":");
      if (piece.wildcard === "?") {
        if (canTake(position)) next.add(position + 1);
        continue;
      }
      next.add(position);
      for (let end = position; canTake(end); end++) next.add(end + 1);
    }
    reached = [...next];
  }
  return reached.includes(text.length);
}

const literals = (text: string): Piece[] => text.split("").map((literal) => ({ literal }));

const globOf = (text: string, takesColons = true): Piece[] =>
  text.split("").map((char) => (char === "*" || char === "?" ? { wildcard: char, takesColons } : { literal: char }));

// ---- variables

type Part = { readonly written: string } | { readonly value: string };

/** Text of a policy cut into what was written and what variables came to; undefined when one has no value. */
function substitute(text: string, version: string, context: RequestContext): Part[] | undefined {
  if (version !== "2012-10-17") return [{ written: text }];
  const parts: Part[] = [];
  let at = 0;
  for (const found of text.matchAll(/\$\{([^}]+)\}/g)) {
    parts.push({ written: text.slice(at, found.index) });
    at = found.index + found[0].length;
    const value = valueOfVariable(found[1] ?? "", context);
    if (value === undefined) return undefined;
    parts.push({ value });
  }
  parts.push({ written: text.slice(at) });
  return parts;
}
function valueOfVariable(inner: string, context: RequestContext): string | undefined {
  if (inner === "*" || inner === "?" || inner === "$") return inner;
  const withDefault = /^([^,]*), '(.*)'$/s.exec(inner);
  const value = context[(withDefault?.[1] ?? inner).toLowerCase()];
  if (typeof value === "string") return value;
  // The default is for keys that are not there; keys with several values are no variables.
  return value === undefined || value.length === 0 ? withDefault?.[2] : undefined;
}

/** Characters of values stand for themselves, also `*` and `?`. */
function piecesOf(parts: readonly Part[], takesColons = true): Piece[] {
  return parts.flatMap((part) => ("value" in part ? literals(part.value) : globOf(part.written, takesColons)));
}

const textOf = (parts: readonly Part[]) => parts.map((part) => ("value" in part ? part.value : part.written)).join("");

// ---- actions and resources

export function actionMatches(pattern: string, action: string): boolean {
  if (pattern === "*") return true;
  const [service, ...name] = pattern.toLowerCase().split(":");
  const [askedService, ...askedName] = action.toLowerCase().split(":");
  return service === askedService && name.length > 0 && matches(globOf(name.join(":")), askedName.join(":"));
}

/** The first five parts of an ARN and the rest. */
function segmentsOf(arn: string): string[] {
  const segments = arn.split(":");
  return segments.length <= 6 ? segments : [...segments.slice(0, 5), segments.slice(5).join(":")];
}

export function resourceMatches(pattern: string, version: string, request: Request): boolean {
  if (pattern === "*") return true;
  // An action without a resource type asks for `*`, and no ARN is that.
  if (request.resource === "*") return false;
  const written = segmentsOf(pattern);
  // Parts that are not there count as `*`; a `*` that runs past colons may as well have taken them.
  const complete = [...written, ...Array<string>(6 - written.length).fill("*")];
  return [written, complete].some((segments) => {
    const pieces: Piece[] = [];
    for (const [index, segment] of segments.entries()) {
      if (index > 0) pieces.push({ literal: ":" });
      const ofSegment = piecesOfSegment(segment, index, version, request.context);
      if (ofSegment === undefined) return false;
      pieces.push(...ofSegment);
    }
    return matches(pieces, request.resource);
  });
}

function piecesOfSegment(segment: string, index: number, version: string, context: RequestContext) {
  if (index === 5) {
    const parts = substitute(segment, version, context);
    return parts === undefined ? undefined : piecesOf(parts);
  }
  if (index === 2) return literals(segment); // no wildcards for the service
  const pieces = globOf(segment, false);
  // AWS: a `*` at the end of a segment can go on past the colon. Of region and account; it must not swallow the service.
  const last = pieces.at(-1);
  if (index > 2 && last !== undefined && "wildcard" in last && last.wildcard === "*") {
    pieces[pieces.length - 1] = { wildcard: "*", takesColons: true };
  }
  return pieces;
}

// ---- conditions

export function conditionsHold(condition: unknown, version: string, request: Request): boolean {
  for (const [operator, keys] of Object.entries((condition ?? {}) as Json)) {
    for (const [key, values] of Object.entries(keys as Json)) {
      const expected = listOf(values).map(String);
      if (!holds(operator, request.context[key.toLowerCase()], expected, version, request.context)) return false;
    }
  }
  return true;
}

const ORDERINGS = ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];
const OPERATORS = new Set([
  ...["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
  ...["StringLike", "StringNotLike", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
  ...["Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "NumericNotEquals", "DateNotEquals"],
  ...ORDERINGS.flatMap((relation) => [`Numeric${relation}`, `Date${relation}`]),
]);

function holds(
  operator: string,
  value: string | readonly string[] | undefined,
  expected: readonly string[],
  version: string,
  context: RequestContext,
): boolean {
  const isThere = typeof value === "string" || (value !== undefined && value.length > 0);
  if (operator === "Null") return expected.some((text) => text.toLowerCase() === String(!isThere));
  const form = /^((?<prefix>ForAllValues|ForAnyValue):)?(?<name>.+?)(?<ifExists>IfExists)?$/.exec(operator);
  const { prefix, name = "", ifExists } = form?.groups ?? {};
  if (!OPERATORS.has(name)) return false;
  const isNegated = name.includes("Not");
  const positive = name.replace("Not", "");
  if (!isThere && ifExists !== undefined) return true;

  const matchesOne = (one: string) => expected.some((text) => compare(positive, one, text, version, context));
  const passes = (one: string) => matchesOne(one) !== isNegated;
  if (prefix !== undefined) {
    // AWS: a value that comes to nothing, such as an empty text, is an empty set.
    const all = listOf(value) as string[];
    const values = all.every((one) => one === "") ? [] : all;
    return prefix === "ForAllValues" ? values.every(passes) : values.some(passes);
  }
  if (value === undefined || !isThere) return isNegated;
  const [only = ""] = listOf(value) as string[];
  if (typeof value === "string" || value.length === 1) return passes(only);
  // A key with several values needs a set operator: nothing equals it.
  return isNegated && !value.some(matchesOne);
}

/** Whether one value of the request fits one value of the policy, under an operator without its `Not`. */
function compare(operator: string, value: string, text: string, version: string, context: RequestContext): boolean {
  const ordering = /^(Numeric|Date)(Equals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)$/.exec(operator);
  if (ordering) {
    const read = ordering[1] === "Numeric" ? readNumber : readDate;
    return isOrdered(ordering[2] ?? "", read(value), read(text));
  }
  if (operator === "IpAddress") return isInRange(value, text);
  if (operator === "BinaryEquals") {
    const [left, right] = [readBase64(value), readBase64(text)];
    return left !== undefined && left === right;
  }
  const parts = substitute(text, version, context);
  if (parts === undefined) return false;
  switch (operator) {
    case "StringEquals":
      return value === textOf(parts);
    case "StringEqualsIgnoreCase":
      return value.toLowerCase() === textOf(parts).toLowerCase();
    case "StringLike":
      return matches(piecesOf(parts), value);
    case "Bool":
      return /^(true|false)$/i.test(value) && value.toLowerCase() === textOf(parts).toLowerCase();
    case "ArnEquals":
    case "ArnLike":
      return arnMatches(parts, value);
  }
  return false;
}

/** The six parts one by one; the sixth goes on to the end, and parts that are not there count as `*`. */
function arnMatches(parts: readonly Part[], value: string): boolean {
  if (!value.startsWith("arn:") || value.split(":").length < 6) return false;
  const pieces: Piece[] = [];
  let colons = 0;
  for (const piece of piecesOf(parts)) {
    if ("literal" in piece && piece.literal === ":") colons++;
    pieces.push("literal" in piece ? piece : { ...piece, takesColons: colons >= 5 });
  }
  for (; colons < 5; colons++) pieces.push({ literal: ":" }, { wildcard: "*", takesColons: colons === 4 });
  return matches(pieces, value);
}

function isOrdered(relation: string, left: number | undefined, right: number | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  if (relation === "Equals") return left === right;
  if (relation === "LessThan") return left < right;
  if (relation === "LessThanEquals") return left <= right;
  if (relation === "GreaterThan") return left > right;
  return left >= right;
}

const readNumber = (text: string) => (/^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined);

/** ISO 8601 in the profile of https://www.w3.org/TR/NOTE-datetime, or seconds since 1970; a year has four digits. */
function readDate(text: string): number | undefined {
  const form = /^(\d{4})(-(\d\d)(-(\d\d)(T(\d\d):(\d\d)(:(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?$/.exec(text);
  if (!form) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
  const [year, month, day, hour, minute, second] = [1, 3, 5, 7, 8, 10].map((group, index) =>
    Number(form[group] ?? (index < 3 ? 1 : 0)),
  ) as [number, number, number, number, number, number];
  const offset = /^([+-])(\d\d):(\d\d)$/.exec(form[12] ?? "");
  const offsetMinutes = offset ? Number(`${offset[1]}1`) * (Number(offset[2]) * 60 + Number(offset[3])) : 0;
  const isReal = new Date(Date.UTC(year, month - 1, day)).toISOString().startsWith(text.slice(0, 10)) && month <= 12;
  if (!isReal || hour > 23 || minute > 59 || second > 59) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute - offsetMinutes, second) + Number(form[11] ?? 0) * 1000;
}

/** The padding may be left out. */
function readBase64(text: string): string | undefined {
  const digits = text.replace(/={1,2}$/, "");
  const isBase64 = /^[A-Za-z0-9+/]*$/.test(digits) && [0, 2, 3].includes(digits.length % 4);
  if (digits !== text && text.length % 4 !== 0) return undefined;
  return isBase64 ? Buffer.from(text, "base64").toString("latin1") : undefined;
}

/** The bits of an address as `0` and `1`: 32 or 128 of them. */
function bitsOf(address: string): string | undefined {
  const bits = (numbers: number[], width: number) => numbers.map((n) => n.toString(2).padStart(width, "0")).join("");
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (v4) {
    const bytes = v4.slice(1).map(Number);
    return bytes.every((byte) => byte <= 255) ? bits(bytes, 8) : undefined;
  }
  // An IPv6 address may end in an IPv4 address (RFC 4291, section 2.2).
  const mixed = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (mixed) {
    const end = bitsOf(mixed[2] ?? "");
    const hex = (from: number) => Number.parseInt(end?.slice(from, from + 16) ?? "", 2).toString(16);
    return end === undefined ? undefined : bitsOf(`${mixed[1]}${hex(0)}:${hex(16)}`);
  }
  const [head, tail, ...more] = address.split("::");
  const groupsOf = (side: string | undefined) => (side ? side.split(":") : []);
  const [left, right] = [groupsOf(head), groupsOf(tail)];
  const missing = 8 - left.length - right.length;
  const isWhole = tail === undefined ? missing === 0 : missing > 0;
  const groups = [...left, ...Array<string>(Math.max(missing, 0)).fill("0"), ...right];
  if (more.length > 0 || !isWhole || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return bits(
    groups.map((group) => Number.parseInt(group, 16)),
    16,
  );
}

/** Address and length of the prefix; of a single address all of it. */
function readRange(text: string): { readonly bits: string; readonly length: number } | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = bitsOf(address);
  if (bits === undefined || more.length > 0) return undefined;
  const length = prefix === undefined ? bits.length : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  return length <= bits.length ? { bits, length } : undefined;
}

/** Addresses of two kinds never meet; a request's range must lie in the policy's as a whole. */
function isInRange(value: string, text: string): boolean {
  const [asked, range] = [readRange(value), readRange(text)];
  if (asked === undefined || range === undefined || asked.bits.length !== range.bits.length) return false;
  return asked.length >= range.length && asked.bits.slice(0, range.length) === range.bits.slice(0, range.length);
}
