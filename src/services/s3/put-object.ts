/**
 * PutObject: one object in one request. The body is encrypted as it comes; the answer leaves when bytes and record are
 * durable. A body that breaks off, or is not what its checksums say, leaves nothing.
 */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import { isoSeconds } from "../../core/clock.ts";
import { chunksOf } from "../../core/streaming-blob.ts";
import { type OperationContext, operation } from "../service.ts";
import { BodyWatch, checksumAnswer, checksumErrors } from "./checksums.ts";
import { requireWriteConditions, writeConditionErrors } from "./conditions.ts";
import { contentsOf } from "./content-store.ts";
import { type DataKey, encryptionAnswer, encryptionErrors, makeDataKey, wantedEncryption } from "./encryption.ts";
import { entityTooLarge, incompleteBody, noSuchBucket, reference } from "./errors.ts";
import { aclKeys, bucketErrors, conditionKeys, onObject, requireBucket } from "./find-bucket.ts";
import { headerErrors, headersOf, requireStorable, tagsFromHeader } from "./object-headers.ts";
import {
  type BucketRecord,
  bucketsIn,
  currentIn,
  type ObjectHeaders,
  type ObjectVersion,
  recordKey,
} from "./records.ts";
import type { PutObjectOutput, PutObjectRequest } from "./shapes.gen.ts";
import { requestTagKeys } from "./tags.ts";
import { newVersionId, putVersion, shownVersionId } from "./versions.ts";

const MAX_PUT_BYTES = 5 * 1024 ** 3;

export const storeErrors = [...bucketErrors, ...encryptionErrors, ...headerErrors, ...checksumErrors];

/** The members that say how an object is to be written. */
type WriteInput = Pick<
  PutObjectRequest,
  | "Bucket"
  | "Key"
  | "ACL"
  | "GrantFullControl"
  | "GrantRead"
  | "GrantReadACP"
  | "GrantWriteACP"
  | "ObjectLockLegalHoldStatus"
  | "ObjectLockMode"
  | "ObjectLockRetainUntilDate"
  | "SSECustomerAlgorithm"
  | "ServerSideEncryption"
  | "SSEKMSKeyId"
  | "StorageClass"
  | "Tagging"
  | "IfMatch"
  | "IfNoneMatch"
  | "WebsiteRedirectLocation"
>;

/** What must be allowed to write a key. `creates`: an object is there afterwards, which is not so for uploads in parts. */
export function writeAccess(
  { scope }: OperationContext,
  bucket: BucketRecord,
  input: Partial<WriteInput> & { readonly Key: string },
  { creates }: { readonly creates: boolean },
) {
  const acl = aclKeys(input);
  const tags = requestTagKeys(tagsFromHeader(input.Tagging));
  const lockedUntilMs = input.ObjectLockRetainUntilDate;
  const keys = conditionKeys({
    "s3:x-amz-server-side-encryption": input.ServerSideEncryption,
    "s3:x-amz-server-side-encryption-aws-kms-key-id": kmsKeyArn(input.SSEKMSKeyId, scope),
    "s3:x-amz-server-side-encryption-customer-algorithm": input.SSECustomerAlgorithm,
    "s3:x-amz-storage-class": input.StorageClass,
    "s3:x-amz-website-redirect-location": input.WebsiteRedirectLocation,
    "s3:object-lock-legal-hold": input.ObjectLockLegalHoldStatus,
    "s3:object-lock-mode": input.ObjectLockMode,
    "s3:object-lock-retain-until-date": lockedUntilMs === undefined ? undefined : isoSeconds(lockedUntilMs),
    "s3:if-match": input.IfMatch,
    "s3:if-none-match": input.IfNoneMatch,
    "s3:ObjectCreationOperation": creates,
  });
  return [
    onObject(bucket, input.Key, "s3:PutObject", { ...keys, ...acl, ...tags }),
    ...(input.Tagging ? [onObject(bucket, input.Key, "s3:PutObjectTagging", tags)] : []),
    ...(Object.keys(acl).length > 0 ? [onObject(bucket, input.Key, "s3:PutObjectAcl", acl)] : []),
  ];
}

/** AWS: policies compare the key's ARN, also where the request names the key by its id or an alias. */
const kmsKeyArn = (keyId: string | undefined, scope: AwsScope): string | undefined =>
  keyId === undefined || keyId.startsWith("arn:")
    ? keyId
    : arnIn(scope, "kms", keyId.startsWith("alias/") ? keyId : `key/${keyId}`);

