/**
 * The data key of an object. SSE-S3: random, sealed by the store. SSE-KMS: from KMS, asked for as the caller and through
 * this service, so that the key policy decides (`kms:ViaService`), with the object's ARN as encryption context, or the
 * bucket's when a bucket key is used.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
import { AwsError } from "../../core/errors.ts";
import type { OperationContext } from "../service.ts";
import {
  accessDenied,
  invalidArgument,
  invalidRequest,
  kmsFailure,
  kmsFailureNamed,
  notOfferedHere,
} from "./errors.ts";
import { type BucketRecord, bucketArn, type ObjectEncryption, objectArn } from "./records.ts";

const DATA_KEY_BYTES = 32;
const DEFAULT_KEY_ID = "alias/aws/s3";

export const encryptionErrors = [accessDenied, kmsFailure, invalidArgument, invalidRequest, notOfferedHere];

/** The members of PutObject, CopyObject and CreateMultipartUpload that choose the encryption. */
export interface EncryptionInput {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly SSEKMSEncryptionContext?: string | undefined;
  readonly BucketKeyEnabled?: boolean | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly SSECustomerKey?: string | undefined;
}

export interface WantedEncryption {
  readonly algorithm: "AES256" | "aws:kms";
  readonly kmsKeyId?: string;
  readonly userContext?: Readonly<Record<string, string>>;
  readonly bucketKeyEnabled?: boolean;
}

/** What the request says, else what the bucket's default says. */
export function wantedEncryption(bucket: BucketRecord, input: EncryptionInput): WantedEncryption {
  if (input.SSECustomerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    throw notOfferedHere("encryption with keys of the customer (SSE-C)");
  }
  const algorithm = input.ServerSideEncryption;
  if (algorithm === undefined) {
    if (input.SSEKMSKeyId !== undefined) {
      throw invalidArgument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        "x-amz-server-side-encryption",
        "null",
      );
    }
    return { algorithm: "AES256", ...bucket.encryption };
  }
  if (algorithm === "AES256") {
    if (input.SSEKMSKeyId !== undefined) {
      throw invalidArgument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        "x-amz-server-side-encryption",
        algorithm,
      );
    }
    return { algorithm };
  }
  if (algorithm !== "aws:kms") throw notOfferedHere(`\`${algorithm}\` encryption`);
  const isDefault = input.SSEKMSKeyId === undefined && bucket.encryption?.algorithm === "aws:kms";
  const kmsKeyId = input.SSEKMSKeyId ?? (isDefault ? bucket.encryption?.kmsKeyId : undefined);
  const bucketKeyEnabled = input.BucketKeyEnabled ?? bucket.encryption?.bucketKeyEnabled;
  return {
    algorithm,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    ...(input.SSEKMSEncryptionContext !== undefined && { userContext: parseContext(input.SSEKMSEncryptionContext) }),
    ...(bucketKeyEnabled !== undefined && { bucketKeyEnabled }),
  };
}

/** Base64 of a flat JSON object. */
function parseContext(text: string): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, "base64").toString("utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      const entries = Object.entries(parsed);
      if (entries.every(([, value]) => typeof value === "string")) return Object.fromEntries(entries);
    }
  } catch {
    // Falls through: neither JSON nor anything else is accepted.
  }
  throw invalidArgument(
    "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
  );
}

export interface DataKey {
  readonly plaintext: Uint8Array;
  readonly encryption: ObjectEncryption;
}

/** A fresh data key for an object. */
export async function makeDataKey(
  context: OperationContext,
  bucket: BucketRecord,
  key: string,
  wanted: WantedEncryption,
): Promise<DataKey> {
  if (wanted.algorithm === "AES256") {
    const plaintext = context.ids.bytes(DATA_KEY_BYTES);
    const sealedKey = context.store.seal(plaintext, sealContext(bucket.name, key));
    return { plaintext, encryption: { algorithm: "AES256", sealedKey } };
  }
  const bucketKeyEnabled = wanted.bucketKeyEnabled ?? false;
  const encryptionContext = {
    ...wanted.userContext,
    "aws:s3:arn": bucketKeyEnabled ? bucketArn(bucket) : objectArn(bucket, key),
  };
  const answer = await callKms<{ CiphertextBlob: Uint8Array; Plaintext: Uint8Array; KeyId: string }>(
    context,
    "GenerateDataKey",
    { KeyId: wanted.kmsKeyId ?? DEFAULT_KEY_ID, KeySpec: "AES_256", EncryptionContext: encryptionContext },
  );
  return {
    plaintext: answer.Plaintext,
    encryption: {
      algorithm: "aws:kms",
      kmsKeyArn: answer.KeyId,
      encryptedKey: Buffer.from(answer.CiphertextBlob).toString("base64"),
      context: encryptionContext,
      ...(wanted.userContext && { userContext: wanted.userContext }),
      bucketKeyEnabled,
    },
  };
}

/** The data key of a stored object; KMS decides whether the caller may have it. */
export async function openDataKey(
  context: OperationContext,
  bucket: Pick<BucketRecord, "name">,
  key: string,
  encryption: ObjectEncryption,
): Promise<Uint8Array> {
  if (encryption.algorithm === "AES256") {
    return context.store.unseal(encryption.sealedKey, sealContext(bucket.name, key));
  }
  const answer = await callKms<{ Plaintext: Uint8Array }>(context, "Decrypt", {
    CiphertextBlob: Buffer.from(encryption.encryptedKey, "base64"),
    EncryptionContext: encryption.context,
    KeyId: encryption.kmsKeyArn,
  });
  return answer.Plaintext;
}

/** The members that every answer about an object carries. */
export const encryptionAnswer = (encryption: ObjectEncryption) =>
  encryption.algorithm === "AES256"
    ? { ServerSideEncryption: "AES256" as const }
    : {
        ServerSideEncryption: "aws:kms" as const,
        SSEKMSKeyId: encryption.kmsKeyArn,
        ...(encryption.bucketKeyEnabled && { BucketKeyEnabled: true }),
      };

const sealContext = (bucket: string, key: string): string => `s3 object ${bucket}/${key}`;

const callKms = <O>(context: OperationContext, operation: string, input: object): Promise<O> =>
  context.aws.call<O>("kms", operation, input).catch((error: unknown) => {
    throw error instanceof AwsError && error.fault === "client" ? failureOfKms(error) : error;
  });

/** AWS: a refusal is S3's own AccessDenied with KMS's sentence, everything else keeps KMS's code behind `KMS.`. */
function failureOfKms({ code, message }: AwsError): AwsError {
  if (code === "AccessDeniedException") return accessDenied(message);
  return code === "NotFoundException" ? kmsFailure(message) : kmsFailureNamed(code)(message);
}
