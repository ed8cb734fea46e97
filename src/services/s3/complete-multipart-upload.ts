/**
 * CompleteMultipartUpload: the parts that the client lists become one object, without their bytes being touched.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
import { createHash } from "node:crypto";
import { type OperationContext, operation } from "../service.ts";
import { checksumAnswer, createChecksum, expectedChecksum } from "./checksums.ts";
import { requireWriteConditions, unquoted, writeConditionErrors } from "./conditions.ts";
import { contentsOf } from "./content-store.ts";
import { type CrcAlgorithm, combineCrcs } from "./crc.ts";
import { encryptionAnswer } from "./encryption.ts";
import {
  badChecksum,
  entityTooSmall,
  invalidPart,
  invalidPartOrder,
  invalidRequest,
  malformedXml,
  noSuchUpload,
  notOfferedHere,
  reference,
} from "./errors.ts";
import { bucketErrors, conditionKeys, onObject, requireBucket } from "./find-bucket.ts";
import { removeUpload, requireUpload } from "./multipart.ts";
import {
  type BucketRecord,
  bucketsIn,
  type ChecksumRecord,
  type ContentPart,
  currentIn,
  type ObjectVersion,
  type PartRecord,
  partKey,
  partsIn,
  recordKey,
  type UploadRecord,
} from "./records.ts";
import type { CompletedPart, CompleteMultipartUploadOutput, CompleteMultipartUploadRequest } from "./shapes.gen.ts";
import { newVersionId, putVersion, shownVersionId } from "./versions.ts";

const MIN_PART_BYTES = 5 * 1024 ** 2;

export const completeMultipartUpload = operation<CompleteMultipartUploadRequest, CompleteMultipartUploadOutput>({
  name: "CompleteMultipartUpload",
  support: "partial",
  gaps: ["SSE-C is refused"],
  source: reference("CompleteMultipartUpload"),
  authorize: (input, context) => [
    onObject(
      requireBucket(context, input),
      input.Key,
      "s3:PutObject",
      conditionKeys({
        "s3:if-match": input.IfMatch,
        "s3:if-none-match": input.IfNoneMatch,
        "s3:ObjectCreationOperation": true,
      }),
    ),
  ],
  errors: [
    ...[...bucketErrors, ...writeConditionErrors, noSuchUpload, malformedXml, invalidPart, invalidPartOrder],
    ...[entityTooSmall, badChecksum, invalidRequest, notOfferedHere],
  ],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const { store } = context;
    const contents = contentsOf(store, context.ids);
    const { version, dropped } = await store.write(() => {
      const now = bucketsIn(store).get([bucket.name]) ?? requireBucket(context, input);
      const upload = requireUpload(context, input);
      const parts = listedParts(context, upload, input.MultipartUpload?.Parts ?? []);
      requireWriteConditions(input.Key, currentIn(store).get(recordKey(bucket.name, input.Key)), input);
      const version = assemble(context, now, upload, parts, input);
      const used = new Set(parts.map(({ blob }) => blob));
      const unused = removeUpload(context, bucket.name, upload).filter(({ blob }) => !used.has(blob));
      const dropped: readonly ContentPart[] = [...unused, ...putVersion(store, now, version)];
      contents.disown(dropped);
      return { version, dropped };
    });
    await contents.remove(dropped);
    return {
      Location: `/${bucket.name}/${input.Key}`,
      Bucket: bucket.name,
      Key: input.Key,
      ETag: version.etag,
      ...shownVersionId(bucket, version.versionId),
      ...encryptionAnswer(version.encryption),
      ...checksumAnswer(version.checksum),
    };
  },
});

/** The parts as the client names them: ascending, each as it was uploaded, all but the last big enough. */
function listedParts(
  { store }: OperationContext,
  upload: UploadRecord,
  listed: readonly CompletedPart[],
): readonly PartRecord[] {
  if (listed.length === 0) throw malformedXml();
  const { uploadId } = upload;
  let previous = 0;
  const parts = listed.map((one) => {
    const { PartNumber = 0, ETag = "" } = one;
    if (PartNumber <= previous) throw invalidPartOrder(uploadId);
    previous = PartNumber;
    const part = partsIn(store).get(partKey(uploadId, PartNumber));
    if (!part || unquoted(part.etag) !== unquoted(ETag)) throw invalidPart(uploadId, PartNumber, unquoted(ETag));
    requirePartChecksum(upload, part, one);
    return part;
  });
  for (const part of parts.slice(0, -1)) {
    if (part.size < MIN_PART_BYTES) {
      const { partNumber, size, etag } = part;
      throw entityTooSmall({ partNumber, size, etag: unquoted(etag) }, MIN_PART_BYTES);
    }
  }
  return parts;
}

