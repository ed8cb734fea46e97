/**
 * What IAM accepts as a policy document, with the texts of `MalformedPolicyDocument` in the order of IAM's checks.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; the texts were seen on AWS.
 * IAM accepts unknown actions, services and condition keys; so does this.
 * Gap: whether a named principal exists is for the service that saves the policy.
 */
import type { PolicyDocument } from "../core/aws.ts";
import { err, ok, type Result } from "../core/result.ts";
import { parsePolicyDate } from "./conditions/dates.ts";
import { parseOperator } from "./conditions/operators.ts";
import { invalidPrincipal } from "./validate-principal.ts";
import { invalidResource, isLegacyResource } from "./validate-resource.ts";

/** `identity` also covers managed policies, boundaries and session policies; `key` is KMS's. */
export type PolicyKind = "identity" | "trust" | "key" | "resource";

type Json = Readonly<Record<string, unknown>>;

/** Each rule returns AWS's text when the policy breaks it. */
type Rule = (document: Json, statements: readonly Json[], kind: PolicyKind) => string | undefined;

/** The parsed document, or AWS's message for the first rule it breaks. */
export function validatePolicy(text: string, kind: PolicyKind): Result<PolicyDocument, string> {
  const document = parseJson(text);
  if (document === undefined) return err(kind === "trust" ? "This policy contains invalid Json" : SYNTAX);
  if (!isObject(document) || hasSyntaxErrors(document, kind)) return err(SYNTAX);
  const statements = statementsOf(document);
  for (const rule of RULES) {
    const message = rule(document, statements, kind);
    if (message !== undefined) return err(message);
  }
  return ok(document);
}

/** Characters that count towards a quota: AWS leaves white space out. */
export const policySize = (text: string): number => text.replace(/\s/g, "").length;

const SYNTAX = "Syntax errors in policy.";
const LEGACY = "The policy failed legacy parsing";

const RULES: readonly Rule[] = [
  (document, _statements, kind) =>
    kind === "identity" && document["Version"] !== "2012-10-17"
      ? "Policy document must be version 2012-10-17 or greater."
      : undefined,
  (_document, statements) => (statements.some(failsLegacyParsing) ? LEGACY : undefined),
  (_document, statements) =>
    hasDuplicates(statements.map((s) => s["Sid"]).filter((sid) => sid !== undefined && sid !== ""))
      ? "Statement IDs (SID) in a single policy must be unique."
      : undefined,
  (_document, statements) =>
    statements.some((s) => strings(s["Action"] ?? s["NotAction"]).length === 0)
      ? "Policy statement must contain actions."
      : undefined,
  (_document, statements) =>
    firstOf(statements, (s) => firstOf(strings(s["Resource"] ?? s["NotResource"]), invalidResource)),
  (_document, statements) => firstOf(statements, (s) => firstOf(strings(s["Action"] ?? s["NotAction"]), invalidAction)),
  (_document, statements, kind) =>
    kind === "identity" && statements.some((s) => strings(s["Resource"] ?? s["NotResource"]).length === 0)
      ? "Policy statement must contain resources."
      : undefined,
  (_document, statements, kind) =>
    kind === "identity" && statements.some((s) => "Principal" in s || "NotPrincipal" in s)
      ? "Policy document should not specify a principal."
      : undefined,
  (_document, statements, kind) => (kind === "trust" ? firstOf(statements, prohibitedInTrust) : undefined),
  (_document, statements, kind) => (kind === "trust" ? firstOf(statements, invalidTrustAction) : undefined),
  (_document, statements, kind) =>
    kind === "identity" ? undefined : firstOf(statements, (s) => invalidPrincipal(s, kind)),
];

const DOCUMENT_KEYS = new Set(["Version", "Id", "Statement"]);
const VERSIONS: readonly unknown[] = [undefined, "2012-10-17", "2008-10-17"];

function hasSyntaxErrors(document: Json, kind: PolicyKind): boolean {
  if (Object.keys(document).some((key) => !DOCUMENT_KEYS.has(key))) return true;
  if (!VERSIONS.includes(document["Version"]) || !isOptionalString(document["Id"])) return true;
  const statement = document["Statement"];
  const list = Array.isArray(statement) ? statement : [statement];
  return list.length === 0 || list.some((one) => !isObject(one) || hasStatementErrors(one, kind));
}

