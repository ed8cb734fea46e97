/** GetObject and HeadObject: bytes and facts of one version, whole, in part, or only when it changed. */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import { type OperationContext, operation } from "../service.ts";
import { contentRange, parseByteRange } from "./byte-range.ts";
import { checksumAnswer } from "./checksums.ts";
import { readConditionErrors, requireReadConditions } from "./conditions.ts";
import { type ByteRange, contentsOf } from "./content-store.ts";
import { encryptionAnswer, encryptionErrors, openDataKey } from "./encryption.ts";
import { invalidPartNumber, invalidRange, invalidRequest, notOfferedHere, reference } from "./errors.ts";
import {
  type BucketInput,
  bucketErrors,
  conditionKeys,
  onBucket,
  onObject,
  requireBucket,
  tagKeys,
} from "./find-bucket.ts";
import { headerAnswer } from "./object-headers.ts";
import type { ObjectVersion } from "./records.ts";
import type { GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest } from "./shapes.gen.ts";
import { findVersion, requireObject, requireVersionForm, shownVersionId, versionErrors } from "./versions.ts";

const errors = [
  ...bucketErrors,
  ...versionErrors,
  ...readConditionErrors,
  ...[invalidRange, invalidPartNumber, invalidRequest, notOfferedHere],
];

interface ObjectInput extends BucketInput {
  readonly Key: string;
  readonly VersionId?: string | undefined;
}

/** What must be allowed to read something of an object: `what` names it, e.g. `Object` or `ObjectTagging`. */
export const readAccess = (context: OperationContext, input: ObjectInput, what: string): AuthorizationRequest[] =>
  objectAccess(context, input, `s3:Get${what}`);

/**
 * One action on an object, in its form for versions where one is named. AWS: whether a key is absent is told only to those
 * who may list the bucket.
 */
export function objectAccess(
  context: OperationContext,
  input: ObjectInput,
  action: string,
  keys: RequestContext = {},
): AuthorizationRequest[] {
  const bucket = requireBucket(context, input);
  requireVersionForm(input.VersionId);
  const version = findVersion(context.store, bucket.name, input.Key, input.VersionId);
  const tags = version?.kind === "object" ? version.tags : undefined;
  return [
    onObject(bucket, input.Key, input.VersionId === undefined ? action : action.replace("Object", "ObjectVersion"), {
      ...conditionKeys({ "s3:versionid": input.VersionId }),
      ...tagKeys("s3:ExistingObjectTag", tags),
      ...keys,
    }),
    ...(version?.kind === "object" ? [] : [onBucket(bucket, "s3:ListBucket")]),
  ];
}

export const getObject = operation<GetObjectRequest, GetObjectOutput>({
  name: "GetObject",
  support: "partial",
  gaps: ["SSE-C is refused", "several ranges in one request give the whole object"],
  source: reference("GetObject"),
  authorize: (input, context) => readAccess(context, input, "Object"),
  errors: [...errors, ...encryptionErrors],
  async run(input, context) {
    const { bucket, object, facts, range } = select(input, context, "GET");
    const dataKey = await openDataKey(context, bucket, input.Key, object.encryption);
    const body = contentsOf(context.store, context.ids).read(dataKey, object.parts, range);
    return { ...facts, ...overrides(input), Body: body };
  },
});

export const headObject = operation<HeadObjectRequest, HeadObjectOutput>({
  name: "HeadObject",
  support: "partial",
  gaps: ["SSE-C is refused"],
  source: reference("HeadObject"),
  authorize: (input, context) => readAccess(context, input, "Object"),
  errors,
  run(input, context) {
    const { facts } = select(input, context, "HEAD");
    return { ...facts, ...overrides(input) };
  },
});

/** The object that is meant, the part of it that is asked for, and everything an answer says but the bytes. */
function select(input: GetObjectRequest | HeadObjectRequest, context: OperationContext, method: string) {
  if (input.SSECustomerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    throw notOfferedHere("encryption with keys of the customer (SSE-C)");
  }
  const bucket = requireBucket(context, input);
  const object = requireObject(context, bucket.name, input, method);
  requireReadConditions(object, input);
  const part = rangeOf(input, object);
  const range = part ?? { start: 0, end: object.size };
  const isMultipart = object.parts[0]?.partNumber !== undefined;
  const facts = {
    AcceptRanges: "bytes",
    LastModified: object.lastModifiedMs,
    ContentLength: range.end - range.start,
    ETag: object.etag,
    ...shownVersionId(bucket, object.versionId),
    ...headerAnswer(object),
    ...encryptionAnswer(object.encryption),
    // AWS: an empty part of an empty object is no range.
    ...(part && object.size > 0 && { ContentRange: contentRange(range, object.size) }),
    ...(input.ChecksumMode === "ENABLED" && part === undefined && checksumAnswer(object.checksum)),
    ...(input.PartNumber !== undefined && isMultipart && { PartsCount: object.parts.length }),
    ...(object.tags && { TagCount: Object.keys(object.tags).length }),
  };
  return { bucket, object, facts, range };
}

function rangeOf(input: GetObjectRequest | HeadObjectRequest, object: ObjectVersion): ByteRange | undefined {
  const { PartNumber, Range } = input;
  if (PartNumber === undefined) return parseByteRange(Range, object.size);
  if (Range !== undefined) throw invalidRequest("Cannot specify both Range header and partNumber query parameter");
  const part = object.parts[PartNumber - 1];
  if (!part) throw invalidPartNumber(PartNumber, object.parts.length);
  const start = object.parts.slice(0, PartNumber - 1).reduce((sum, { size }) => sum + size, 0);
  return { start, end: start + part.size };
}

/** Headers of the answer that the URL chooses. */
const overrides = (input: GetObjectRequest | HeadObjectRequest) => ({
  ...(input.ResponseContentType !== undefined && { ContentType: input.ResponseContentType }),
  ...(input.ResponseCacheControl !== undefined && { CacheControl: input.ResponseCacheControl }),
  ...(input.ResponseContentDisposition !== undefined && { ContentDisposition: input.ResponseContentDisposition }),
  ...(input.ResponseContentEncoding !== undefined && { ContentEncoding: input.ResponseContentEncoding }),
  ...(input.ResponseContentLanguage !== undefined && { ContentLanguage: input.ResponseContentLanguage }),
  ...(input.ResponseExpires !== undefined && { Expires: new Date(input.ResponseExpires).toUTCString() }),
});
