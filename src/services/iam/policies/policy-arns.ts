/** ARNs of managed policies in requests: whether they are such ARNs, and whether the account may use what they name. */
import { parseArn } from "../../../core/arn.ts";
import { findManagedPolicy, type PolicyRecord } from "../../../identity/index.ts";
import type { OperationContext } from "../../service.ts";
import { invalidArn, noSuchPolicy } from "../errors.ts";

/** Throws ValidationError for what is no ARN of a managed policy. */
export function requirePolicyArn(arn: string): void {
  const parsed = parseArn(arn);
  if (parsed?.service !== "iam" || !parsed.resource.startsWith("policy/")) throw invalidArn();
}

/** A policy of the account or of AWS; those of other accounts are as if they were not there. */
export function findPolicyInReach(arn: string, { store, scope }: OperationContext): PolicyRecord | undefined {
  const owner = parseArn(arn)?.accountId;
  return owner === "aws" || owner === scope.accountId ? findManagedPolicy(store, arn) : undefined;
}

/** {@link findPolicyInReach} that throws NoSuchEntity. */
export function requirePolicy(arn: string, context: OperationContext): PolicyRecord {
  requirePolicyArn(arn);
  const policy = findPolicyInReach(arn, context);
  if (!policy) throw noSuchPolicy(arn);
  return policy;
}
