/**
 * ListObjectsV2, ListObjects and ListObjectVersions: keys in the order of their UTF-8 bytes, a page at a time, rolled up
 * at a delimiter. A rolled-up prefix is skipped, not read through.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html
 */
import type { AuthorizationRequest } from "../../authorize/decision.ts";
import { pageToken } from "../page-token.ts";
import { type OperationContext, operation } from "../service.ts";
import { nameInToken } from "./continuation-token.ts";
import { encodeKey } from "./encode-key.ts";
import { invalidArgument, reference } from "./errors.ts";
import { type BucketInput, bucketErrors, conditionKeys, onBucket, requireBucket } from "./find-bucket.ts";
import { type KeyPage, pageOfKeys } from "./key-page.ts";
import { ownerOf } from "./owner.ts";
import { type BucketRecord, currentIn, type ObjectVersion, type VersionRecord } from "./records.ts";
import type {
  Object as ListedObject,
  ListObjectsOutput,
  ListObjectsRequest,
  ListObjectsV2Output,
  ListObjectsV2Request,
  ListObjectVersionsOutput,
  ListObjectVersionsRequest,
} from "./shapes.gen.ts";
import { olderVersions } from "./versions.ts";

const MAX_KEYS = 1000;

interface ListInput extends BucketInput {
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly MaxKeys?: number | undefined;
  readonly EncodingType?: "url" | undefined;
}

function access(context: OperationContext, input: ListInput, action: string): AuthorizationRequest[] {
  const keys = conditionKeys({
    "s3:prefix": input.Prefix,
    "s3:delimiter": input.Delimiter,
    "s3:max-keys": input.MaxKeys,
  });
  return [onBucket(requireBucket(context, input), action, keys)];
}

const errors = [...bucketErrors, invalidArgument];

export const listObjectsV2 = operation<ListObjectsV2Request, ListObjectsV2Output>({
  name: "ListObjectsV2",
  support: "supported",
  source: reference("ListObjectsV2"),
  authorize: (input, context) => access(context, input, "s3:ListBucket"),
  errors,
  run(input, context) {
    const bucket = requireBucket(context, input);
    const after = input.ContinuationToken === undefined ? input.StartAfter : nameInToken(input.ContinuationToken);
    const page = list(context, bucket, input, after);
    return {
      ...common(bucket, input, page, input.FetchOwner === true),
      KeyCount: page.items.length + page.prefixes.length,
      ...(input.ContinuationToken !== undefined && { ContinuationToken: input.ContinuationToken }),
      ...(input.StartAfter !== undefined && { StartAfter: encodeKey(input.StartAfter, input.EncodingType) }),
      ...(page.next !== undefined && { NextContinuationToken: pageToken(page.next) }),
    };
  },
});

export const listObjects = operation<ListObjectsRequest, ListObjectsOutput>({
  name: "ListObjects",
  support: "supported",
  source: reference("ListObjects"),
  authorize: (input, context) => access(context, input, "s3:ListBucket"),
  errors,
  run(input, context) {
    const bucket = requireBucket(context, input);
    const page = list(context, bucket, input, input.Marker || undefined);
    return {
      ...common(bucket, input, page, true),
      Marker: encodeKey(input.Marker ?? "", input.EncodingType),
      // AWS: without a delimiter the last key of the page says where to go on.
      ...(page.next !== undefined &&
        input.Delimiter !== undefined && { NextMarker: encodeKey(page.next, input.EncodingType) }),
    };
  },
});

function list(
  context: OperationContext,
  bucket: BucketRecord,
  input: ListInput,
  after: string | undefined,
): KeyPage<ObjectVersion> {
  return pageOfKeys(currentIn(context.store), bucket.name, {
    prefix: input.Prefix ?? "",
    delimiter: input.Delimiter || undefined,
    after,
    limit: limitOf(input),
    accept: (version) => (version.kind === "object" ? [version] : []),
  });
}

function limitOf({ MaxKeys = MAX_KEYS }: ListInput): number {
  if (MaxKeys < 0) {
    throw invalidArgument("Argument max-keys must be an integer between 0 and 2147483647", "max-keys", String(MaxKeys));
  }
  return Math.min(MaxKeys, MAX_KEYS);
}

