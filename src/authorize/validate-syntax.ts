/**
 * The grammar of policies as IAM checks it first: members, types and operators; whatever breaks it is a syntax error. Part
 * of validate-policy.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import { parseOperator } from "./conditions/operators.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

const DOCUMENT_KEYS = new Set(["Version", "Id", "Statement"]);
const VERSIONS: readonly unknown[] = [undefined, "2012-10-17", "2008-10-17"];
const STATEMENT_KEYS = new Set([
  ...["Sid", "Effect", "Principal", "NotPrincipal"],
  ...["Action", "NotAction", "Resource", "NotResource", "Condition"],
]);
const PAIRS = [
  ["Action", "NotAction"],
  ["Resource", "NotResource"],
  ["Principal", "NotPrincipal"],
] as const;
const LISTS = ["Action", "NotAction", "Resource", "NotResource"] as const;
const PRINCIPAL_KINDS = ["AWS", "Service", "Federated", "CanonicalUser"];

/** What a Sid of an identity policy may hold. */
export const SID_PATTERN = /^[A-Za-z0-9]*$/;

/** True for a document whose members are those of the grammar, of the right types. */
export function followsGrammar(document: unknown): document is Json {
  if (!isObject(document)) return false;
  if (Object.keys(document).some((key) => !DOCUMENT_KEYS.has(key))) return false;
  if (!VERSIONS.includes(document["Version"]) || !isOptionalString(document["Id"])) return false;
  const statement = document["Statement"];
  const list = Array.isArray(statement) ? statement : [statement];
  return list.length > 0 && list.every((one) => isObject(one) && !hasStatementErrors(one));
}

function hasStatementErrors(statement: Json): boolean {
  if (Object.keys(statement).some((key) => !STATEMENT_KEYS.has(key))) return true;
  if (PAIRS.some(([one, other]) => one in statement && other in statement)) return true;
  const effect = statement["Effect"];
  if (typeof effect !== "string" || !/^(allow|deny)$/i.test(effect)) return true;
  if (!isOptionalString(statement["Sid"])) return true;
  if (LISTS.some((key) => key in statement && !isStringOrStrings(statement[key]))) return true;
  if (["Principal", "NotPrincipal"].some((key) => key in statement && hasPrincipalErrors(statement[key]))) return true;
  return "Condition" in statement && hasConditionErrors(statement["Condition"]);
}

function hasPrincipalErrors(principal: unknown): boolean {
  if (typeof principal === "string") return false;
  return (
    !isObject(principal) ||
    Object.entries(principal).some(([kind, names]) => !PRINCIPAL_KINDS.includes(kind) || !isStringOrStrings(names))
  );
}

function hasConditionErrors(condition: unknown): boolean {
  if (!isObject(condition)) return true;
  return Object.entries(condition).some(([operator, keys]) => {
    if (!isObject(keys)) return true;
    const values = Object.values(keys);
    // AWS: an unknown operator passes as long as it holds no key.
    if (values.length > 0 && !parseOperator(operator)) return true;
    return values.some((value) => !listed(value).every(isScalar));
  });
}

/** True when a Date operator has a value that IAM cannot read as a date; its reader is more lenient than the W3C's form. */
export function hasInvalidDate(condition: unknown): boolean {
  if (!isObject(condition)) return false;
  return Object.entries(condition).some(
    ([operator, keys]) =>
      parseOperator(operator)?.base.startsWith("Date") &&
      Object.values(keys as Json).some((value) => listed(value).some((date) => !isDate(String(date)))),
  );
}

const LAST_EPOCH = 9_223_372_036_854_775_807n;
const [FIRST_YEAR, LAST_YEAR] = [-292_275_054, 292_278_993];
const LENIENT_ISO =
  /^(-?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:t(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d{1,9})?)?)?(?:z|[+-]\d{2}(?::?\d{2})?)?)?)?$/i;

function isDate(text: string): boolean {
  if (/^\d{1,19}$/.test(text)) return BigInt(text) <= LAST_EPOCH;
  const match = LENIENT_ISO.exec(text);
  if (!match) return false;
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map((part) => toNumber(part));
  const isYear = year !== undefined && year >= FIRST_YEAR && year <= LAST_YEAR;
  return isYear && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 59;
}

const toNumber = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isOptionalString = (value: unknown): boolean => value === undefined || typeof value === "string";
const isScalar = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
const isStringOrStrings = (value: unknown): boolean =>
  typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));
const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** The strings of a member without syntax errors. */
export const strings = (value: unknown): readonly string[] =>
  value === undefined ? [] : (listed(value) as readonly string[]);
