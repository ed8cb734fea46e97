/** PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: the policy that counts in every decision on the secret. */
import { validatePolicy } from "../../authorize/index.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import { operation } from "../service.ts";
import { malformedPolicy, markedForDeletion, publicPolicy, reference } from "./errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { secretArn } from "./records.ts";
import { conditionsOf, secretAccess } from "./secret-access.ts";
import type {
  DeleteResourcePolicyRequest,
  DeleteResourcePolicyResponse,
  GetResourcePolicyRequest,
  GetResourcePolicyResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
} from "./shapes.gen.ts";

const errors = [...lookupErrors, markedForDeletion];

export const putResourcePolicy = operation<PutResourcePolicyRequest, PutResourcePolicyResponse>({
  name: "PutResourcePolicy",
  support: "partial",
  gaps: [
    "whether a named principal exists is not checked",
    "`BlockPublicPolicy` refuses statements for everybody without a condition; AWS reasons about conditions too",
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
    const found = requireLiveSecret(context, input.SecretId);
    const policy = validatePolicy(input.ResourcePolicy, "resource");
    if (!policy.ok) throw malformedPolicy(problemOf(policy.error));
    if (input.BlockPublicPolicy && isPublic(policy.value)) throw publicPolicy();
    const record = await changeSecret(context, found, (current) => ({ ...current, policyText: input.ResourcePolicy }));
    return { ARN: secretArn(record), Name: record.name };
  },
});

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
      return rest;
    });
    return { ARN: secretArn(record), Name: record.name };
  },
});

interface Statement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

function isPublic(policy: PolicyDocument): boolean {
  const statements = [policy["Statement"]].flat() as readonly Statement[];
  return statements.some(
    ({ Effect, Principal, Condition }) => Effect === "Allow" && Condition === undefined && isEverybody(Principal),
  );
}

const isEverybody = (principal: unknown): boolean =>
  principal === "*" ||
  (typeof principal === "object" && principal !== null && [(principal as { AWS?: unknown }).AWS].flat().includes("*"));