const STATEMENT_KEYS = new Set([
  ...["Sid", "Effect", "Principal", "NotPrincipal"],
  ...["Action", "NotAction", "Resource", "NotResource", "Condition"],
]);
const PAIRS = [
  ["Action", "NotAction"],
  ["Resource", "NotResource"],
  ["Principal", "NotPrincipal"],
] as const;

function hasStatementErrors(statement: Json, kind: PolicyKind): boolean {
  if (Object.keys(statement).some((key) => !STATEMENT_KEYS.has(key))) return true;
  if (PAIRS.some(([one, other]) => one in statement && other in statement)) return true;
  const effect = statement["Effect"];
  if (typeof effect !== "string" || !/^(allow|deny)$/i.test(effect)) return true;
  const sid = statement["Sid"];
  if (!isOptionalString(sid)) return true;
  if (kind === "identity" && sid !== undefined && !/^[A-Za-z0-9]*$/.test(sid as string)) return true;
  const lists = ["Action", "NotAction", "Resource", "NotResource"];
  if (lists.some((key) => key in statement && !isStringOrStrings(statement[key]))) return true;
  if (["Principal", "NotPrincipal"].some((key) => key in statement && hasPrincipalErrors(statement[key]))) return true;
  return "Condition" in statement && hasConditionErrors(statement["Condition"]);
}

function hasPrincipalErrors(principal: unknown): boolean {
  if (principal === "*") return false;
  const kinds = ["AWS", "Service", "Federated", "CanonicalUser"];
  if (typeof principal === "string") return false;
  return (
    !isObject(principal) ||
    Object.entries(principal).some(([kind, names]) => !kinds.includes(kind) || !isStringOrStrings(names))
  );
}

function hasConditionErrors(condition: unknown): boolean {
  if (!isObject(condition)) return true;
  return Object.entries(condition).some(([operator, keys]) => {
    if (!isObject(keys)) return true;
    const values = Object.values(keys);
    // AWS: an unknown operator passes as long as it holds no key.
    if (values.length > 0 && !parseOperator(operator)) return true;
    return values.some((value) => !(Array.isArray(value) ? value : [value]).every(isScalar));
  });
}

function failsLegacyParsing(statement: Json): boolean {
  if (statement["Effect"] !== "Allow" && statement["Effect"] !== "Deny") return true;
  if (hasInvalidDate(statement["Condition"])) return true;
  return strings(statement["Resource"] ?? statement["NotResource"]).some(isLegacyResource);
}

function hasInvalidDate(condition: unknown): boolean {
  if (!isObject(condition)) return false;
  return Object.entries(condition).some(
    ([operator, keys]) =>
      parseOperator(operator)?.base.startsWith("Date") &&
      Object.values(keys as Json).some((value) =>
        (Array.isArray(value) ? value : [value]).some((date) => parsePolicyDate(String(date)) === undefined),
      ),
  );
}

function invalidAction(action: string): string | undefined {
  if (action === "*") return undefined;
  const [vendor = "", ...rest] = action.split(":");
  if (rest.length === 0) return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  if (rest.length > 1) return "Actions/Condition can contain only one colon.";
  return /^[A-Za-z0-9.-]+$/.test(vendor) ? undefined : `Vendor ${vendor} is not valid`;
}

function prohibitedInTrust(statement: Json): string | undefined {
  if ("Resource" in statement) return "Has prohibited field Resource";
  if ("NotResource" in statement) return "Has prohibited field NotResource";
  if ("NotPrincipal" in statement) return "Has prohibited field NotPrincipal";
  return "Principal" in statement ? undefined : "Missing required field Principal";
}

function invalidTrustAction(statement: Json): string | undefined {
  const isOfSts = strings(statement["Action"] ?? statement["NotAction"]).every((action) => /^sts:/i.test(action));
  return isOfSts ? undefined : "AssumeRole policy may only specify STS AssumeRole actions.";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function statementsOf(document: PolicyDocument): readonly Json[] {
  const statement = document["Statement"];
  return (Array.isArray(statement) ? statement : [statement]) as readonly Json[];
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isOptionalString = (value: unknown): boolean => value === undefined || typeof value === "string";
const isScalar = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
const isStringOrStrings = (value: unknown): boolean =>
  typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));
const hasDuplicates = (values: readonly unknown[]): boolean => new Set(values).size < values.length;

const strings = (value: unknown): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as string[]) : [value as string];

function firstOf<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const message = check(item);
    if (message !== undefined) return message;
  }
  return undefined;
}
