/**
 * Policy documents on their way in and out of IAM: checked against the grammar and the quotas, percent-encoded in answers.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html (RFC 3986 encoding)
 */
import { type PolicyKind, policySize, validatePolicy } from "../../../authorize/index.ts";
import { parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import { trustedArns, uniqueIdOf } from "../../../identity/index.ts";
import type { OperationContext } from "../../service.ts";
import { malformedPolicyDocument, quotaExceeded } from "../errors.ts";

/** Of a trust policy, without white space. */
export const MAX_TRUST_BYTES = 2_048;
/** Of a managed policy, without white space. */
export const MAX_MANAGED_BYTES = 6_144;

/** The parsed document; throws MalformedPolicyDocument. */
export function requireValidDocument(text: string, kind: PolicyKind): PolicyDocument {
  const result = validatePolicy(text, kind);
  if (!result.ok) throw malformedPolicyDocument(result.error);
  return result.value;
}

/** A managed policy's document: valid and within its quota. */
export function requireManagedDocument(text: string): void {
  requireValidDocument(text, "identity");
  if (policySize(text) > MAX_MANAGED_BYTES) throw quotaExceeded("PolicySize", MAX_MANAGED_BYTES);
}

/** A trust policy with the unique ids of the users and roles it names; each must exist, if it is of this account. */
export function requireTrustPolicy(
  text: string,
  { store, scope }: OperationContext,
): { readonly trustPolicy: string; readonly trustedIds: Readonly<Record<string, string>> } {
  const document = requireValidDocument(text, "trust");
  if (policySize(text) > MAX_TRUST_BYTES) throw quotaExceeded("ACLSizePerRole", MAX_TRUST_BYTES);
  const trustedIds: Record<string, string> = {};
  for (const arn of trustedArns(document)) {
    const id = uniqueIdOf(store, arn);
    if (id !== undefined) trustedIds[arn] = id;
    else if (parseArn(arn)?.accountId === scope.accountId) {
      throw malformedPolicyDocument(`Invalid principal in policy: "AWS":"${arn}"`);
    }
  }
  return { trustPolicy: text, trustedIds };
}

/** As documents stand in answers. */
export const encodeDocument = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
