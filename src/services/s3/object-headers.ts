/**
 * What a client says about an object besides its bytes: headers, metadata, storage class, tags; checked when it comes
 * and given back with the object.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
import {
  aclsNotSupported,
  invalidStorageClass,
  invalidTag,
  keyTooLong,
  metadataTooLarge,
  notOfferedHere,
  tooManyTags,
} from "./errors.ts";
import type { BucketRecord, ObjectHeaders, ObjectVersion } from "./records.ts";
import type { GetObjectOutput } from "./shapes.gen.ts";
import { requireTags } from "./tags.ts";

type StorageClass = NonNullable<GetObjectOutput["StorageClass"]>;

const MAX_KEY_BYTES = 1024;
const MAX_METADATA_BYTES = 2048;
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
const STORAGE_CLASSES = new Set([
  ...["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"],
]);

export const headerErrors = [
  ...[keyTooLong, metadataTooLarge, invalidStorageClass, invalidTag, tooManyTags, aclsNotSupported, notOfferedHere],
];

/** The members of PutObject, CopyObject and CreateMultipartUpload about the object. */
export interface ObjectHeaderInput {
  readonly ContentType?: string | undefined;
  readonly CacheControl?: string | undefined;
  readonly ContentDisposition?: string | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentLanguage?: string | undefined;
  readonly Expires?: string | undefined;
  readonly WebsiteRedirectLocation?: string | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}

interface ObjectInput {
  readonly Key: string;
  readonly StorageClass?: string | undefined;
  readonly ACL?: string | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
  readonly ObjectLockRetainUntilDate?: number | undefined;
  readonly WriteOffsetBytes?: number | undefined;
}

/** Throws for what cannot be stored, and for what would be ignored. */
export function requireStorable(bucket: BucketRecord, input: ObjectInput): void {
  const keyBytes = Buffer.byteLength(input.Key);
  if (keyBytes > MAX_KEY_BYTES) throw keyTooLong(keyBytes, MAX_KEY_BYTES);
  if (input.StorageClass !== undefined && !STORAGE_CLASSES.has(input.StorageClass)) {
    if (["GLACIER", "DEEP_ARCHIVE"].includes(input.StorageClass)) throw notOfferedHere("archive storage classes");
    throw invalidStorageClass(input.StorageClass);
  }
  const { ObjectLockMode, ObjectLockLegalHoldStatus, ObjectLockRetainUntilDate, WriteOffsetBytes } = input;
  if ((ObjectLockMode ?? ObjectLockLegalHoldStatus ?? ObjectLockRetainUntilDate) !== undefined) {
    throw notOfferedHere("object lock");
  }
  if (WriteOffsetBytes !== undefined) throw notOfferedHere("appending to objects");
  requirePossibleAcl(bucket, input);
}

/** AWS: a bucket without ACLs takes the one that changes nothing. */
function requirePossibleAcl(bucket: BucketRecord, input: ObjectInput): void {
  const hasGrants =
    (input.GrantFullControl ?? input.GrantRead ?? input.GrantReadACP ?? input.GrantWriteACP) !== undefined;
  if (bucket.objectOwnership === undefined) {
    if (hasGrants || (input.ACL !== undefined && input.ACL !== "bucket-owner-full-control")) throw aclsNotSupported();
    return;
  }
  const changesNothing = ["private", "bucket-owner-full-control", "bucket-owner-read", undefined].includes(input.ACL);
  if (hasGrants || !changesNothing) throw notOfferedHere("ACLs of objects");
}

export function headersOf(input: ObjectHeaderInput): ObjectHeaders {
  const metadata = input.Metadata && Object.keys(input.Metadata).length > 0 ? lowerCased(input.Metadata) : undefined;
  if (metadata) {
    const size = Object.entries(metadata).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
    if (size > MAX_METADATA_BYTES) throw metadataTooLarge(size, MAX_METADATA_BYTES);
  }
  const contentEncoding = withoutAwsChunked(input.ContentEncoding);
  return {
    contentType: input.ContentType || DEFAULT_CONTENT_TYPE,
    ...(input.CacheControl !== undefined && { cacheControl: input.CacheControl }),
    ...(input.ContentDisposition !== undefined && { contentDisposition: input.ContentDisposition }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(input.ContentLanguage !== undefined && { contentLanguage: input.ContentLanguage }),
    ...(input.Expires !== undefined && { expires: input.Expires }),
    ...(input.WebsiteRedirectLocation !== undefined && { websiteRedirectLocation: input.WebsiteRedirectLocation }),
    ...(metadata && { metadata }),
  };
}

const lowerCased = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value]));

/** How a body travelled is not part of the object. */
function withoutAwsChunked(encoding: string | undefined): string | undefined {
  if (encoding === undefined) return undefined;
  const kept = encoding
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "aws-chunked");
  return kept.length === 0 ? undefined : kept.join(",");
}

/** The members of answers that describe an object. */
export const headerAnswer = ({ headers, storageClass }: Pick<ObjectVersion, "headers" | "storageClass">) => ({
  ContentType: headers.contentType ?? DEFAULT_CONTENT_TYPE,
  ...(headers.cacheControl !== undefined && { CacheControl: headers.cacheControl }),
  ...(headers.contentDisposition !== undefined && { ContentDisposition: headers.contentDisposition }),
  ...(headers.contentEncoding !== undefined && { ContentEncoding: headers.contentEncoding }),
  ...(headers.contentLanguage !== undefined && { ContentLanguage: headers.contentLanguage }),
  ...(headers.expires !== undefined && { Expires: headers.expires }),
  ...(headers.websiteRedirectLocation !== undefined && { WebsiteRedirectLocation: headers.websiteRedirectLocation }),
  Metadata: headers.metadata ?? {},
  // AWS: the standard class is not mentioned.
  ...(storageClass !== "STANDARD" && { StorageClass: storageClass as StorageClass }),
});

/** Tags as a header or URL carries them: `a=1&b=2`. */
export function tagsFromHeader(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined || text === "") return undefined;
  const pairs = [...new URLSearchParams(text)].map(([Key, Value]) => ({ Key, Value }));
  return requireTags(pairs, "Object");
}
