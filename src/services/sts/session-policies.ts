/**
 * Session policies: the inline one and managed ones, OR-ed together, limiting the session.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
 * Gap: AWS packs policies and tags into a binary form; here the size is that of the texts.
 */
import { validatePolicy } from "../../authorize/index.ts";
import { parseArn } from "../../core/arn.ts";
import type { AssumedRolePrincipal, PolicyDocument } from "../../core/aws.ts";
import { defaultDocumentText, findManagedPolicy, isAwsManaged, parsedDocument } from "../../identity/index.ts";
import type { OperationContext } from "../service.ts";
import { malformedPolicyDocument, noSuchSessionPolicy, packedPolicyTooLarge, tooManyPolicyArns } from "./errors.ts";
import type { AssumeRoleRequest } from "./shapes.gen.ts";

/** What {@link sessionPoliciesOf} and {@link packedPolicySize} throw. */
export const sessionPolicyErrors = [
  malformedPolicyDocument,
  packedPolicyTooLarge,
  noSuchSessionPolicy,
  tooManyPolicyArns,
];

type SessionInput = Pick<AssumeRoleRequest, "Policy" | "PolicyArns" | "Tags">;

const MAX_PACKED_BYTES = 2_048;
const MAX_POLICY_ARNS = 10;

/**
 * The members of a session of `accountId` that hold its policies, the inline one first. AWS: managed ones must be of the
 * session's account.
 */
export function sessionPoliciesOf(
  input: SessionInput,
  { store }: OperationContext,
  accountId: string,
): Pick<AssumedRolePrincipal, "sessionPolicies" | "sessionPolicyArns"> {
  const arns = input.PolicyArns ?? [];
  if (arns.length > MAX_POLICY_ARNS) throw tooManyPolicyArns(MAX_POLICY_ARNS);
  const sessionPolicies: PolicyDocument[] = [];
  if (input.Policy !== undefined) {
    const result = validatePolicy(input.Policy, "inline");
    if (!result.ok) throw malformedPolicyDocument(result.error);
    sessionPolicies.push(result.value);
  }
  for (const { arn = "" } of arns) {
    const isUsable = isAwsManaged(arn) || parseArn(arn)?.accountId === accountId;
    const policy = isUsable ? findManagedPolicy(store, arn) : undefined;
    if (!policy) throw noSuchSessionPolicy(arn);
    sessionPolicies.push(parsedDocument(defaultDocumentText(policy)));
  }
  return { sessionPolicies, ...(arns.length > 0 && { sessionPolicyArns: arns.map(({ arn = "" }) => arn) }) };
}

/** Per cent of the space for policies and tags; undefined when the request has neither. */
export function packedPolicySize({ Policy, PolicyArns = [], Tags = [] }: SessionInput): number | undefined {
  if (Policy === undefined && PolicyArns.length === 0 && Tags.length === 0) return undefined;
  const bytes =
    (Policy?.length ?? 0) +
    PolicyArns.reduce((sum, { arn = "" }) => sum + arn.length, 0) +
    Tags.reduce((sum, tag) => sum + tag.Key.length + tag.Value.length, 0);
  const percent = Math.ceil((bytes * 100) / MAX_PACKED_BYTES);
  if (percent > 100) throw packedPolicyTooLarge(percent);
  return percent;
}
