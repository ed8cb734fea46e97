/**
 * Whose resource a request is about: the caller's account, another, or nobody's.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
 */
import { isAccountId, isArnOfAccount } from "../core/arn.ts";
import type { EvaluationInput } from "./decision.ts";
import type { ArnParts } from "./resource-pattern.ts";

const ACCOUNT_PART = 4;

/** The resource belongs to another account than the caller, so that both sides must allow. */
export function isOfOtherAccount({ principal, request }: EvaluationInput, resourceParts: ArnParts): boolean {
  if (principal.type === "AWSService") return false;
  const owner = request.resourcePolicy?.accountId ?? request.resourceAccountId ?? resourceParts?.[ACCOUNT_PART];
  // Resources without an account (`*`, S3) and AWS's own (`aws`) count as the caller's.
  return owner !== undefined && owner !== principal.accountId && isAccountId(owner);
}

/**
 * AWS: the account's root user has no policies of its own and may do in its account what no resource's policy and no
 * service control policy is asked about.
 */
export function isRootByDefault(input: EvaluationInput): boolean {
  const { principal, policies, request } = input;
  return principal.type === "Root" && !request.resourcePolicy && !policies.organization?.length && isInAccount(input);
}

/** True when the resource's ARN has the caller's account, and nothing says otherwise. */
const isInAccount = ({ principal, request }: EvaluationInput): boolean =>
  request.resourceAccountId === undefined && isArnOfAccount(request.resource, principal.accountId);
