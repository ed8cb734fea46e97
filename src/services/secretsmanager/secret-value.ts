/**
 * Values at rest: each under its own AES-256 data key, which KMS encrypts under the secret's key, as the caller and
 * through this service (`kms:ViaService`), bound to the secret's ARN and the version's id.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { arnIn } from "../../core/arn.ts";
import { AwsError } from "../../core/errors.ts";
import { constraintViolation } from "../common-errors.ts";
import { kmsFailureOf } from "../kms-failure.ts";
import type { OperationContext } from "../service.ts";
import {
  decryptionFailure,
  defaultKeyNotShared,
  encryptionFailure,
  invalidKmsKey,
  invalidParameter,
  kmsAccessDenied,
} from "./errors.ts";
import { type EncryptedValue, type SecretRecord, secretArn, valueKey, valuesIn } from "./records.ts";

export const writeErrors = [kmsAccessDenied, invalidKmsKey, encryptionFailure, defaultKeyNotShared];
export const readErrors = [kmsAccessDenied, decryptionFailure, defaultKeyNotShared];

const DEFAULT_KEY_ID = "alias/aws/secretsmanager";
/** AWS: the version id in the calls that only try a key out. */
const VALIDATION_VERSION_ID = "RequestToValidateKeyAccess";
const MAX_VALUE_BYTES = 65_536;
const TOO_LONG = `1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to ${MAX_VALUE_BYTES}`;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A plain value. Exists only in inputs, answers and this file's functions. */
export type SecretValue =
  | { readonly SecretString: string; readonly SecretBinary?: never }
  | { readonly SecretBinary: Uint8Array; readonly SecretString?: never };

interface ValueInput {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Uint8Array | undefined;
}

