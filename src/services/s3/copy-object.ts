/** CopyObject: one object from another, bytes decrypted and encrypted again on the way. */
import { type OperationContext, operation } from "../service.ts";
import { BodyWatch, checksumAnswer, requestedAlgorithm } from "./checksums.ts";
import { readConditionErrors, requireCopyConditions, writeConditionErrors } from "./conditions.ts";
import { contentsOf } from "./content-store.ts";
import { parseCopySource } from "./copy-source.ts";
import { encryptionAnswer, makeDataKey, openDataKey, wantedEncryption } from "./encryption.ts";
import { copyOntoItself, entityTooLarge, invalidRequest, notOfferedHere, reference } from "./errors.ts";
import { conditionKeys, onBucket, onObject, requireBucket, tagKeys } from "./find-bucket.ts";
import { headersOf, requireStorable, tagsFromHeader } from "./object-headers.ts";
import { storeErrors, storeWhole, writeAccess } from "./put-object.ts";
import type { BucketRecord, ObjectVersion } from "./records.ts";
import type { CopyObjectOutput, CopyObjectRequest } from "./shapes.gen.ts";
import { requestTagKeys } from "./tags.ts";
import { findVersion, requireObject, shownVersionId, versionErrors } from "./versions.ts";

const MAX_COPY_BYTES = 5 * 1024 ** 3;

export const copyObject = operation<CopyObjectRequest, CopyObjectOutput>({
  name: "CopyObject",
  support: "partial",
  gaps: ["SSE-C, object lock, archive storage classes and ACLs that grant something are refused"],
  source: reference("CopyObject"),
  authorize(input, context) {
    const bucket = requireBucket(context, input);
    const { sourceBucket, Key, VersionId } = sourceOf(input, context);
    const version = findVersion(context.store, sourceBucket.name, Key, VersionId);
    const tags = version?.kind === "object" ? version.tags : undefined;
    const suffix = VersionId === undefined ? "" : "Version";
    const keys = {
      ...conditionKeys({ "s3:versionid": VersionId }),
      ...tagKeys("s3:ExistingObjectTag", tags),
    };
    const copiesTags = tags !== undefined && input.TaggingDirective !== "REPLACE";
    const asked = { ...input, Tagging: copiesTags ? undefined : input.Tagging };
    const [put, ...more] = writeAccess(context, bucket, asked, { creates: true });
    const putKeys = conditionKeys({
      "s3:x-amz-copy-source": `${sourceBucket.name}/${Key}`,
      "s3:x-amz-metadata-directive": input.MetadataDirective,
    });
    return [
      onObject(sourceBucket, Key, `s3:GetObject${suffix}`, keys),
      ...(copiesTags ? [onObject(sourceBucket, Key, `s3:GetObject${suffix}Tagging`, keys)] : []),
      ...(version?.kind === "object" ? [] : [onBucket(sourceBucket, "s3:ListBucket")]),
      ...(put ? [{ ...put, context: { ...put.context, ...putKeys } }] : []),
      ...more,
      ...(copiesTags ? [onObject(bucket, input.Key, "s3:PutObjectTagging", requestTagKeys(tags))] : []),
    ];
  },
  errors: [
    ...[...storeErrors, ...versionErrors, ...readConditionErrors, ...writeConditionErrors],
    ...[invalidRequest, entityTooLarge, notOfferedHere],
  ],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    requireStorable(bucket, input);
    if (input.CopySourceSSECustomerKey !== undefined)
      throw notOfferedHere("encryption with keys of the customer (SSE-C)");
    const { sourceBucket, Key, VersionId } = sourceOf(input, context);
    const source = requireObject(context, sourceBucket.name, { Key, VersionId }, "GET");
    requireCopyConditions(source, {
      IfMatch: input.CopySourceIfMatch,
      IfNoneMatch: input.CopySourceIfNoneMatch,
      IfModifiedSince: input.CopySourceIfModifiedSince,
      IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
    });
    if (source.size > MAX_COPY_BYTES) throw entityTooLarge(source.size, MAX_COPY_BYTES);
    requireChange(input, bucket, sourceBucket, { Key, VersionId });
    const version = await copy(context, bucket, input, { bucket: sourceBucket, object: source });
    return {
      CopyObjectResult: {
        ETag: version.etag,
        LastModified: version.lastModifiedMs,
        ...checksumAnswer(version.checksum),
      },
      ...shownVersionId(bucket, version.versionId),
      ...(sourceBucket.versioning !== undefined && { CopySourceVersionId: source.versionId }),
      ...encryptionAnswer(version.encryption),
    };
  },
});

function sourceOf(input: CopyObjectRequest, context: OperationContext) {
  const { bucket, key, versionId } = parseCopySource(input.CopySource);
  const sourceBucket = requireBucket(context, {
    Bucket: bucket,
    ExpectedBucketOwner: input.ExpectedSourceBucketOwner,
  });
  return { sourceBucket, Key: key, VersionId: versionId };
}

function requireChange(
  input: CopyObjectRequest,
  bucket: BucketRecord,
  sourceBucket: BucketRecord,
  source: { readonly Key: string; readonly VersionId: string | undefined },
): void {
  if (bucket.name !== sourceBucket.name || input.Key !== source.Key || source.VersionId !== undefined) return;
  const changes = [
    input.StorageClass,
    input.WebsiteRedirectLocation,
    input.ServerSideEncryption,
    input.BucketKeyEnabled,
  ];
  if (input.MetadataDirective === "REPLACE" || changes.some((change) => change !== undefined)) return;
  throw copyOntoItself();
}

async function copy(
  context: OperationContext,
  bucket: BucketRecord,
  input: CopyObjectRequest,
  source: { readonly bucket: BucketRecord; readonly object: ObjectVersion },
): Promise<ObjectVersion> {
  const { object } = source;
  const algorithm = requestedAlgorithm(input.ChecksumAlgorithm) ?? object.checksum?.algorithm;
  const sourceKey = await openDataKey(context, source.bucket, object.key, object.encryption);
  const dataKey = await makeDataKey(context, bucket, input.Key, wantedEncryption(bucket, input));
  // AWS: a copy is one piece, whatever its source was, and has the ETag of one.
  const watch = new BodyWatch({ ChecksumAlgorithm: algorithm }, undefined);
  const bytes = contentsOf(context.store, context.ids).read(sourceKey, object.parts, { start: 0, end: object.size });
  try {
    return await storeWhole(context, bucket, input, {
      plain: watch.pass(bytes),
      watch,
      dataKey,
      headers: input.MetadataDirective === "REPLACE" ? headersOf(input) : object.headers,
      tags: input.TaggingDirective === "REPLACE" ? tagsFromHeader(input.Tagging) : object.tags,
    });
  } finally {
    await bytes.return?.();
  }
}