function common(bucket: BucketRecord, input: ListInput, page: KeyPage<ObjectVersion>, withOwner: boolean) {
  const { EncodingType } = input;
  return {
    Name: bucket.name,
    Prefix: encodeKey(input.Prefix ?? "", EncodingType),
    ...(input.Delimiter !== undefined && { Delimiter: encodeKey(input.Delimiter, EncodingType) }),
    MaxKeys: limitOf(input),
    ...(EncodingType !== undefined && { EncodingType }),
    IsTruncated: page.next !== undefined,
    Contents: page.items.map((object) => listed(bucket, object, input, withOwner)),
    CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: encodeKey(prefix, EncodingType) })),
  };
}

function listed(bucket: BucketRecord, object: ObjectVersion, input: ListInput, withOwner: boolean): ListedObject {
  return {
    Key: encodeKey(object.key, input.EncodingType),
    LastModified: object.lastModifiedMs,
    ETag: object.etag,
    ...(object.checksum && {
      ChecksumAlgorithm: [object.checksum.algorithm],
      ChecksumType: object.checksum.type,
    }),
    Size: object.size,
    ...(withOwner && { Owner: ownerOf(bucket.accountId) }),
    StorageClass: object.storageClass as NonNullable<ListedObject["StorageClass"]>,
  };
}

/** One version with what the listing says about it. */
interface ListedVersion {
  readonly version: VersionRecord;
  readonly isLatest: boolean;
}

export const listObjectVersions = operation<ListObjectVersionsRequest, ListObjectVersionsOutput>({
  name: "ListObjectVersions",
  support: "supported",
  source: reference("ListObjectVersions"),
  authorize: (input, context) => access(context, input, "s3:ListBucketVersions"),
  errors,
  run(input, context) {
    const bucket = requireBucket(context, input);
    const { EncodingType, KeyMarker, VersionIdMarker } = input;
    if (VersionIdMarker !== undefined && !KeyMarker) {
      throw invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker");
    }
    const versionsOf = (current: VersionRecord): ListedVersion[] => [
      { version: current, isLatest: true },
      ...olderVersions(context.store, bucket.name, current.key).map(({ value }) => ({
        version: value,
        isLatest: false,
      })),
    ];
    const rest = (current: VersionRecord): ListedVersion[] => {
      const versions = versionsOf(current);
      if (current.key !== KeyMarker || VersionIdMarker === undefined) return versions;
      return versions.slice(versions.findIndex(({ version }) => version.versionId === VersionIdMarker) + 1);
    };
    const page = pageOfKeys(currentIn(context.store), bucket.name, {
      prefix: input.Prefix ?? "",
      delimiter: input.Delimiter || undefined,
      after: KeyMarker || undefined,
      includesAfter: VersionIdMarker !== undefined,
      limit: limitOf(input),
      accept: rest,
    });
    const owner = ownerOf(bucket.accountId);
    const facts = ({ version, isLatest }: ListedVersion) => ({
      Key: encodeKey(version.key, EncodingType),
      VersionId: version.versionId,
      IsLatest: isLatest,
      LastModified: version.lastModifiedMs,
      Owner: owner,
    });
    const last = page.items.at(-1)?.version;
    return {
      Name: bucket.name,
      Prefix: encodeKey(input.Prefix ?? "", EncodingType),
      KeyMarker: encodeKey(KeyMarker ?? "", EncodingType),
      VersionIdMarker: VersionIdMarker ?? "",
      ...(page.next !== undefined && {
        NextKeyMarker: encodeKey(page.next, EncodingType),
        ...(last?.key === page.next && { NextVersionIdMarker: last.versionId }),
      }),
      MaxKeys: limitOf(input),
      ...(input.Delimiter !== undefined && { Delimiter: encodeKey(input.Delimiter, EncodingType) }),
      ...(EncodingType !== undefined && { EncodingType }),
      IsTruncated: page.next !== undefined,
      Versions: page.items.flatMap((item) =>
        item.version.kind === "object"
          ? [
              {
                ...facts(item),
                ETag: item.version.etag,
                Size: item.version.size,
                StorageClass: "STANDARD" as const,
                ...(item.version.checksum && {
                  ChecksumAlgorithm: [item.version.checksum.algorithm],
                  ChecksumType: item.version.checksum.type,
                }),
              },
            ]
          : [],
      ),
      DeleteMarkers: page.items.flatMap((item) => (item.version.kind === "deleteMarker" ? [facts(item)] : [])),
      CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: encodeKey(prefix, EncodingType) })),
    };
  },
});