export const putObject = operation<PutObjectRequest, PutObjectOutput>({
  name: "PutObject",
  support: "partial",
  gaps: [
    "SSE-C, `aws:kms:dsse`, object lock, archive storage classes and ACLs that grant something are refused",
    "SHA512, MD5 and XXHASH checksums are refused; without a checksum none is computed",
  ],
  source: reference("PutObject"),
  authorize: (input, context) => writeAccess(context, requireBucket(context, input), input, { creates: true }),
  errors: [...storeErrors, ...writeConditionErrors, incompleteBody, entityTooLarge],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    requireStorable(bucket, input);
    requireWriteConditions(input.Key, currentIn(context.store).get(recordKey(bucket.name, input.Key)), input);
    if ((input.ContentLength ?? 0) > MAX_PUT_BYTES) throw entityTooLarge(input.ContentLength ?? 0, MAX_PUT_BYTES);
    const tags = tagsFromHeader(input.Tagging);
    const headers = headersOf(input);
    const watch = new BodyWatch(input, input.Body);
    const dataKey = await makeDataKey(context, bucket, input.Key, wantedEncryption(bucket, input));
    const version = await storeWhole(context, bucket, input, {
      plain: limited(watch, input),
      watch,
      dataKey,
      headers,
      tags,
    });
    return {
      ETag: version.etag,
      ...shownVersionId(bucket, version.versionId),
      ...encryptionAnswer(version.encryption),
      ...checksumAnswer(version.checksum),
    };
  },
});

async function* limited(watch: BodyWatch, input: PutObjectRequest): AsyncGenerator<Uint8Array> {
  for await (const chunk of watch.pass(chunksOf(input.Body))) {
    if (watch.size > MAX_PUT_BYTES) throw entityTooLarge(watch.size, MAX_PUT_BYTES);
    yield chunk;
  }
  if (input.ContentLength !== undefined && watch.size !== input.ContentLength) throw incompleteBody();
}

/** An object in one piece. */
interface WholeObject {
  /** What `watch` lets pass. */
  readonly plain: AsyncIterable<Uint8Array>;
  readonly watch: BodyWatch;
  readonly dataKey: DataKey;
  readonly headers: ObjectHeaders;
  readonly tags: Readonly<Record<string, string>> | undefined;
}

export function storeWhole(
  context: OperationContext,
  bucket: BucketRecord,
  input: Pick<WriteInput, "Bucket" | "Key" | "IfMatch" | "IfNoneMatch" | "StorageClass">,
  { plain, watch, dataKey, headers, tags }: WholeObject,
): Promise<ObjectVersion> {
  const { encryption } = dataKey;
  return storeObject(context, bucket, input, async (contents) => {
    const part = await contents.write(dataKey.plaintext, plain);
    return {
      parts: [part],
      describe: () => {
        const { md5, checksum } = watch.finish();
        // AWS: the ETag of an object under a KMS key is not the MD5 of its bytes.
        const etag = encryption.algorithm === "AES256" ? md5.toString("hex") : part.blob.slice(-32);
        return {
          kind: "object",
          key: input.Key,
          size: part.size,
          etag: `"${etag}"`,
          storageClass: input.StorageClass ?? "STANDARD",
          headers,
          ...(tags && { tags }),
          encryption,
          ...(checksum && { checksum }),
          parts: [part],
        };
      },
    };
  });
}

/** An object before it has a version and a date. */
type DescribedObject = Omit<ObjectVersion, "versionId" | "lastModifiedMs">;

interface Written {
  readonly parts: ObjectVersion["parts"];
  /** Throws when the bytes are not what they should be. */
  describe(): DescribedObject;
}

/**
 * Writes contents, then puts the object in front of its key in one durable change, under the bucket as it is then.
 * When anything fails, the contents are taken away again.
 */
export async function storeObject(
  context: OperationContext,
  bucket: BucketRecord,
  input: Pick<WriteInput, "Bucket" | "Key" | "IfMatch" | "IfNoneMatch">,
  write: (contents: ReturnType<typeof contentsOf>) => Promise<Written>,
): Promise<ObjectVersion> {
  const { store, ids, clock } = context;
  const contents = contentsOf(store, ids);
  const written = await write(contents);
  try {
    const described = written.describe();
    const { version, dropped } = await store.write(() => {
      const now = bucketsIn(store).get([bucket.name]) ?? requireBucket(context, input);
      // Deleted and made anew while the bytes came in: that bucket was never asked.
      if (now.accountId !== bucket.accountId || now.createdAtMs !== bucket.createdAtMs) throw noSuchBucket(bucket.name);
      requireWriteConditions(input.Key, currentIn(store).get(recordKey(now.name, input.Key)), input);
      const version: ObjectVersion = {
        ...described,
        versionId: newVersionId(now, ids),
        lastModifiedMs: clock.nowMs(),
      };
      const dropped = putVersion(store, now, version);
      contents.own(version.parts);
      contents.disown(dropped);
      return { version, dropped };
    });
    await contents.remove(dropped);
    return version;
  } catch (error) {
    await contents.remove(written.parts);
    throw error;
  }
}
