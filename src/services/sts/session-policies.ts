/**
 * Session policies of AssumeRole: the inline one and managed ones, OR-ed together, limiting the session.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
 * Gap: AWS packs policies and tags into a binary form; here the size is that of the texts.
 */
import { validatePolicy } from "../../authorize/index.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import { defaultDocumentText, findManagedPolicy, parsedDocument } from "../../identity/index.ts";
import type { OperationContext } from "../service.ts";
import { malformedPolicyDocument, noSuchSessionPolicy, packedPolicyTooLarge } from "./errors.ts";
import type { AssumeRoleRequest } from "./shapes.gen.ts";

const MAX_PACKED_BYTES = 2_048;

export function sessionPoliciesOf(input: AssumeRoleRequest, { store }: OperationContext): PolicyDocument[] {
  const documents: PolicyDocument[] = [];
  if (input.Policy !== undefined) {
    const result = validatePolicy(input.Policy, "identity");
    if (!result.ok) throw malformedPolicyDocument(result.error);
    documents.push(result.value);
  }
  for (const { arn = "" } of input.PolicyArns ?? []) {
    const policy = findManagedPolicy(store, arn);
    if (!policy) throw noSuchSessionPolicy(arn);
    documents.push(parsedDocument(defaultDocumentText(policy)));
  }
  return documents;
}

/** Per cent of the space for policies and tags; undefined when the request has neither. */
export function packedPolicySize(input: AssumeRoleRequest): number | undefined {
  const tags = input.Tags ?? [];
  if (input.Policy === undefined && !input.PolicyArns?.length && tags.length === 0) return undefined;
  const arns = input.PolicyArns ?? [];
  const bytes =
    (input.Policy?.length ?? 0) +
    arns.reduce((sum, { arn = "" }) => sum + arn.length, 0) +
    tags.reduce((sum, tag) => sum + tag.Key.length + tag.Value.length, 0);
  const percent = Math.ceil((bytes * 100) / MAX_PACKED_BYTES);
  if (percent > 100) throw packedPolicyTooLarge(percent);
  return percent;
}