/** The value in a request of this operation, if there is one. */
export function valueIn(operation: string, { SecretString, SecretBinary }: ValueInput): SecretValue | undefined {
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw invalidParameter(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (SecretString !== undefined) {
    // AWS's limit is in bytes, the model's in characters.
    if (Buffer.byteLength(SecretString) > MAX_VALUE_BYTES)
      throw constraintViolation("secretsmanager", operation, TOO_LONG);
    return { SecretString };
  }
  return SecretBinary === undefined ? undefined : { SecretBinary };
}

export const isSameValue = (a: SecretValue, b: SecretValue): boolean =>
  a.SecretString === undefined || b.SecretString === undefined
    ? a.SecretBinary !== undefined && b.SecretBinary !== undefined && Buffer.from(a.SecretBinary).equals(b.SecretBinary)
    : a.SecretString === b.SecretString;

/** Absent for the default key in any of its forms, so that answers leave it out. */
export function keyIdToKeep(kmsKeyId: string | undefined): { readonly kmsKeyId?: string } {
  const isDefault = !kmsKeyId || kmsKeyId === DEFAULT_KEY_ID || kmsKeyId.endsWith(`:${DEFAULT_KEY_ID}`);
  return isDefault ? {} : { kmsKeyId };
}

/** Encrypts a value for one version under the record's key. */
export async function encryptValue(
  context: OperationContext,
  record: SecretRecord,
  versionId: string,
  value: SecretValue,
): Promise<EncryptedValue> {
  requireSharedKey(context, record);
  const dataKey = await generateDataKey(context, record, versionId);
  const nonce = context.ids.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", dataKey.Plaintext, nonce);
  const isString = value.SecretString !== undefined;
  const bytes = isString ? Buffer.from(value.SecretString) : value.SecretBinary;
  const sealed = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return {
    kind: isString ? "string" : "binary",
    dataKey: Buffer.from(dataKey.CiphertextBlob).toString("base64"),
    ciphertext: sealed.toString("base64"),
  };
}

/** The plain value of a version of the record. */
export async function decryptValue(
  context: OperationContext,
  record: SecretRecord,
  versionId: string,
): Promise<SecretValue> {
  requireSharedKey(context, record);
  const stored = storedValue(context, record, versionId);
  const key = await callKms<{ Plaintext: Uint8Array }>(context, "Decrypt", {
    CiphertextBlob: Buffer.from(stored.dataKey, "base64"),
    EncryptionContext: encryptionContext(record, versionId),
  });
  const sealed = Buffer.from(stored.ciphertext, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key.Plaintext, sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const bytes = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  return stored.kind === "string" ? { SecretString: bytes.toString() } : { SecretBinary: bytes };
}

/**
 * A version's value with its data key under the record's key instead of the one it has now; undefined when the caller
 * may not use one of the two, and the version stays under its old key.
 */
export async function underKeyOf(
  context: OperationContext,
  record: SecretRecord,
  versionId: string,
): Promise<EncryptedValue | undefined> {
  const stored = storedValue(context, record, versionId);
  const EncryptionContext = encryptionContext(record, versionId);
  try {
    const { Plaintext } = await callKms<{ Plaintext: Uint8Array }>(context, "Decrypt", {
      CiphertextBlob: Buffer.from(stored.dataKey, "base64"),
      EncryptionContext,
    });
    const { CiphertextBlob } = await callKms<{ CiphertextBlob: Uint8Array }>(context, "Encrypt", {
      KeyId: keyIdOf(context, record),
      Plaintext,
      EncryptionContext,
    });
    return { ...stored, dataKey: Buffer.from(CiphertextBlob).toString("base64") };
  } catch (error) {
    if (error instanceof AwsError && error.fault === "client") return undefined;
    throw error;
  }
}

/** Tries out a customer's key when it becomes a secret's key, as AWS does; the results are thrown away. */
export async function requireUsableKey(context: OperationContext, record: SecretRecord): Promise<void> {
  if (record.kmsKeyId === undefined) return;
  const { CiphertextBlob } = await generateDataKey(context, record, VALIDATION_VERSION_ID);
  const EncryptionContext = encryptionContext(record, VALIDATION_VERSION_ID);
  await callKms(context, "Decrypt", { CiphertextBlob, EncryptionContext });
}

/** AWS: the default key works for its own account only, and this is said before KMS is asked. */
function requireSharedKey(context: OperationContext, { kmsKeyId, accountId }: SecretRecord): void {
  if (kmsKeyId === undefined && accountId !== context.scope.accountId) throw defaultKeyNotShared();
}

const generateDataKey = (
  context: OperationContext,
  record: SecretRecord,
  versionId: string,
): Promise<{ CiphertextBlob: Uint8Array; Plaintext: Uint8Array }> =>
  callKms(
    context,
    "GenerateDataKey",
    {
      KeyId: keyIdOf(context, record),
      KeySpec: "AES_256",
      EncryptionContext: encryptionContext(record, versionId),
    },
    versionId === VALIDATION_VERSION_ID,
  );

function storedValue(context: OperationContext, record: SecretRecord, versionId: string): EncryptedValue {
  const stored = valuesIn(context.store).get(valueKey(record, versionId));
  // invariant: a version and its value are written in one transaction.
  if (!stored) throw new Error(`no value of version ${versionId} of ${secretArn(record)}`);
  return stored;
}

const encryptionContext = (record: SecretRecord, versionId: string): Record<string, string> => ({
  SecretARN: secretArn(record),
  SecretVersionId: versionId,
});

/**
 * AWS: a key that was given without an ARN is looked for in the caller's account, so that another account cannot write
 * the secret (seen in a public report: hashicorp/terraform-provider-aws#30272). The default key is the secret's account's.
 */
const keyIdOf = (context: OperationContext, record: SecretRecord): string =>
  record.kmsKeyId ??
  (record.accountId === context.scope.accountId ? DEFAULT_KEY_ID : arnIn(record, "kms", DEFAULT_KEY_ID));

async function callKms<O>(
  context: OperationContext,
  operation: "GenerateDataKey" | "Encrypt" | "Decrypt",
  input: object,
  isTrial = false,
): Promise<O> {
  try {
    return await context.aws.call<O>("kms", operation, input);
  } catch (error) {
    if (!(error instanceof AwsError) || error.fault === "server") throw error;
    if (error.code === "AccessDeniedException") throw kmsAccessDenied();
    const failure = kmsFailureOf(error, context.requestId);
    if (operation === "Decrypt") throw decryptionFailure(failure);
    // AWS: only a key that is new to the secret is called invalid.
    const isUnknownKey = error.code === "NotFoundException" || error.code === "ValidationException";
    throw isTrial && isUnknownKey ? invalidKmsKey(error.message) : encryptionFailure(failure);
  }
}
