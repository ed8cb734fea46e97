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
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html",
  unverified: true,
  message: (keyArn: string) => `The quota of aliases per KMS key is reached for ${keyArn}`,
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

export const encryptionContextTooLarge = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html",
  unverified: true,
  message: (bytes: number) => `The encryption context exceeds the maximum size of ${bytes} bytes.`,
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

// AWS: no text, like other operations that this kind of key has not.
export const noPublicKey = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: reference("GetPublicKey"),
  unverified: true,
  messageMember: "none",
  message: () => "",
});

export const invalidSignature = awsError({
  ...client,
  code: "KMSInvalidSignatureException",
  source: reference("Verify"),
  messageMember: "none",
  message: () => "",
});

export const invalidMac = awsError({
  ...client,
  code: "KMSInvalidMacException",
  source: reference("VerifyMac"),
  messageMember: "none",
  message: () => "",
});

export const invalidDigest = awsError({
  ...client,
  code: "ValidationException",
  source: reference("Sign"),
  message: (algorithm: string) => `Digest is invalid length for algorithm ${algorithm}.`,
});

export const wrongMessageType = awsError({
  ...client,
  code: "ValidationException",
  source: reference("Sign"),
  unverified: true,
  message: (messageType: string, algorithm: string) =>
    `MessageType ${messageType} is not valid for algorithm ${algorithm}.`,
});

export const plaintextTooLong = awsError({
  ...client,
  code: "ValidationException",
  source: reference("Encrypt"),
  message: (algorithm: string, keySpec: string, bytes: number) =>
    `Algorithm ${algorithm} and key spec ${keySpec} cannot encrypt data larger than ${bytes} bytes.`,
});

export const noEncryptionContext = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html",
  unverified: true,
  message: (algorithm: string) => `EncryptionContext is not supported for algorithm ${algorithm}.`,
});

/** Ciphertexts of pairs do not say which key they are of. */
export const keyNotNamed = awsError({
  ...client,
  code: "ValidationException",
  source: reference("Decrypt"),
  unverified: true,
  message: (member: string, algorithm: string) => `${member} is required for algorithm ${algorithm}.`,
});

export const invalidPublicKey = awsError({
  ...client,
  code: "ValidationException",
  source: reference("DeriveSharedSecret"),
  unverified: true,
  message: (keySpec: string) => `The public key is not a valid public key for key spec ${keySpec}.`,
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

/** Rotation of keys that do not rotate. AWS: the answer has no message. */
export const notRotatable = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: reference("EnableKeyRotation"),
  messageMember: "none",
  message: () => "",
});

export const wrongOrigin = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: reference("GetParametersForImport"),
  message: (keyArn: string, origin: string) => `${keyArn} origin is ${origin} which is not valid for this operation.`,
});

export const rotationLimit = awsError({
  ...client,
  code: "LimitExceededException",
  source: reference("RotateKeyOnDemand"),
  message: (keyArn: string) =>
    "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed " +
    `for this key: ${keyArn}`,
});

/** RotateKeyOnDemand of imported material without new material to rotate to. */
export const nothingToRotate = awsError({
  ...client,
  code: "KMSInvalidStateException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html",
  unverified: true,
  message: (keyArn: string) => `${keyArn} does not have any key material pending rotation.`,
});

/** New material is imported while other new material waits for its rotation. */
export const rotationPending = awsError({
  ...client,
  code: "KMSInvalidStateException",
  source: reference("ImportKeyMaterial"),
  unverified: true,
  message: (keyArn: string) => `${keyArn} already has key material pending rotation.`,
});

export const invalidImportToken = awsError({
  ...client,
  code: "InvalidImportTokenException",
  source: reference("ImportKeyMaterial"),
  unverified: true,
  messageMember: "none",
  message: () => "",
});

export const expiredImportToken = awsError({
  ...client,
  code: "ExpiredImportTokenException",
  source: reference("ImportKeyMaterial"),
  unverified: true,
  messageMember: "none",
  message: () => "",
});

/** Other material than before, or bytes that are none for the key's spec. */
export const incorrectKeyMaterial = awsError({
  ...client,
  code: "IncorrectKeyMaterialException",
  source: reference("ImportKeyMaterial"),
  unverified: true,
  messageMember: "none",
  message: () => "",
});

export const materialNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("DeleteImportedKeyMaterial"),
  unverified: true,
  message: (keyArn: string, materialId: string) => `Key material ${materialId} is not associated with ${keyArn}`,
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

export const replicaNotFound = awsError({
  ...client,
  code: "NotFoundException",
  source: reference("UpdatePrimaryRegion"),
  unverified: true,
  message: (keyArn: string) => `Key '${keyArn}' does not exist`,
});

/** Not AWS's text: what this implementation does not offer, by name. */
export const unsupported = awsError({
  ...client,
  code: "UnsupportedOperationException",
  source: "docs/differences.md",
  message: (what: string) => `kiln does not offer ${what} (docs/coverage.md)`,
});
