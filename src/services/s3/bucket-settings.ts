/** Versioning, default encryption and tags of a bucket. */
import { operation } from "../service.ts";
import {
  illegalVersioning,
  invalidArgument,
  invalidTag,
  malformedXml,
  noSuchTagSet,
  notOfferedHere,
  reference,
  tooManyTags,
} from "./errors.ts";
import { bucketErrors, changeBucket, onBucket, requireBucket } from "./find-bucket.ts";
import type { BucketRecord, DefaultEncryption } from "./records.ts";
import type {
  DeleteBucketEncryptionRequest,
  DeleteBucketTaggingRequest,
  GetBucketEncryptionOutput,
  GetBucketEncryptionRequest,
  GetBucketTaggingOutput,
  GetBucketTaggingRequest,
  GetBucketVersioningOutput,
  GetBucketVersioningRequest,
  PutBucketEncryptionRequest,
  PutBucketTaggingRequest,
  PutBucketVersioningRequest,
} from "./shapes.gen.ts";
import { requireTags, tagList } from "./tags.ts";

export const putBucketVersioning = operation<PutBucketVersioningRequest, object>({
  name: "PutBucketVersioning",
  support: "partial",
  gaps: ["MFA delete is refused"],
  source: reference("PutBucketVersioning"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutBucketVersioning")],
  errors: [...bucketErrors, illegalVersioning, notOfferedHere],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const { Status, MFADelete } = input.VersioningConfiguration;
    if (MFADelete === "Enabled") throw notOfferedHere("MFA delete");
    if (Status === undefined) throw illegalVersioning();
    await changeBucket(context, bucket.name, (record) => ({ ...record, versioning: Status }));
    return {};
  },
});

export const getBucketVersioning = operation<GetBucketVersioningRequest, GetBucketVersioningOutput>({
  name: "GetBucketVersioning",
  support: "supported",
  source: reference("GetBucketVersioning"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:GetBucketVersioning")],
  errors: bucketErrors,
  run(input, context) {
    const { versioning } = requireBucket(context, input);
    return versioning === undefined ? {} : { Status: versioning };
  },
});

export const putBucketEncryption = operation<PutBucketEncryptionRequest, object>({
  name: "PutBucketEncryption",
  support: "partial",
  gaps: ["`aws:kms:dsse` is refused"],
  source: reference("PutBucketEncryption"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutEncryptionConfiguration")],
  errors: [...bucketErrors, malformedXml, invalidArgument, notOfferedHere],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const encryption = defaultEncryption(input);
    await changeBucket(context, bucket.name, ({ encryption: _, ...record }) => ({
      ...record,
      ...(encryption && { encryption }),
    }));
    return {};
  },
});

/** Undefined where the rule is what every bucket has. */
function defaultEncryption({
  ServerSideEncryptionConfiguration: { Rules },
}: PutBucketEncryptionRequest): DefaultEncryption | undefined {
  const [rule, ...more] = Rules;
  const wanted = rule?.ApplyServerSideEncryptionByDefault;
  if (!rule || more.length > 0) throw malformedXml();
  const algorithm = wanted?.SSEAlgorithm ?? "AES256";
  if (algorithm !== "AES256" && algorithm !== "aws:kms") throw notOfferedHere(`\`${algorithm}\` encryption`);
  if (algorithm === "AES256" && wanted?.KMSMasterKeyID !== undefined) {
    throw invalidArgument(
      "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
    );
  }
  if (algorithm === "AES256" && rule.BucketKeyEnabled !== true) return undefined;
  return {
    algorithm,
    ...(wanted?.KMSMasterKeyID !== undefined && { kmsKeyId: wanted.KMSMasterKeyID }),
    ...(rule.BucketKeyEnabled !== undefined && { bucketKeyEnabled: rule.BucketKeyEnabled }),
  };
}

export const getBucketEncryption = operation<GetBucketEncryptionRequest, GetBucketEncryptionOutput>({
  name: "GetBucketEncryption",
  support: "supported",
  source: reference("GetBucketEncryption"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:GetEncryptionConfiguration")],
  errors: bucketErrors,
  run(input, context) {
    const encryption = requireBucket(context, input).encryption ?? { algorithm: "AES256" as const };
    const rule = {
      ApplyServerSideEncryptionByDefault: {
        SSEAlgorithm: encryption.algorithm,
        ...(encryption.kmsKeyId !== undefined && { KMSMasterKeyID: encryption.kmsKeyId }),
      },
      BucketKeyEnabled: encryption.bucketKeyEnabled ?? false,
    };
    return { ServerSideEncryptionConfiguration: { Rules: [rule] } };
  },
});

export const deleteBucketEncryption = operation<DeleteBucketEncryptionRequest, object>({
  name: "DeleteBucketEncryption",
  support: "supported",
  source: reference("DeleteBucketEncryption"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutEncryptionConfiguration")],
  errors: bucketErrors,
  async run(input, context) {
    await changeBucket(context, requireBucket(context, input).name, ({ encryption: _, ...rest }) => rest);
    return {};
  },
});

export const putBucketTagging = operation<PutBucketTaggingRequest, object>({
  name: "PutBucketTagging",
  support: "supported",
  source: reference("PutBucketTagging"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutBucketTagging")],
  errors: [...bucketErrors, invalidTag, tooManyTags],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const tags = requireTags(input.Tagging.TagSet, "Bucket");
    await changeBucket(context, bucket.name, (record) => ({ ...record, tags }));
    return {};
  },
});

export const getBucketTagging = operation<GetBucketTaggingRequest, GetBucketTaggingOutput>({
  name: "GetBucketTagging",
  support: "supported",
  source: reference("GetBucketTagging"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:GetBucketTagging")],
  errors: [...bucketErrors, noSuchTagSet],
  run(input, context) {
    const { name, tags } = requireBucket(context, input);
    if (!tags || Object.keys(tags).length === 0) throw noSuchTagSet(name);
    return { TagSet: tagList(tags) };
  },
});

export const deleteBucketTagging = operation<DeleteBucketTaggingRequest, object>({
  name: "DeleteBucketTagging",
  support: "supported",
  source: reference("DeleteBucketTagging"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutBucketTagging")],
  errors: bucketErrors,
  async run(input, context) {
    const drop = ({ tags: _, ...rest }: BucketRecord): BucketRecord => rest;
    await changeBucket(context, requireBucket(context, input).name, drop);
    return {};
  },
});
