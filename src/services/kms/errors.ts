/**
 * Errors of keys in general, besides the ones any service can answer (validation of the model, permission). Those of a topic
 * are in its folder.
 * Sources: the operations' Errors sections, e.g. https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html,
 * and recorded responses. All are HTTP 400. Texts marked `unverified` have not been seen on AWS.
 */
import { awsError } from "../../core/errors.ts";

/** The page of an operation. */
export const reference = (operation: string): string =>
  `https://docs.aws.amazon.com/kms/latest/APIReference/API_${operation}.html`;

export const client = { status: 400, fault: "client" } as const;
/** For errors whose text is given where they are thrown. */
export const asGiven = (message: string): string => message;

type KeyStateText = "pending deletion" | "pending replica deletion" | "not pending deletion" | "pending import";

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

/** AWS: without quotes, and without the rest, where the id stood in an ARN. */
export const invalidKeyIdInArn = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("DescribeKey"),
  unverified: true,
  message: (keyId: string) => `Invalid keyId ${keyId}`,
});

/** An alias where only the id or ARN of a key is taken. Recorded in https://github.com/boto/boto/pull/3202 */
export const aliasNotSupported = awsError({
  ...client,
  code: "InvalidArnException",
  source: reference("CreateGrant"),
  message: () => "Key Aliases are not supported for this operation.",
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

/** What finding a key by its id or ARN can answer, and what by any name. */
export const lookupErrors = [keyNotFound, invalidKeyId, invalidKeyIdInArn, foreignRegion, aliasNotSupported];
export const lookupByAnyNameErrors = [keyNotFound, invalidKeyId, invalidKeyIdInArn, foreignRegion, aliasNotFound];

export const policyNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("GetKeyPolicy"),
  unverified: true,
  message: () => "No such policy exists",
});

export const invalidAliasName = awsError({
  ...client,
  code: "InvalidAliasNameException",
  source: reference("CreateAlias"),
  unverified: true,
  messageMember: "none",
  message: () => "",
});

export const tooManyAliases = awsError({
  ...client,
  code: "LimitExceededException",
  source: "https://github.com/scylladb/scylla-cluster-tests/issues/7611",
  message: (quota: number, usage: number) =>
    `Aliases per key quota for this account in this region is ${quota}, current usage is ${usage}.`,
});

/** An alias moves between keys of one type and usage only. */
export const otherKindOfKey = awsError({
  ...client,
  code: "ValidationException",
  source: reference("UpdateAlias"),
  unverified: true,
  message: (aliasArn: string) =>
    `Alias ${aliasArn} can only be associated with a KMS key of the same type and key usage as its current KMS key`,
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
  message: (keyArn: string, state: KeyStateText) => `${keyArn} is ${state}.`,
});

export const invalidKeyUsage = awsError({
  ...client,
  code: "InvalidKeyUsageException",
  source: reference("Encrypt"),
  message: (algorithm: string, keySpec: string) => `Algorithm ${algorithm} is incompatible with key spec ${keySpec}.`,
});

/** The key is for something else. */
export const wrongKeyUsage = awsError({
  ...client,
  code: "InvalidKeyUsageException",
  source: reference("Sign"),
  message: (keyArn: string, usage: string, operation: string) =>
    `${keyArn} key usage is ${usage} which is not valid for ${operation}.`,
});

/** Recorded in https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/troubleshooting_s3a.html */
export const asymmetricDataKey = awsError({
  ...client,
  code: "InvalidKeyUsageException",
  source: reference("GenerateDataKey"),
  message: () => "You cannot generate a data key with an asymmetric CMK",
});

/** A spec that AWS has in other Regions. */
export const specNotInRegion = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: reference("CreateKey"),
  message: (keySpec: string) => `KeySpec ${keySpec} is not supported in this Region`,
});

export const validationFailure = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html",
  message: asGiven,
});

/** Recorded in https://github.com/Skyscanner/kms-issuer/issues/8 */
export const invalidWindow = awsError({
  ...client,
  code: "ValidationException",
  source: reference("ScheduleKeyDeletion"),
  message: () => "PendingWindowInDays must be between 7 and 30",
});

export const policyTooLarge = awsError({
  ...client,
  code: "LimitExceededException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html",
  unverified: true,
  message: (bytes: number) => `The key policy exceeds the maximum size of ${bytes} bytes.`,
});

export const malformedPolicy = awsError({
  ...client,
  code: "MalformedPolicyDocumentException",
  source: reference("PutKeyPolicy"),
  unverified: true,
  message: asGiven,
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
  message: asGiven,
});

export const invalidMarker = awsError({
  ...client,
  code: "InvalidMarkerException",
  source: reference("ListKeys"),
  unverified: true,
  message: () => "Could not deserialize marker",
});

export const dryRunSucceeded = awsError({
  ...client,
  code: "DryRunOperationException",
  source: reference("Encrypt"),
  message: () => "The request would have succeeded, but the DryRun option is set.",
});

/** A replica, or a single-Region key, where the primary is needed. */
export const notPrimary = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: reference("ReplicateKey"),
  message: (keyArn: string) => `${keyArn} is not a multi-region primary key.`,
});

export const replicaExists = awsError({
  ...client,
  code: "AlreadyExistsException",
  source: reference("ReplicateKey"),
  unverified: true,
  message: (keyArn: string) => `A key already exists with the ARN ${keyArn}`,
});

/** Not AWS's text: what this implementation does not offer, by name. */
export const unsupported = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: "docs/differences.md",
  message: (what: string) => `kiln does not offer ${what} (docs/coverage.md)`,
});