function requirePartChecksum(upload: UploadRecord, part: PartRecord, listed: CompletedPart): void {
  const algorithm = upload.checksumAlgorithm;
  if (!algorithm) return;
  const said = listed[`Checksum${algorithm}`];
  if (said === undefined && upload.checksumType === "COMPOSITE") {
    throw invalidRequest(
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${part.partNumber} in the request.`,
    );
  }
  if (said !== undefined && said !== part.checksum) {
    throw invalidPart(upload.uploadId, part.partNumber, unquoted(part.etag));
  }
}

function assemble(
  { ids, clock }: OperationContext,
  bucket: BucketRecord,
  upload: UploadRecord,
  parts: readonly PartRecord[],
  input: CompleteMultipartUploadRequest,
): ObjectVersion {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (input.MpuObjectSize !== undefined && Number(input.MpuObjectSize) !== size) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${size}`,
    );
  }
  const checksum = checksumOf(upload, parts);
  requireObjectChecksum(checksum, input);
  const md5 = createHash("md5");
  for (const { etag } of parts) md5.update(Buffer.from(unquoted(etag), "hex"));
  return {
    kind: "object",
    key: upload.key,
    versionId: newVersionId(bucket, ids),
    size,
    etag: `"${md5.digest("hex")}-${parts.length}"`,
    lastModifiedMs: clock.nowMs(),
    storageClass: upload.storageClass,
    headers: upload.headers,
    ...(upload.tags && { tags: upload.tags }),
    encryption: upload.encryption,
    ...(checksum && { checksum }),
    parts: parts.map(({ blob, size, salt, partNumber, checksum }) => ({
      ...{ blob, size, salt, partNumber },
      ...(checksum !== undefined && { checksum }),
    })),
  };
}

/** From the checksums of the parts: of their bytes in a row (CRCs), or of the checksums themselves. */
function checksumOf(upload: UploadRecord, parts: readonly PartRecord[]): ChecksumRecord | undefined {
  const { checksumAlgorithm: algorithm, checksumType: type } = upload;
  if (!algorithm || !type) return undefined;
  const values: Buffer[] = parts.map((part) => Buffer.from(part.checksum ?? "", "base64"));
  if (type === "COMPOSITE") {
    const running = createChecksum(algorithm);
    for (const value of values) running.update(value);
    return { algorithm, type, value: `${running.digest().toString("base64")}-${parts.length}` };
  }
  const whole = values.reduce((first, second, index) =>
    combineCrcs(algorithm as CrcAlgorithm, first, second, (parts[index] as PartRecord).size),
  );
  return { algorithm, type, value: whole.toString("base64") };
}

/** AWS: the value for the whole may be said with or without its number of parts. */
function requireObjectChecksum(checksum: ChecksumRecord | undefined, input: CompleteMultipartUploadRequest): void {
  if (!checksum) {
    expectedChecksum(input);
    return;
  }
  const value = input[`Checksum${checksum.algorithm}`];
  if (value === undefined || value === checksum.value || value === checksum.value.replace(/-\d+$/, "")) return;
  throw badChecksum(checksum.algorithm);
}
