/**
 * What S3 keeps: buckets, the current version of every key, older versions, multipart uploads with their parts. Bytes
 * are in blobs (sealed-content.ts). Read by every file of this folder.
 *
 * invariant: a key with any version has a current one, which may be a delete marker; so the current versions alone
 * list every key of a bucket.
 */
import type { Collection, Key, Store } from "../../store/store.ts";

export interface BucketRecord {
  readonly name: string;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  readonly createdAtMs: number;
  /** Absent: never switched on. */
  readonly versioning?: "Enabled" | "Suspended";
  /** The bucket policy's JSON, as given. */
  readonly policyText?: string;
  /** Absent: SSE-S3. */
  readonly encryption?: DefaultEncryption;
  readonly tags?: Readonly<Record<string, string>>;
  /** Absent: `BucketOwnerEnforced`, ACLs are off. */
  readonly objectOwnership?: "BucketOwnerPreferred" | "ObjectWriter";
  /** Grants besides the owner's, as given; only where ACLs are on. */
  readonly grants?: readonly GrantRecord[];
}

export interface DefaultEncryption {
  readonly algorithm: "AES256" | "aws:kms";
  /** As given; absent for `alias/aws/s3`. */
  readonly kmsKeyId?: string;
  readonly bucketKeyEnabled?: boolean;
}

export interface GrantRecord {
  readonly grantee: Readonly<Record<string, string>>;
  readonly permission: string;
}

/** Bytes at rest: ciphertext in one blob, under a key derived from the object's data key and `salt`. */
export interface ContentPart {
  /** Digest of the blob. */
  readonly blob: string;
  /** Of the plain bytes. */
  readonly size: number;
  /** Base64. */
  readonly salt: string;
  /** Parts of multipart uploads only. */
  readonly partNumber?: number;
  /** Parts of multipart uploads only: base64 checksum of the part under the object's algorithm. */
  readonly checksum?: string;
}

/** How an object's data key is kept: sealed by the store, or as KMS's ciphertext. */
export type ObjectEncryption =
  | { readonly algorithm: "AES256"; readonly sealedKey: string }
  | {
      readonly algorithm: "aws:kms";
      /** ARN of the key. */
      readonly kmsKeyArn: string;
      /** Base64. */
      readonly encryptedKey: string;
      readonly context: Readonly<Record<string, string>>;
      /** As given by the user, without what S3 adds. */
      readonly userContext?: Readonly<Record<string, string>>;
      readonly bucketKeyEnabled: boolean;
    };

export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

export interface ChecksumRecord {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; composite ones end in `-<number of parts>`. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

/** What a client says about an object and gets back with it. */
export interface ObjectHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ObjectVersion {
  readonly kind: "object";
  readonly key: string;
  /** `null` for objects written without versioning. */
  readonly versionId: string;
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly storageClass: string;
  readonly headers: ObjectHeaders;
  readonly tags?: Readonly<Record<string, string>>;
  readonly encryption: ObjectEncryption;
  readonly checksum?: ChecksumRecord;
  readonly parts: readonly ContentPart[];
}

export interface DeleteMarker {
  readonly kind: "deleteMarker";
  readonly key: string;
  readonly versionId: string;
  readonly lastModifiedMs: number;
}

export type VersionRecord = ObjectVersion | DeleteMarker;

export interface UploadRecord {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedAtMs: number;
  readonly initiatorArn: string;
  readonly storageClass: string;
  readonly headers: ObjectHeaders;
  readonly tags?: Readonly<Record<string, string>>;
  readonly encryption: ObjectEncryption;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
}

export interface PartRecord extends ContentPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

/** Keyed by name: one name space for all accounts and regions. */
export const bucketsIn = (store: Store): Collection<BucketRecord> => store.collection("s3/buckets");
/** Keyed by bucket and key. */
export const currentIn = (store: Store): Collection<VersionRecord> => store.collection("s3/current");
/** Keyed by bucket, key and a rank that puts the newest first. */
export const olderIn = (store: Store): Collection<VersionRecord> => store.collection("s3/older");
/** Keyed by bucket, key and upload id. */
export const uploadsIn = (store: Store): Collection<UploadRecord> => store.collection("s3/uploads");
/** Keyed by upload id and part number in five digits. */
export const partsIn = (store: Store): Collection<PartRecord> => store.collection("s3/parts");

export const recordKey = (bucket: string, key: string): Key => [bucket, key];
export const uploadKey = (bucket: string, { key, uploadId }: Pick<UploadRecord, "key" | "uploadId">): Key => [
  bucket,
  key,
  uploadId,
];
export const partKey = (uploadId: string, partNumber: number): Key => [uploadId, String(partNumber).padStart(5, "0")];

export const bucketArn = (bucket: { readonly partition: string; readonly name: string }): string =>
  `arn:${bucket.partition}:s3:::${bucket.name}`;
export const objectArn = (bucket: { readonly partition: string; readonly name: string }, key: string): string =>
  `${bucketArn(bucket)}/${key}`;
