/** The Principal rules of resource policies, with the texts of IAM and KMS. Part of validate-policy.ts. */
import { listOfStrings } from "./document-lists.ts";
import type { PolicyKind } from "./validate-policy.ts";

/** AWS's text for a statement whose Principal is missing or cannot be a principal. */
export function invalidPrincipal(statement: Readonly<Record<string, unknown>>, kind: PolicyKind): string | undefined {
  const element = statement["Principal"] ?? statement["NotPrincipal"];
  if (element === undefined) return kind === "key" ? KEY_TEXT : "Missing required field Principal";
  if (element === "*") return undefined;
  if (typeof element === "string") return textFor(kind, "STATIC", element);
  const entries = Object.entries(element as Record<string, unknown>);
  if (entries.every(([, names]) => listOfStrings(names).length === 0)) {
    return kind === "key" ? KEY_TEXT : NO_PRINCIPALS;
  }
  for (const [type, names] of entries) {
    const isValid = VALID[type];
    for (const name of listOfStrings(names)) {
      if (!isValid?.test(name)) return textFor(kind, type.toUpperCase(), name);
    }
  }
  return undefined;
}

const KEY_TEXT = "Policy contains a statement with one or more invalid principals.";
const NO_PRINCIPALS =
  "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!";

const textFor = (kind: PolicyKind, type: string, name: string): string =>
  kind === "key" ? KEY_TEXT : invalidPrincipalText(type, name);

/** `type` in capitals, as IAM prints it: `AWS`, `SERVICE`, `FEDERATED`. */
const invalidPrincipalText = (type: string, name: string): string => `Invalid principal in policy: "${type}":"${name}"`;

const VALID: Readonly<Record<string, RegExp>> = {
  AWS: /^(\*|\d{12}|A(ROA|IDA)[A-Z2-7]{12,}|arn:[\w-]+:iam::\d{12}:(root|(user|role)\/[^*?]+)|arn:[\w-]+:sts::\d{12}:(assumed-role|federated-user)\/[^*?]+)$/,
  Service: /^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$/,
  Federated: /^(arn:[\w-]+:iam::\d{12}:(saml-provider|oidc-provider)\/.+|[a-z0-9.-]+(\/.*)?)$/,
  CanonicalUser: /^[0-9a-f]{64}$/,
};
