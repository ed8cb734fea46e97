/**
 * PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy, ValidateResourcePolicy: the policy that counts in every
 * decision on the secret.
 */
import { validatePolicy } from "../../authorize/index.ts";
import { arnIn } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import { operation } from "../service.ts";
import { malformedPolicy, markedForDeletion, publicPolicy, reference } from "./errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { isPublic } from "./public-policy.ts";
import { secretArn } from "./records.ts";
import { conditionsOf, secretAccess, withPolicy } from "./secret-access.ts";
import type {
  DeleteResourcePolicyRequest,
  DeleteResourcePolicyResponse,
  GetResourcePolicyRequest,
  GetResourcePolicyResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
  ValidateResourcePolicyRequest,
  ValidateResourcePolicyResponse,
  ValidationErrorsEntry,
} from "./shapes.gen.ts";

const errors = [...lookupErrors, markedForDeletion];

export const putResourcePolicy = operation<PutResourcePolicyRequest, PutResourcePolicyResponse>({
  name: "PutResourcePolicy",
  support: "partial",
  gaps: [
    "whether a named principal exists is not checked",
    "`BlockPublicPolicy` knows conditions that name accounts, principals, sources and networks; AWS reasons about all",
  ],
  source: reference("PutResourcePolicy"),
  authorize: (input, context) => [
    secretAccess(
      context,
      "secretsmanager:PutResourcePolicy",
      input.SecretId,
      conditionsOf({ BlockPublicPolicy: input.BlockPublicPolicy }),
    ),
  ],
  errors: [...errors, malformedPolicy, publicPolicy],
  async run(input, context) {
    const policy = policyIn(input.ResourcePolicy);
    const found = requireLiveSecret(context, input.SecretId);
    if (input.BlockPublicPolicy && isPublic(policy)) throw publicPolicy();
    const record = await changeSecret(context, found, (current) => ({
      ...current,
      policyText: input.ResourcePolicy,
      lastChangedMs: context.clock.nowMs(),
    }));
    return { ARN: secretArn(record), Name: record.name };
  },
});

/** The document, or an error for one that cannot be attached. */
function policyIn(text: string): PolicyDocument {
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) throw malformedPolicy(problemOf(policy.error));
  return policy.value;
}

/** Secrets Manager's words for what IAM's grammar says of a document. */
function problemOf(text: string) {
  if (text.startsWith('Invalid principal in policy: "SERVICE"')) return "an invalid service principal";
  return text.startsWith("Invalid principal in policy") ? "an unsupported principal" : "a syntax error";
}

export const getResourcePolicy = operation<GetResourcePolicyRequest, GetResourcePolicyResponse>({
  name: "GetResourcePolicy",
  support: "supported",
  source: reference("GetResourcePolicy"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:GetResourcePolicy", input.SecretId)],
  errors,
  run(input, context) {
    const record = requireLiveSecret(context, input.SecretId);
    const { name, policyText } = record;
    return { ARN: secretArn(record), Name: name, ...(policyText !== undefined && { ResourcePolicy: policyText }) };
  },
});

export const deleteResourcePolicy = operation<DeleteResourcePolicyRequest, DeleteResourcePolicyResponse>({
  name: "DeleteResourcePolicy",
  support: "supported",
  source: reference("DeleteResourcePolicy"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:DeleteResourcePolicy", input.SecretId)],
  errors,
  async run(input, context) {
    const record = await changeSecret(context, requireLiveSecret(context, input.SecretId), (current) => {
      const { policyText: _, ...rest } = current;
      return { ...rest, lastChangedMs: context.clock.nowMs() };
    });
    return { ARN: secretArn(record), Name: record.name };
  },
});

export const validateResourcePolicy = operation<ValidateResourcePolicyRequest, ValidateResourcePolicyResponse>({
  name: "ValidateResourcePolicy",
  support: "partial",
  gaps: [
    "names and texts of failed checks are Kiln's; AWS does not publish its own",
    "without a `SecretId` it is not checked whether the policy locks the caller out",
  ],
  source: reference("ValidateResourcePolicy"),
  authorize: ({ SecretId }, context) =>
    ["secretsmanager:ValidateResourcePolicy", "secretsmanager:PutResourcePolicy"].map((action) =>
      SecretId === undefined
        ? { action, resource: arnIn(context.scope, "secretsmanager", "secret:*") }
        : secretAccess(context, action, SecretId),
    ),
  errors: [...errors, malformedPolicy],
  run({ SecretId, ResourcePolicy }, context) {
    const policy = policyIn(ResourcePolicy);
    const record = SecretId === undefined ? undefined : requireLiveSecret(context, SecretId);
    const ValidationErrors: ValidationErrorsEntry[] = [];
    if (isPublic(policy)) {
      ValidationErrors.push({ CheckName: "PublicPolicy", ErrorMessage: publicPolicy.definition.message() });
    }
    // AWS: a policy must leave the caller a way to change it.
    if (record) {
      const put = secretAccess(context, "secretsmanager:PutResourcePolicy", secretArn(record));
      if (!context.mayDo([withPolicy(put, record, policy)])) {
        const ErrorMessage = "The resource policy would not allow you to put another resource policy on the secret.";
        ValidationErrors.push({ CheckName: "CallerLockout", ErrorMessage });
      }
    }
    return { PolicyValidationPassed: ValidationErrors.length === 0, ValidationErrors };
  },
});
