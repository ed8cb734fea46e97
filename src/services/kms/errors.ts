/**
 * Every error the KMS operations answer, besides the ones any service can answer (validation of the model, permission).
 * Sources: the operations' Errors sections, e.g. https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html,
 * and recorded responses. All are HTTP 400. Texts marked `unverified` have not been seen on AWS.
 */
import { awsError } from "../../core/errors.ts";

const reference = (operation: string): string =>
  `https://docs.aws.amazon.com/kms/latest/APIReference/API_${operation}.html`;

const client = { status: 400, fault: "client" } as const;
const text = (message: string): string => message;

export const keyNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("DescribeKey"),
  message: (keyArn: string) => `Key '${keyArn}' does not exist`,
});

export const invalidKeyId = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("DescribeKey"),
  message: (keyId: string) => `Invalid keyId '${keyId}'`,
});

export const foreignRegion = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("DescribeKey"),
  message: (region: string) => `Invalid arn ${region}`,
});

export const aliasNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("UpdateAlias"),
  message: (aliasArn: string) => `Alias ${aliasArn} is not found.`,
});

export const policyNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("GetKeyPolicy"),
  unverified: true,
  message: () => "No such policy exists",
});

export const aliasExists = awsError({
  ...client,
  code: "AlreadyExistsException",
  source: reference("CreateAlias"),
  unverified: true,
  message: (aliasArn: string) => `An alias with the name ${aliasArn} already exists`,
});

/** An `alias/aws/…` name, or an AWS managed key where a customer's is needed. */
export const notAuthorized = awsError({
  ...client,
  code: "NotAuthorizedException",
  source: reference("CreateAlias"),
  unverified: true,
  messageMember: "none",
  message: () => "",
});

export const keyDisabled = awsError({
  ...client,
  code: "DisabledException",
  source: reference("Encrypt"),
  message: (keyArn: string) => `${keyArn} is disabled.`,
});

export const invalidState = awsError({
  ...client,
  code: "KMSInvalidStateException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
  message: (keyArn: string, state: "pending deletion" | "not pending deletion") => `${keyArn} is ${state}.`,
});

export const invalidKeyUsage = awsError({
  ...client,
  code: "InvalidKeyUsageException",
  source: reference("Encrypt"),
  message: (algorithm: string, keySpec: string) => `Algorithm ${algorithm} is incompatible with key spec ${keySpec}.`,
});

// AWS: the answer has no message member at all, so SDKs show an empty text.
export const invalidCiphertext = awsError({
  ...client,
  code: "InvalidCiphertextException",
  source: reference("Decrypt"),
  messageMember: "none",
  message: () => "",
});

export const incorrectKey = awsError({
  ...client,
  code: "IncorrectKeyException",
  source: reference("Decrypt"),
  message: () => "The key ID in the request does not identify a CMK that can perform this operation.",
});

export const validationFailure = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html",
  message: text,
});

export const malformedPolicy = awsError({
  ...client,
  code: "MalformedPolicyDocumentException",
  source: reference("PutKeyPolicy"),
  unverified: true,
  message: text,
});

/** The policy lockout safety check. */
export const lockedOut = awsError({
  ...client,
  code: "MalformedPolicyDocumentException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
  message: () => "The new key policy will not allow you to update the key policy in the future.",
});

export const tagFailure = awsError({
  ...client,
  code: "TagException",
  source: reference("TagResource"),
  message: text,
});

export const invalidMarker = awsError({
  ...client,
  code: "InvalidMarkerException",
  source: reference("ListKeys"),
  unverified: true,
  message: () => "Could not deserialize marker",
});

/** An alias where only the id or ARN of a key is taken. Recorded in https://github.com/boto/boto/pull/3202 */
export const aliasNotSupported = awsError({
  ...client,
  code: "InvalidArnException",
  source: reference("CreateGrant"),
  message: () => "Key Aliases are not supported for this operation.",
});

/** A grantee or retiring principal that is no account, user, role or session. */
export const invalidPrincipal = awsError({
  ...client,
  code: "InvalidArnException",
  source: reference("CreateGrant"),
  unverified: true,
  message: (principal: string) => `ARN does not refer to a valid principal: ${principal}`,
});

export const noGrantOperation = awsError({
  ...client,
  code: "ValidationException",
  source: reference("CreateGrant"),
  unverified: true,
  message: () => "Operations must include at least one grant operation.",
});

export const grantOperationRefused = awsError({
  ...client,
  code: "ValidationException",
  source: reference("CreateGrant"),
  unverified: true,
  message: (name: string) => `Operation ${name} is not valid for a grant on a key with key spec SYMMETRIC_DEFAULT.`,
});

export const constraintRefused = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html",
  unverified: true,
  message: text,
});

export const tooManyGrants = awsError({
  ...client,
  code: "LimitExceededException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html",
  unverified: true,
  message: (keyArn: string) => `The quota of grants per KMS key is reached for ${keyArn}`,
});

export const invalidGrantToken = awsError({
  ...client,
  code: "InvalidGrantTokenException",
  source: reference("CreateGrant"),
  unverified: true,
  message: () => "The specified grant token is not valid.",
});

export const invalidGrantId = awsError({
  ...client,
  code: "InvalidGrantIdException",
  source: reference("RevokeGrant"),
  unverified: true,
  message: () => "The specified GrantId is not valid.",
});

export const grantNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("RevokeGrant"),
  unverified: true,
  message: (grantId: string) => `Grant ID ${grantId} not found`,
});

/** Neither a token alone, nor a key and a grant's id alone. */
export const grantNotNamed = awsError({
  ...client,
  code: "ValidationException",
  source: reference("RetireGrant"),
  unverified: true,
  message: () => "Please specify either a grant token, or both a key ID and a grant ID.",
});

/** Grants are listed for retiring principals of the caller's account only. */
export const foreignPrincipal = awsError({
  ...client,
  code: "InvalidArnException",
  source: reference("ListRetirableGrants"),
  unverified: true,
  message: (principal: string) => `The principal is not in the caller's account: ${principal}`,
});

export const dryRunSucceeded = awsError({
  ...client,
  code: "DryRunOperationException",
  source: reference("Encrypt"),
  message: () => "The request would have succeeded, but the DryRun option is set.",
});

/** Not AWS's text: what this implementation does not offer, by name. */
export const unsupported = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: "docs/differences.md",
  message: (what: string) => `kiln does not offer ${what} (docs/coverage.md)`,
});
