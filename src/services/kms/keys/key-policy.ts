/** GetKeyPolicy, PutKeyPolicy, ListKeyPolicies. A key has exactly one policy, named `default`. */
import { validatePolicy } from "../../../authorize/index.ts";
import { globalArnIn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import { type OperationContext, operation } from "../../service.ts";
import { changeKey } from "../change-key.ts";
import { lockedOut, lookupErrors, malformedPolicy, policyNotFound, policyTooLarge } from "../errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { bypassCondition, keyAccess } from "../key-access.ts";
import type { KeyRecord } from "../records.ts";
import type {
  GetKeyPolicyRequest,
  GetKeyPolicyResponse,
  ListKeyPoliciesRequest,
  ListKeyPoliciesResponse,
  PutKeyPolicyRequest,
} from "../shapes.gen.ts";

/** What {@link newKeyPolicy} and {@link requireChangeable} answer. */
export const policyErrors = [malformedPolicy, policyTooLarge, lockedOut];

const MAX_POLICY_BYTES = 32 * 1024;

export const getKeyPolicy = operation<GetKeyPolicyRequest, GetKeyPolicyResponse>({
  name: "GetKeyPolicy",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:GetKeyPolicy", await soughtKeyNotAlias(context, input.KeyId)),
  ],
  errors: [...lookupErrors, policyNotFound],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    requireDefaultName(input.PolicyName);
    return { Policy: policyText(key.policy), PolicyName: "default" };
  },
});

export const putKeyPolicy = operation<PutKeyPolicyRequest, object>({
  name: "PutKeyPolicy",
  support: "partial",
  gaps: ["whether a named principal exists is not checked"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:PutKeyPolicy", await soughtKeyNotAlias(context, input.KeyId), {
      ...bypassCondition(input.BypassPolicyLockoutSafetyCheck),
    }),
  ],
  errors: [...lookupErrors, policyNotFound, ...policyErrors],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    requireDefaultName(input.PolicyName);
    const policy = parseKeyPolicy(input.Policy);
    if (!input.BypassPolicyLockoutSafetyCheck) requireChangeable(context, { ...key, policy });
    await changeKey(context, key, (current) => ({ ...current, policy }));
    return {};
  },
});

export const listKeyPolicies = operation<ListKeyPoliciesRequest, ListKeyPoliciesResponse>({
  name: "ListKeyPolicies",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:ListKeyPolicies", await soughtKeyNotAlias(context, input.KeyId)),
  ],
  errors: lookupErrors,
  run: () => ({ PolicyNames: ["default"], Truncated: false }),
});

/** AWS: the document comes back in its own form, whatever form it was put in: members on lines, lists in one. */
export const policyText = (policy: PolicyDocument): string => formatted(policy, "");

function formatted(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "[ ]" : `[ ${value.map((item) => formatted(item, indent)).join(", ")} ]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)} : ${formatted(member, inner)}`,
  );
  return members.length === 0 ? "{ }" : `{\n${members.join(",\n")}\n${indent}}`;
}

function requireDefaultName(policyName = "default"): void {
  if (policyName !== "default") throw policyNotFound();
}

/**
 * AWS: the caller must be able to change the policy again. That others could is not enough, nor is a new policy that
 * leaves it to identity policies when the caller's do not allow PutKeyPolicy.
 */
export function requireChangeable(context: OperationContext, key: KeyRecord): void {
  if (!context.mayDo([keyAccess(context, "kms:PutKeyPolicy", { key })])) throw lockedOut();
}

/** The policy of a key that is made: the given one, or AWS's default. */
export const newKeyPolicy = (context: OperationContext, text: string | undefined): PolicyDocument =>
  text === undefined ? defaultKeyPolicy(globalArnIn(context.scope, "iam", "root")) : parseKeyPolicy(text);

/** Hands the decision to IAM: whoever the account's policies allow. */
const defaultKeyPolicy = (rootArn: string): PolicyDocument => ({
  Version: "2012-10-17",
  Id: "key-default-1",
  Statement: [
    {
      Sid: "Enable IAM User Permissions",
      Effect: "Allow",
      Principal: { AWS: rootArn },
      Action: "kms:*",
      Resource: "*",
    },
  ],
});

/** The document, or a MalformedPolicyDocumentException, or a LimitExceededException for its size. */
function parseKeyPolicy(text: string): PolicyDocument {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) throw policyTooLarge(MAX_POLICY_BYTES);
  const result = validatePolicy(text, "key");
  if (!result.ok) throw malformedPolicy(result.error);
  return result.value;
}
