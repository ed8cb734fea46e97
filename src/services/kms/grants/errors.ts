/**
 * Errors of grants and their tokens. All are HTTP 400; texts marked `unverified` have not been seen on AWS.
 * Sources: the operations' Errors sections, e.g. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html,
 * and recorded responses.
 */
import { awsError } from "../../../core/errors.ts";
import { asGiven, client, reference } from "../errors.ts";

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
  message: (name: string, keySpec: string) =>
    `Operation ${name} is not valid for a grant on a key with key spec ${keySpec}.`,
});

/** Recorded in https://github.com/ansible/ansible/pull/31960 */
export const grantOnlyGrants = awsError({
  ...client,
  code: "ValidationException",
  source: reference("CreateGrant"),
  message: () => "Grants must not contain only the CreateGrant operation.",
});

export const constraintRefused = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html",
  unverified: true,
  message: asGiven,
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
