/**
 * Multipart uploads: CreateMultipartUpload, UploadPart, AbortMultipartUpload, ListParts, ListMultipartUploads.
 * CompleteMultipartUpload is in complete-multipart-upload.ts. All parts are under one data key, made at the start.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
import { chunksOf } from "../../core/streaming-blob.ts";
import { type OperationContext, operation } from "../service.ts";
import { BodyWatch, checksumErrors, checksumMember, isFullObjectCapable, requestedAlgorithm } from "./checksums.ts";
import { contentsOf } from "./content-store.ts";
import { encodeKey } from "./encode-key.ts";
import { encryptionAnswer, encryptionErrors, makeDataKey, openDataKey, wantedEncryption } from "./encryption.ts";
import { entityTooLarge, incompleteBody, invalidArgument, invalidRequest, noSuchUpload, reference } from "./errors.ts";
import { bucketErrors, onBucket, onObject, requireBucket } from "./find-bucket.ts";
import { pageOfKeys } from "./key-page.ts";
import { headersOf, requireStorable, tagsFromHeader } from "./object-headers.ts";
import { ownerOf } from "./owner.ts";
import { storeErrors, writeAccess } from "./put-object.ts";
import { type PartRecord, partKey, partsIn, type UploadRecord, uploadKey, uploadsIn } from "./records.ts";
import type {
  AbortMultipartUploadOutput,
  AbortMultipartUploadRequest,
  CreateMultipartUploadOutput,
  CreateMultipartUploadRequest,
  ListMultipartUploadsOutput,
  ListMultipartUploadsRequest,
  ListPartsOutput,
  ListPartsRequest,
  UploadPartOutput,
  UploadPartRequest,
} from "./shapes.gen.ts";

const MAX_PART_BYTES = 5 * 1024 ** 3;
const MAX_PART_NUMBER = 10_000;
const MAX_PARTS = 1000;
const UPLOAD_ID_LENGTH = 128;

export const createMultipartUpload = operation<CreateMultipartUploadRequest, CreateMultipartUploadOutput>({
  name: "CreateMultipartUpload",
  support: "partial",
  gaps: ["SSE-C, `aws:kms:dsse`, object lock, archive storage classes and ACLs that grant something are refused"],
  source: reference("CreateMultipartUpload"),
  authorize: (input, context) => writeAccess(context, requireBucket(context, input), input, { creates: false }),
  errors: storeErrors,
  async run(input, context) {
    const bucket = requireBucket(context, input);
    requireStorable(bucket, input);
    const tags = tagsFromHeader(input.Tagging);
    const checksumAlgorithm = requestedAlgorithm(input.ChecksumAlgorithm);
    const checksumType = checksumAlgorithm && checksumTypeOf(checksumAlgorithm, input.ChecksumType);
    const headers = headersOf(input);
    const { encryption } = await makeDataKey(context, bucket, input.Key, wantedEncryption(bucket, input));
    const upload: UploadRecord = {
      uploadId: context.ids.alphanumeric(UPLOAD_ID_LENGTH),
      key: input.Key,
      initiatedAtMs: context.clock.nowMs(),
      initiatorArn: context.principal.arn,
      storageClass: input.StorageClass ?? "STANDARD",
      headers,
      ...(tags && { tags }),
      encryption,
      ...(checksumAlgorithm && { checksumAlgorithm }),
      ...(checksumType && { checksumType }),
    };
    await context.store.write(() => {
      // The bucket may be gone since the key was asked for.
      requireBucket(context, input);
      uploadsIn(context.store).put(uploadKey(bucket.name, upload), upload);
    });
    return {
      Bucket: bucket.name,
      Key: input.Key,
      UploadId: upload.uploadId,
      ...encryptionAnswer(encryption),
      ...(checksumAlgorithm && { ChecksumAlgorithm: checksumAlgorithm }),
      ...(checksumType && { ChecksumType: checksumType }),
    };
  },
});

/** AWS: CRC64NVME is always of the full object, the hashes never. */
function checksumTypeOf(algorithm: NonNullable<UploadRecord["checksumAlgorithm"]>, wanted: string | undefined) {
  const type = wanted ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  if (type === "FULL_OBJECT" && isFullObjectCapable(algorithm)) return type;
  if (type === "COMPOSITE" && algorithm !== "CRC64NVME") return type;
  throw invalidRequest(
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

interface UploadInput {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/** The upload, by the key it was started for. */
export function requireUpload(context: OperationContext, input: UploadInput): UploadRecord {
  const upload = uploadsIn(context.store).get(
    uploadKey(input.Bucket, { key: input.Key, uploadId: safe(input.UploadId) }),
  );
  if (!upload) throw noSuchUpload(input.UploadId);
  return upload;
}

const safe = (text: string): string => text.replaceAll("\u0000", "");

export const uploadPart = operation<UploadPartRequest, UploadPartOutput>({
  name: "UploadPart",
  support: "partial",
  gaps: ["SSE-C is refused", "SHA512, MD5 and XXHASH checksums are refused"],
  source: reference("UploadPart"),
  authorize: (input, context) => [
    onObject(requireBucket(context, input), input.Key, "s3:PutObject", { "s3:ObjectCreationOperation": "false" }),
  ],
  errors: [
    ...[...bucketErrors, ...encryptionErrors, ...checksumErrors],
    ...[noSuchUpload, invalidArgument, entityTooLarge, incompleteBody],
  ],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const { PartNumber } = input;
    if (PartNumber < 1 || PartNumber > MAX_PART_NUMBER) {
      throw invalidArgument(
        "Part number must be an integer between 1 and 10000, inclusive",
        "partNumber",
        String(PartNumber),
      );
    }
    const upload = requireUpload(context, input);
    const algorithm = upload.checksumAlgorithm;
    const watch = new BodyWatch({ ...(algorithm && { ChecksumAlgorithm: algorithm }), ...input }, input.Body);
    const dataKey = await openDataKey(context, bucket, input.Key, upload.encryption);
    const contents = contentsOf(context.store, context.ids);
    const written = await contents.write(dataKey, limited(watch, input));
    try {
      const { md5, checksum } = watch.finish();
      if (algorithm && checksum && checksum.algorithm !== algorithm) {
        throw invalidRequest(
          `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${checksum.algorithm.toLowerCase()}`,
        );
      }
      const part: PartRecord = {
        ...written,
        partNumber: PartNumber,
        etag: `"${md5.toString("hex")}"`,
        lastModifiedMs: context.clock.nowMs(),
        ...(checksum && { checksum: checksum.value }),
      };
      const parts = partsIn(context.store);
      const replaced = await context.store.write(() => {
        // Completed or aborted while the bytes came in.
        requireUpload(context, input);
        const previous = parts.get(partKey(upload.uploadId, PartNumber));
        parts.put(partKey(upload.uploadId, PartNumber), part);
        contents.own([part]);
        if (previous) contents.disown([previous]);
        return previous;
      });
      if (replaced) await contents.remove([replaced]);
      return {
        ETag: part.etag,
        ...encryptionAnswer(upload.encryption),
        ...(checksum && checksumMember(checksum.algorithm, checksum.value)),
      };
    } catch (error) {
      await contents.remove([written]);
      throw error;
    }
  },
});

async function* limited(watch: BodyWatch, input: UploadPartRequest): AsyncGenerator<Uint8Array> {
  for await (const chunk of watch.pass(chunksOf(input.Body))) {
    if (watch.size > MAX_PART_BYTES) throw entityTooLarge(watch.size, MAX_PART_BYTES);
    yield chunk;
  }
  if (input.ContentLength !== undefined && watch.size !== input.ContentLength) throw incompleteBody();
}

export const abortMultipartUpload = operation<AbortMultipartUploadRequest, AbortMultipartUploadOutput>({
  name: "AbortMultipartUpload",
  support: "supported",
  source: reference("AbortMultipartUpload"),
  authorize: (input, context) => [onObject(requireBucket(context, input), input.Key, "s3:AbortMultipartUpload")],
  errors: [...bucketErrors, noSuchUpload],
  async run(input, context) {
    requireBucket(context, input);
    const contents = contentsOf(context.store, context.ids);
    const dropped = await context.store.write(() => {
      const upload = requireUpload(context, input);
      const parts = removeUpload(context, input.Bucket, upload);
      contents.disown(parts);
      return parts;
    });
    await contents.remove(dropped);
    return {};
  },
});

/** Only inside `Store.write`. Gives back the parts, which are nobody's now. */
export function removeUpload({ store }: OperationContext, bucket: string, upload: UploadRecord): readonly PartRecord[] {
  const parts = partsIn(store);
  const entries = parts.list([upload.uploadId]);
  for (const { key } of entries) parts.delete(key);
  uploadsIn(store).delete(uploadKey(bucket, upload));
  return entries.map(({ value }) => value);
}

export const listParts = operation<ListPartsRequest, ListPartsOutput>({
  name: "ListParts",
  support: "partial",
  gaps: ["SSE-C is refused"],
  source: reference("ListParts"),
  authorize: (input, context) => [onObject(requireBucket(context, input), input.Key, "s3:ListMultipartUploadParts")],
  errors: [...bucketErrors, noSuchUpload],
  run(input, context) {
    const bucket = requireBucket(context, input);
    const upload = requireUpload(context, input);
    const { PartNumberMarker = 0 } = input;
    const limit = Math.min(input.MaxParts ?? MAX_PARTS, MAX_PARTS);
    const after = partKey(upload.uploadId, PartNumberMarker);
    const found = partsIn(context.store).list([upload.uploadId], { after, limit: limit + 1 });
    const page = found.slice(0, limit).map(({ value }) => value);
    return {
      Bucket: bucket.name,
      Key: upload.key,
      UploadId: upload.uploadId,
      PartNumberMarker,
      NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
      MaxParts: limit,
      IsTruncated: found.length > page.length,
      Parts: page.map((part) => ({
        PartNumber: part.partNumber,
        LastModified: part.lastModifiedMs,
        ETag: part.etag,
        Size: part.size,
        ...(upload.checksumAlgorithm && part.checksum && checksumMember(upload.checksumAlgorithm, part.checksum)),
      })),
      Initiator: { ID: upload.initiatorArn, DisplayName: upload.initiatorArn.split("/").at(-1) },
      Owner: ownerOf(bucket.accountId),
      StorageClass: upload.storageClass as NonNullable<ListPartsOutput["StorageClass"]>,
      ...(upload.checksumAlgorithm && { ChecksumAlgorithm: upload.checksumAlgorithm }),
      ...(upload.checksumType && { ChecksumType: upload.checksumType }),
    };
  },
});

export const listMultipartUploads = operation<ListMultipartUploadsRequest, ListMultipartUploadsOutput>({
  name: "ListMultipartUploads",
  support: "partial",
  gaps: ["`UploadIdMarker` is refused: all uploads of a key are on one page"],
  source: reference("ListMultipartUploads"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:ListBucketMultipartUploads")],
  errors: [...bucketErrors, invalidArgument],
  run(input, context) {
    const bucket = requireBucket(context, input);
    const { EncodingType, KeyMarker } = input;
    if (input.UploadIdMarker)
      throw invalidArgument("Invalid uploadId marker", "upload-id-marker", input.UploadIdMarker);
    const limit = Math.min(input.MaxUploads ?? MAX_PARTS, MAX_PARTS);
    const page = pageOfKeys(uploadsIn(context.store), bucket.name, {
      prefix: input.Prefix ?? "",
      delimiter: input.Delimiter || undefined,
      after: KeyMarker || undefined,
      limit,
      accept: (upload) => [upload],
    });
    return {
      Bucket: bucket.name,
      KeyMarker: encodeKey(KeyMarker ?? "", EncodingType),
      UploadIdMarker: "",
      ...(page.next !== undefined && { NextKeyMarker: encodeKey(page.next, EncodingType) }),
      Prefix: encodeKey(input.Prefix ?? "", EncodingType),
      ...(input.Delimiter !== undefined && { Delimiter: encodeKey(input.Delimiter, EncodingType) }),
      ...(EncodingType !== undefined && { EncodingType }),
      MaxUploads: limit,
      IsTruncated: page.next !== undefined,
      Uploads: page.items.map((upload) => ({
        UploadId: upload.uploadId,
        Key: encodeKey(upload.key, EncodingType),
        Initiated: upload.initiatedAtMs,
        StorageClass: upload.storageClass as NonNullable<ListPartsOutput["StorageClass"]>,
        Owner: ownerOf(bucket.accountId),
        Initiator: { ID: upload.initiatorArn, DisplayName: upload.initiatorArn.split("/").at(-1) },
        ...(upload.checksumAlgorithm && { ChecksumAlgorithm: upload.checksumAlgorithm }),
        ...(upload.checksumType && { ChecksumType: upload.checksumType }),
      })),
      CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: encodeKey(prefix, EncodingType) })),
    };
  },
});
