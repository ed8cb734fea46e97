/**
 * What IAM accepts as a policy document, with the texts of `MalformedPolicyDocument` in the order of IAM's checks.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; the texts were seen on AWS.
 * Never throws, whatever the text; the cost is that of parsing it. validation-cases/*.json: what AWS answers to which text.
 * IAM accepts unknown actions, services and condition keys; so does this.
 * Gaps: whether a named principal exists is for the service that saves the policy; the rules for trust in OIDC providers;
 * white space before the first brace, which IAM's old parser refused once, is taken.
 */

import type { PolicyDocument } from "../core/aws.ts";
import { err, ok, type Result } from "../core/result.ts";
import { statementsOf } from "./document-lists.ts";
import { invalidPrincipal } from "./validate-principal.ts";
import { invalidResource, isLegacyResource } from "./validate-resource.ts";
import { followsGrammar, hasInvalidDate, type Json, SID_PATTERN, strings } from "./validate-syntax.ts";

/**
 * `identity`: managed policies and boundaries. `inline`: inline and session policies, where AWS lets older versions of
 * the language pass. `simulated`: documents of the policy simulator, service control policies among them, which AWS only
 * evaluates: no rule for versions, ARNs and action names. `key` is KMS's.
 */
export type PolicyKind = "identity" | "inline" | "simulated" | "trust" | "key" | "resource";

const isIdentity = (kind: PolicyKind): boolean => kind === "identity" || kind === "inline" || kind === "simulated";

/** Each rule returns AWS's text when the policy breaks it. */
type Rule = (document: Json, statements: readonly Json[], kind: PolicyKind) => string | undefined;

/** The parsed document, or AWS's message for the first rule it breaks. */
export function validatePolicy(text: string, kind: PolicyKind): Result<PolicyDocument, string> {
  const document = parseJson(text);
  if (document === undefined) return err(kind === "trust" ? "This policy contains invalid Json" : SYNTAX);
  if (!followsGrammar(document)) return err(SYNTAX);
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
  (_document, statements, kind) => (statements.some((s) => failsLegacyParsing(s, kind)) ? LEGACY : undefined),
  (_document, statements, kind) => (hasOddSid(statements, kind) ? ALPHANUMERIC : undefined),
  (_document, statements) =>
    hasDuplicates(statements.map((s) => s["Sid"]).filter((sid) => sid !== undefined && sid !== ""))
      ? "Statement IDs (SID) in a single policy must be unique."
      : undefined,
  // AWS: KMS takes statements without actions and lets them have no effect.
  (_document, statements, kind) =>
    kind !== "key" && statements.some((s) => actionsOf(s).length === 0)
      ? "Policy statement must contain actions."
      : undefined,
  (_document, statements, kind) =>
    isIdentity(kind) && statements.some((s) => resourcesOf(s).length === 0)
      ? "Policy statement must contain resources."
      : undefined,
  (_document, statements, kind) =>
    kind === "simulated" ? undefined : firstOf(statements, (s) => firstOf(inOrder(resourcesOf(s)), invalidResource)),
  (_document, statements, kind) =>
    kind === "simulated" ? undefined : firstOf(statements, (s) => firstOf(actionsOf(s), invalidAction)),
  (_document, statements, kind) =>
    isIdentity(kind) && statements.some((s) => "Principal" in s || "NotPrincipal" in s)
      ? "Policy document should not specify a principal."
      : undefined,
  (_document, statements, kind) => (kind === "trust" ? firstOf(statements, prohibitedInTrust) : undefined),
  (_document, statements, kind) => (kind === "trust" ? firstOf(statements, invalidTrustAction) : undefined),
  (_document, statements, kind) =>
    isIdentity(kind) ? undefined : firstOf(statements, (s) => invalidPrincipal(s, kind)),
];

const ALPHANUMERIC =
  "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";

const hasOddSid = (statements: readonly Json[], kind: PolicyKind): boolean =>
  (kind === "identity" || kind === "inline") && statements.some((s) => !SID_PATTERN.test(String(s["Sid"] ?? "")));

function failsLegacyParsing(statement: Json, kind: PolicyKind): boolean {
  if (statement["Effect"] !== "Allow" && statement["Effect"] !== "Deny") return true;
  if (hasInvalidDate(statement["Condition"])) return true;
  return kind !== "simulated" && resourcesOf(statement).some(isLegacyResource);
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

const TRUST_ACTIONS = [
  ...["assumerole", "assumerolewithsaml", "assumerolewithwebidentity"],
  ...["tagsession", "setsourceidentity", "setcontext"],
];

/** AWS: other actions of STS, and names that are none, are refused too; a wildcard must stand for one of them. */
function invalidTrustAction(statement: Json): string | undefined {
  const isOfTrust = (action: string): boolean => {
    const [vendor, name = ""] = action.toLowerCase().split(":");
    const prefix = name.replace(/[*?].*$/, "");
    return vendor === "sts" && TRUST_ACTIONS.some((one) => (prefix === name ? one === name : one.startsWith(prefix)));
  };
  const areOfTrust = actionsOf(statement).every(isOfTrust);
  return areOfTrust ? undefined : "AssumeRole policy may only specify STS AssumeRole actions.";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const actionsOf = (statement: Json): readonly string[] => strings(statement["Action"] ?? statement["NotAction"]);
const resourcesOf = (statement: Json): readonly string[] => strings(statement["Resource"] ?? statement["NotResource"]);
/** AWS: of several wrong resources of a statement the first in the order of their characters is told. */
const inOrder = (resources: readonly string[]): readonly string[] => [...resources].sort();
const hasDuplicates = (values: readonly unknown[]): boolean => new Set(values).size < values.length;

function firstOf<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const message = check(item);
    if (message !== undefined) return message;
  }
  return undefined;
}
