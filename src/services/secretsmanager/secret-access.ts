/**
 * What must be allowed to touch a secret: the action on its full ARN, with the secret's resource policy and condition
 * keys; what does not exist is authorised, and printed, as the caller wrote it.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import { arnIn } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { OperationContext } from "../service.ts";
import { findSecret } from "./find-secret.ts";
import { type SecretRecord, secretArn } from "./records.ts";

/** One action on one secret. Throws for what cannot be a SecretId. */
export function secretAccess(
  context: OperationContext,
  action: string,
  secretId: string,
  conditionKeys: RequestContext = {},
): AuthorizationRequest {
  const record = findSecret(context, secretId);
  if (!record) {
    return { action, resource: secretId, context: { ...conditionKeys, "secretsmanager:SecretId": secretId } };
  }
  const arn = secretArn(record);
  const values: Record<string, string | readonly string[]> = {
    ...conditionKeys,
    "secretsmanager:SecretId": arn,
    "secretsmanager:SecretPrimaryRegion": record.region,
    ...(record.rotation && { "secretsmanager:resource/AllowRotationLambdaArn": record.rotation.functionArn }),
  };
  for (const [key, value] of Object.entries(record.tags ?? {})) {
    values[`aws:ResourceTag/${key}`] = value;
    values[`secretsmanager:ResourceTag/${key}`] = value;
  }
  return {
    action,
    resource: arn,
    context: values,
    ...(record.policyText !== undefined && resourcePolicy(record, JSON.parse(record.policyText))),
  };
}

const resourcePolicy = (
  record: SecretRecord,
  document: PolicyDocument,
): Pick<AuthorizationRequest, "resourcePolicy"> => ({
  resourcePolicy: {
    name: `resource policy of ${secretArn(record)}`,
    document,
    accountId: record.accountId,
    mandatory: false,
  },
});

/** The request as it would be decided with another resource policy on the secret. */
export const withPolicy = (
  request: AuthorizationRequest,
  record: SecretRecord,
  policy: PolicyDocument,
): AuthorizationRequest => ({ ...request, ...resourcePolicy(record, policy) });

/** Actions without a resource; AWS's denial names none. */
export const anySecret = (action: string): AuthorizationRequest => ({ action, resource: "*", resourceText: "" });

/** Condition keys of the KMS key that a secret is to have. Gap: the ARN of a key that is named by alias is not told. */
export function keyConditions(context: OperationContext, kmsKeyId: string | undefined): RequestContext {
  if (!kmsKeyId) return {};
  const isAlias = /(^|:)alias\//.test(kmsKeyId);
  const arn = kmsKeyId.startsWith("arn:") ? kmsKeyId : arnIn(context.scope, "kms", `key/${kmsKeyId}`);
  return {
    "secretsmanager:KmsKeyId": kmsKeyId,
    ...(!isAlias && { "secretsmanager:KmsKeyArn": arn }),
  };
}

/** Those of `values` that the request has, as condition keys. */
export function conditionsOf(values: Readonly<Record<string, string | number | boolean | undefined>>): RequestContext {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [`secretsmanager:${key}`, String(value)]));
}
