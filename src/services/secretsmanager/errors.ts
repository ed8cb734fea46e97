/**
 * Every error the Secrets Manager operations answer, besides the ones any service can answer. All are HTTP 400.
 * Sources: the operations' Errors sections, e.g.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html, recorded responses and texts
 * seen in public reports. Texts marked `unverified` have not been seen on AWS; correct them here, in one line.
 */
import type { AwsScope } from "../../core/arn.ts";
import { awsError } from "../../core/errors.ts";
import { type KmsFailure, kmsText } from "../kms-failure.ts";

export const reference = (operation: string): string =>
  `https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_${operation}.html`;

// AWS: modelled exceptions of this service carry their text as `Message`.
const client = { status: 400, fault: "client", messageMember: "Message" } as const;
const text = (message: string): string => message;

/** Not in the service's model, hence with a small `message`. */
export const invalidName = awsError({
  status: 400,
  fault: "client",
  code: "ValidationException",
  source: reference("CreateSecret"),
  message: () =>
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
});

export const secretNotFound = awsError({
  ...client,
  code: "ResourceNotFoundException",
  source: reference("GetSecretValue"),
  message: () => "Secrets Manager can't find the specified secret.",
});

export const valueNotFound = awsError({
  ...client,
  code: "ResourceNotFoundException",
  source: reference("GetSecretValue"),
  message: (kind: "VersionId" | "staging label", selector: string) =>
    `Secrets Manager can't find the specified secret value for ${kind}: ${selector}`,
});

export const stageNotOnVersion = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("GetSecretValue"),
  message: () => "You provided a VersionStage that is not associated to the provided VersionId.",
});

export const markedForDeletion = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("DeleteSecret"),
  message: () => "You can't perform this operation on the secret because it was marked for deletion.",
});

export const nameScheduledForDeletion = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("CreateSecret"),
  message: () => "You can't create this secret because a secret with this name is already scheduled for deletion.",
});

export const tokenMissing = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("CreateSecret"),
  message: () => "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
});

// AWS: RotateSecret says the same with another code.
export const rotationTokenMissing = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("RotateSecret"),
  message: tokenMissing.definition.message,
});

export const noRotationFunction = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("RotateSecret"),
  message: () => "No Lambda rotation function ARN is associated with this secret.",
});

export const invalidFunctionArn = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("RotateSecret"),
  message: ({ partition, region, accountId }: AwsScope) =>
    `Invalid rotation Lambda ARN. Ensure the ARN matches format arn:${partition}:lambda:${region}:${accountId}:function:<functionName>.`,
});

export const functionNotInvokable = awsError({
  ...client,
  code: "AccessDeniedException",
  source: reference("RotateSecret"),
  message: () =>
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the " +
    "principal secretsmanager.amazonaws.com.",
});

export const rotationUnfinished = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("RotateSecret"),
  message: () => "A previous rotation isn't complete. That rotation will be reattempted.",
});

export const rulesConflict = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("RotateSecret"),
  message: () => "You cannot specify both rotation frequency and schedule expression together.",
});

/** AWS's description of the exception; its texts for each quota are not published. */
export const quotaExceeded = awsError({
  ...client,
  code: "LimitExceededException",
  source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html",
  unverified: true,
  message: () => "The request failed because it would exceed one of the Secrets Manager quotas.",
});

export const valueMissing = awsError({
  ...client,
  code: "InvalidRequestException",
  source: reference("PutSecretValue"),
  unverified: true,
  message: () => "You must provide either SecretString or SecretBinary.",
});

export const secretExists = awsError({
  ...client,
  code: "ResourceExistsException",
  source: reference("CreateSecret"),
  message: (name: string) => `The operation failed because the secret ${name} already exists.`,
});

export const tokenInUse = awsError({
  ...client,
  code: "ResourceExistsException",
  source: reference("PutSecretValue"),
  message: (token: string, secretArn: string) =>
    `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${secretArn}.`,
});

/** For errors whose text is given where they are thrown. */
export const invalidParameter = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("CreateSecret"),
  unverified: true,
  message: text,
});

export const systemTag = awsError({
  ...client,
  code: "InvalidParameterException",
  source: "https://github.com/cloud-custodian/cloud-custodian/issues/9093",
  message: (key: string) => `You can't modify system tags. Tag key: '${key}'.`,
});

export const stageNeedsRemoveFrom = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("UpdateSecretVersionStage"),
  message: (stage: string, versionId: string) =>
    `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ` +
    `${versionId}, so you must explicitly reference that version in RemoveFromVersionId.`,
});

export const passwordTooShort = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("GetRandomPassword"),
  message: () => "Password length is too short based on the required types.",
});

export const typeExcluded = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("GetRandomPassword"),
  message: () => "All characters of the desired type have been excluded.",
});

export const allExcluded = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("GetRandomPassword"),
  message: () => "All characters have been excluded from selection.",
});

export const invalidNextToken = awsError({
  ...client,
  code: "InvalidNextTokenException",
  source: reference("ListSecrets"),
  unverified: true,
  message: () => "The NextToken value is invalid.",
});

// AWS: what KMS refuses loses its reason on the way.
export const kmsAccessDenied = awsError({
  ...client,
  code: "AccessDeniedException",
  source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html",
  message: () => "Access to KMS is not allowed",
});

export const invalidKmsKey = awsError({
  ...client,
  code: "InvalidParameterException",
  source: reference("CreateSecret"),
  message: (why: string) => `The operation failed because of an invalid KMS key: ${why}`,
});

export const encryptionFailure = awsError({
  ...client,
  code: "EncryptionFailure",
  source: "https://github.com/hashicorp/terraform-provider-aws/issues/30272",
  message: (failure: KmsFailure) => `Secrets Manager can't encrypt the secret value: ${kmsText(failure)}`,
});

export const decryptionFailure = awsError({
  ...client,
  code: "DecryptionFailure",
  source: "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/troubleshooting.html",
  message: (failure: KmsFailure) => `Secrets Manager can't decrypt the secret value: ${kmsText(failure)}`,
});

/** Whatever the resource policy allows. */
export const defaultKeyNotShared = awsError({
  ...client,
  code: "InvalidRequestException",
  source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html",
  message: () =>
    "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
});

export const malformedPolicy = awsError({
  ...client,
  code: "MalformedPolicyDocumentException",
  source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html",
  message: (problem: "a syntax error" | "an unsupported principal" | "an invalid service principal") =>
    `This resource policy contains ${problem}.`,
});

export const publicPolicy = awsError({
  ...client,
  code: "PublicPolicyException",
  source: reference("PutResourcePolicy"),
  unverified: true,
  message: () => "You can't attach a resource-based policy that allows broad access to the secret.",
});

/** Not AWS's text: what this implementation does not offer, by name. */
export const unsupported = awsError({
  ...client,
  code: "InvalidParameterException",
  source: "docs/coverage.md",
  message: (what: string) => `kiln does not offer ${what} (docs/coverage.md)`,
});
