/**
 * Every error the S3 operations answer, besides the ones any service can answer. `extra` members in upper case are
 * elements of the error document, those in lower case are headers of the answer.
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html for codes and statuses; the texts and
 * elements were recorded on AWS by third parties. Texts marked `unverified` have not been seen; correct them here.
 */
import { awsError } from "../../core/errors.ts";

export const reference = (operation: string): string =>
  `https://docs.aws.amazon.com/AmazonS3/latest/API/API_${operation}.html`;

const client = {
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
} as const;

export const noSuchBucket = awsError({
  ...client,
  code: "NoSuchBucket",
  status: 404,
  message: (_bucket: string) => "The specified bucket does not exist",
  extra: (BucketName) => ({ BucketName }),
});

export const noSuchKey = awsError<readonly [string, boolean?]>({
  ...client,
  code: "NoSuchKey",
  status: 404,
  message: (_key: string, _isDeleteMarker?: boolean) => "The specified key does not exist.",
  extra: (Key, isDeleteMarker) => ({ Key, ...(isDeleteMarker && { "x-amz-delete-marker": "true" }) }),
});

export const noSuchVersion = awsError({
  ...client,
  code: "NoSuchVersion",
  status: 404,
  message: (_key: string, _versionId: string) => "The specified version does not exist.",
  extra: (Key, VersionId) => ({ Key, VersionId }),
});

export const isDeleteMarker = awsError({
  ...client,
  code: "MethodNotAllowed",
  status: 405,
  message: (_method: string, _versionId: string) => "The specified method is not allowed against this resource.",
  extra: (Method, versionId) => ({
    Method,
    ResourceType: "DeleteMarker",
    "x-amz-delete-marker": "true",
    "x-amz-version-id": versionId,
    allow: "DELETE",
  }),
});

export const policyNotAllowed = awsError({
  ...client,
  code: "MethodNotAllowed",
  status: 405,
  source: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
  message: (_method: string) => "The specified method is not allowed against this resource.",
  extra: (Method) => ({ Method, ResourceType: "BUCKETPOLICY" }),
});

/** `ArgumentName` and `ArgumentValue` say what is wrong. */
export const invalidArgument = awsError<readonly [string, string?, string?]>({
  ...client,
  code: "InvalidArgument",
  status: 400,
  message: (text: string, _name?: string, _value?: string) => text,
  extra: (_text, ArgumentName, ArgumentValue) => ({
    ...(ArgumentName !== undefined && { ArgumentName }),
    ...(ArgumentValue !== undefined && { ArgumentValue }),
  }),
});

export const invalidRequest = awsError({
  ...client,
  code: "InvalidRequest",
  status: 400,
  message: (text: string) => text,
});

/** Not AWS's: a part of an operation that this tool does not do, by the name of its parameter. */
export const notOfferedHere = awsError({
  ...client,
  code: "NotImplemented",
  status: 501,
  source: "docs/differences.md",
  message: (what: string) => `kiln does not offer ${what} of S3 (docs/coverage.md)`,
});

export const bucketAlreadyOwnedByYou = awsError({
  ...client,
  code: "BucketAlreadyOwnedByYou",
  status: 409,
  message: (_bucket: string) => "Your previous request to create the named bucket succeeded and you already own it.",
  extra: (BucketName) => ({ BucketName }),
});

export const bucketAlreadyExists = awsError({
  ...client,
  unverified: true,
  code: "BucketAlreadyExists",
  status: 409,
  message: (_bucket: string) =>
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
  extra: (BucketName) => ({ BucketName }),
});

export const bucketNotEmpty = awsError({
  ...client,
  code: "BucketNotEmpty",
  status: 409,
  message: (_bucket: string, isVersioned: boolean) =>
    `The bucket you tried to delete is not empty${isVersioned ? ". You must delete all versions in the bucket." : ""}`,
  extra: (BucketName) => ({ BucketName }),
});

export const invalidBucketName = awsError({
  ...client,
  code: "InvalidBucketName",
  status: 400,
  message: (_bucket: string) => "The specified bucket is not valid.",
  extra: (BucketName) => ({ BucketName }),
});

