/**
 * Errors of work with keys. All are HTTP 400; texts marked `unverified` have not been seen on AWS.
 * Sources: the operations' Errors sections, e.g. https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html,
 * and recorded responses.
 */
import { awsError } from "../../../core/errors.ts";
import { client, reference } from "../errors.ts";

export const encryptionContextTooLarge = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html",
  unverified: true,
  message: (bytes: number) => `The encryption context exceeds the maximum size of ${bytes} bytes.`,
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
  message: (messageType: string, notFor: string) => `Message type ${messageType} is incompatible with ${notFor}.`,
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
  message: () => "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.",
});

/** Ciphertexts of pairs do not say which key they are of. */
export const keyNotNamed = awsError({
  ...client,
  code: "ValidationException",
  source: reference("Decrypt"),
  unverified: true,
  message: (member: string) => `${member} must not be null`,
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
