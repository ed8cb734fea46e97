/**
 * Errors of rotation and of imported material. All are HTTP 400; texts marked `unverified` have not been seen on AWS.
 * Sources: the operations' Errors sections, e.g. https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html,
 * and recorded responses.
 */
import { awsError } from "../../../core/errors.ts";
import { client, reference } from "../errors.ts";

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
  message: (keyArn: string) => `No available key material pending rotation for the key: ${keyArn}.`,
});

/** New material is imported while other new material waits for its rotation. */
export const rotationPending = awsError({
  ...client,
  code: "KMSInvalidStateException",
  source: reference("ImportKeyMaterial"),
  unverified: true,
  message: (keyArn: string, newId: string, pendingId: string) =>
    `New key material (id: ${newId}) cannot be imported into KMS key ${keyArn}, because another key material ` +
    `(id: ${pendingId}) is pending rotation.`,
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