export const invalidLocationConstraint = awsError({
  ...client,
  code: "InvalidLocationConstraint",
  status: 400,
  message: (_location: string) => "The specified location-constraint is not valid",
  extra: (LocationConstraint) => ({ LocationConstraint }),
});

export const illegalLocationConstraint = awsError({
  ...client,
  code: "IllegalLocationConstraintException",
  status: 400,
  message: (location: string) =>
    `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
});

/** A bucket of another region: the signature's region is the endpoint the request was sent to. */
export const permanentRedirect = awsError({
  ...client,
  unverified: true,
  code: "PermanentRedirect",
  status: 301,
  message: (_bucket: string, _region: string) =>
    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
  extra: (Bucket, region) => ({
    Endpoint: `${Bucket}.s3.${region}.amazonaws.com`,
    Bucket,
    "x-amz-bucket-region": region,
  }),
});

export const invalidRange = awsError({
  ...client,
  code: "InvalidRange",
  status: 416,
  message: (_range: string, _size: number) => "The requested range is not satisfiable",
  extra: (RangeRequested, ActualObjectSize) => ({
    RangeRequested,
    ActualObjectSize: String(ActualObjectSize),
    "content-range": `bytes */${ActualObjectSize}`,
  }),
});

export const invalidPartNumber = awsError({
  ...client,
  code: "InvalidPartNumber",
  status: 416,
  message: (_requested: number, _count: number) => "The requested partnumber is not satisfiable",
  extra: (PartNumberRequested, ActualPartCount) => ({
    ActualPartCount: String(ActualPartCount),
    PartNumberRequested: String(PartNumberRequested),
  }),
});

export const preconditionFailed = awsError({
  ...client,
  code: "PreconditionFailed",
  status: 412,
  message: (_condition: string) => "At least one of the pre-conditions you specified did not hold",
  extra: (Condition) => ({ Condition }),
});

/** No body; the headers tell which object is meant. */
export const notModified = awsError({
  ...client,
  code: "NotModified",
  status: 304,
  message: (_etag: string, _lastModified: string) => "Not Modified",
  extra: (etag, lastModified) => ({ etag, "last-modified": lastModified }),
});

export const unsupportedCondition = awsError({
  ...client,
  code: "NotImplemented",
  status: 501,
  message: (_header: string, _more: string) => "A header you provided implies functionality that is not implemented",
  extra: (Header, additionalMessage) => ({ Header, additionalMessage }),
});

export const invalidDigest = awsError({
  ...client,
  code: "InvalidDigest",
  status: 400,
  message: (_digest: string) => "The Content-MD5 you specified was invalid.",
  extra: (digest) => ({ "Content-MD5": digest }),
});

export const badContentMd5 = awsError({
  ...client,
  code: "BadDigest",
  status: 400,
  message: (_expected: string, _calculated: string) => "The Content-MD5 you specified did not match what we received.",
  extra: (ExpectedDigest, CalculatedDigest) => ({ ExpectedDigest, CalculatedDigest }),
});

export const badChecksum = awsError({
  ...client,
  code: "BadDigest",
  status: 400,
  message: (algorithm: string) => `The ${algorithm} you specified did not match the calculated checksum.`,
});

export const incompleteBody = awsError({
  ...client,
  unverified: true,
  code: "IncompleteBody",
  status: 400,
  message: () => "You did not provide the number of bytes specified by the Content-Length HTTP header",
});

export const entityTooLarge = awsError({
  ...client,
  unverified: true,
  code: "EntityTooLarge",
  status: 400,
  message: (_proposed: number, _max: number) => "Your proposed upload exceeds the maximum allowed size",
  extra: (ProposedSize, MaxSizeAllowed) => ({
    ProposedSize: String(ProposedSize),
    MaxSizeAllowed: String(MaxSizeAllowed),
  }),
});

export const keyTooLong = awsError({
  ...client,
  unverified: true,
  code: "KeyTooLongError",
  status: 400,
  message: (_size: number, _max: number) => "Your key is too long",
  extra: (Size, MaxSizeAllowed) => ({ Size: String(Size), MaxSizeAllowed: String(MaxSizeAllowed) }),
});

export const metadataTooLarge = awsError({
  ...client,
  unverified: true,
  code: "MetadataTooLarge",
  status: 400,
  message: (_size: number, _max: number) => "Your metadata headers exceed the maximum allowed metadata size",
  extra: (Size, MaxSizeAllowed) => ({ Size: String(Size), MaxSizeAllowed: String(MaxSizeAllowed) }),
});

export const noSuchUpload = awsError({
  ...client,
  code: "NoSuchUpload",
  status: 404,
  message: (_uploadId: string) =>
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  extra: (UploadId) => ({ UploadId }),
});

export const invalidPart = awsError({
  ...client,
  code: "InvalidPart",
  status: 400,
  message: (_uploadId: string, _partNumber: number, _etag: string) =>
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  extra: (UploadId, PartNumber, ETag) => ({ UploadId, PartNumber: String(PartNumber), ETag }),
});

export const invalidPartOrder = awsError({
  ...client,
  code: "InvalidPartOrder",
  status: 400,
  message: (_uploadId: string) => "The list of parts was not in ascending order. Parts must be ordered by part number.",
  extra: (UploadId) => ({ UploadId }),
});

export const entityTooSmall = awsError({
  ...client,
  code: "EntityTooSmall",
  status: 400,
  message: (_part: { readonly partNumber: number; readonly size: number; readonly etag: string }, _min: number) =>
    "Your proposed upload is smaller than the minimum allowed size",
  extra: ({ partNumber, size, etag }, min) => ({
    ProposedSize: String(size),
    MinSizeAllowed: String(min),
    PartNumber: String(partNumber),
    ETag: etag,
  }),
});

export const copyOntoItself = (): ReturnType<typeof invalidRequest> =>
  invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );

export const noSuchTagSet = awsError({
  ...client,
  code: "NoSuchTagSet",
  status: 404,
  message: (_bucket: string) => "The TagSet does not exist",
  extra: (BucketName) => ({ BucketName }),
});

export const invalidTag = awsError<readonly [string, string?]>({
  ...client,
  code: "InvalidTag",
  status: 400,
  message: (text: string, _key?: string) => text,
  extra: (_text, TagKey) => ({ ...(TagKey !== undefined && { TagKey }) }),
});

export const tooManyTags = awsError({
  ...client,
  unverified: true,
  code: "BadRequest",
  status: 400,
  message: (what: "Object" | "Bucket", max: number) => `${what} tags cannot be greater than ${max}`,
});

export const noSuchBucketPolicy = awsError({
  ...client,
  code: "NoSuchBucketPolicy",
  status: 404,
  message: (_bucket: string) => "The bucket policy does not exist",
  extra: (BucketName) => ({ BucketName }),
});

export const malformedPolicy = awsError({
  ...client,
  unverified: true,
  code: "MalformedPolicy",
  status: 400,
  message: (text: string) => text,
});

export const malformedXml = awsError({
  ...client,
  code: "MalformedXML",
  status: 400,
  message: () => "The XML you provided was not well-formed or did not validate against our published schema",
});

export const illegalVersioning = awsError({
  ...client,
  code: "IllegalVersioningConfigurationException",
  status: 400,
  message: () => "The Versioning element must be specified",
});

export const aclsNotSupported = awsError({
  ...client,
  unverified: true,
  code: "AccessControlListNotSupported",
  status: 400,
  message: () => "The bucket does not allow ACLs",
});

export const invalidStorageClass = awsError({
  ...client,
  unverified: true,
  code: "InvalidStorageClass",
  status: 400,
  message: (_storageClass: string) => "The storage class you specified is not valid",
  extra: (StorageClassRequested) => ({ StorageClassRequested }),
});

/** AWS: the owner of the bucket is not who the caller expects. */
export const accessDenied = awsError<readonly [string?]>({
  ...client,
  code: "AccessDenied",
  status: 403,
  message: (text = "Access Denied") => text,
});

/** What KMS answered, under S3's code for it. */
export const kmsFailure = awsError({
  ...client,
  code: "KMS.NotFoundException",
  status: 400,
  message: (text: string) => text,
});

/** KMS's other codes keep their name behind `KMS.`. */
export const kmsFailureNamed = (code: string) =>
  awsError({ ...client, code: `KMS.${code}`, status: 400, message: (text: string) => text });
