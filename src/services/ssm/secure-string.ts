/**
 * SecureString values: encrypted and decrypted by KMS, as the caller and through this service (`kms:ViaService`), with
 * the parameter's ARN as encryption context. Standard tier: KMS encrypts the value itself. Advanced tier: a data key
 * encrypts it (AES-256-GCM), and KMS the data key.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { AwsScope } from "../../core/arn.ts";
import { AwsError } from "../../core/errors.ts";
import { kmsFailureOf } from "../kms-failure.ts";
import type { OperationContext } from "../service.ts";
import { invalidKeyId, kmsAccessDenied } from "./errors.ts";
import { parameterArn } from "./parameter-name.ts";
import type { ParameterTier, ParameterVersion } from "./records.ts";

export const DEFAULT_KEY_ID = "alias/aws/ssm";
export const secureStringErrors = [invalidKeyId, kmsAccessDenied];

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SecureValue {
  readonly name: string;
  readonly value: string;
  readonly keyId: string;
  readonly tier: ParameterTier;
}

/** The ciphertext in base64, and the ARN of the key behind `keyId`. */
export async function encryptValue(
  context: OperationContext,
  { name, value, keyId, tier }: SecureValue,
): Promise<{ readonly value: string; readonly keyArn: string }> {
  const request = { KeyId: keyId, EncryptionContext: encryptionContext(context.scope, name) };
  if (tier === "Standard") {
    const { CiphertextBlob, KeyId } = await callKms<Encrypted>(context, "Encrypt", {
      ...request,
      Plaintext: Buffer.from(value),
    });
    return { value: Buffer.from(CiphertextBlob).toString("base64"), keyArn: KeyId };
  }
  const dataKey = await callKms<Encrypted & { Plaintext: Uint8Array }>(context, "GenerateDataKey", {
    ...request,
    KeySpec: "AES_256",
  });
  const nonce = context.ids.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", dataKey.Plaintext, nonce);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(dataKey.CiphertextBlob.length);
  const encrypted = [length, dataKey.CiphertextBlob, nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()];
  return { value: Buffer.concat(encrypted).toString("base64"), keyArn: dataKey.KeyId };
}

interface Encrypted {
  readonly CiphertextBlob: Uint8Array;
  /** AWS: the ARN, whatever form the request used. */
  readonly KeyId: string;
}

/** The plain text of a SecureString version. */
export async function decryptValue(
  context: OperationContext,
  { name, scope }: { readonly name: string; readonly scope: AwsScope },
  version: ParameterVersion,
): Promise<string> {
  const blob = Buffer.from(version.value, "base64");
  const decrypt = async (ciphertext: Uint8Array): Promise<Uint8Array> => {
    const answer = await callKms<{ Plaintext: Uint8Array }>(context, "Decrypt", {
      CiphertextBlob: ciphertext,
      // AWS: a refusal names the key.
      ...(version.keyArn !== undefined && { KeyId: version.keyArn }),
      EncryptionContext: encryptionContext(scope, name),
    });
    return answer.Plaintext;
  };
  if (version.tier === "Standard") return Buffer.from(await decrypt(blob)).toString();
  const keyEnd = 2 + blob.readUInt16BE(0);
  const dataKey = await decrypt(blob.subarray(2, keyEnd));
  const nonce = blob.subarray(keyEnd, keyEnd + NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", dataKey, nonce).setAuthTag(blob.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(blob.subarray(keyEnd + NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString();
}

const encryptionContext = (scope: AwsScope, name: string): Record<string, string> => ({
  PARAMETER_ARN: parameterArn(scope, name),
});

async function callKms<O>(context: OperationContext, operation: string, input: object): Promise<O> {
  try {
    return await context.aws.call<O>("kms", operation, input);
  } catch (error) {
    if (!(error instanceof AwsError) || error.fault === "server") throw error;
    const failure = kmsFailureOf(error, context.requestId);
    // AWS: a refusal keeps its code, everything else that is wrong with the key becomes InvalidKeyId.
    throw error.code === "AccessDeniedException" ? kmsAccessDenied(failure) : invalidKeyId(failure);
  }
}
