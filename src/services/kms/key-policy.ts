/** GetKeyPolicy, PutKeyPolicy, ListKeyPolicies. A key has exactly one policy, named `default`. */
import { validatePolicy } from "../../authorize/index.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import { type OperationContext, operation } from "../service.ts";
import { changeKey } from "./change-key.ts";
import { foreignRegion, invalidKeyId, keyNotFound, lockedOut, malformedPolicy, policyNotFound } from "./errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "./find-key.ts";
import { bypassCondition, keyAccess } from "./key-access.ts";
import type { KeyRecord } from "./records.ts";
import type {
  GetKeyPolicyRequest,
  GetKeyPolicyResponse,
  ListKeyPoliciesRequest,
  ListKeyPoliciesResponse,
  PutKeyPolicyRequest,
} from "./shapes.gen.ts";

const lookupErrors = [keyNotFound, invalidKeyId, foreignRegion];

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
    // AWS: the document comes back indented by two spaces, with a space on both sides of the colons.
    return {
      Policy: JSON.stringify(key.policy, null, 2).replace(/^( *"(?:[^"\\]|\\.)*"): /gm, "$1 : "),
      PolicyName: "default",
    };
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
  errors: [...lookupErrors, policyNotFound, malformedPolicy, lockedOut],
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

/** The document, or a MalformedPolicyDocumentException. */
export function parseKeyPolicy(text: string): PolicyDocument {
  const result = validatePolicy(text, "key");
  if (!result.ok) throw malformedPolicy(result.error);
  return result.value;
}
