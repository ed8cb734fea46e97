/**
 * From a name to the bucket's record, and what must be allowed on it. Bucket names are one name space for all accounts;
 * the bucket's policy counts in every decision, across accounts too.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-overview.html
 */
import type { AuthorizationRequest, RequestContext, ResourcePolicy } from "../../authorize/decision.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { OperationContext } from "../service.ts";
import { isBucketName } from "./bucket-name.ts";
import { accessDenied, invalidBucketName, noSuchBucket, permanentRedirect } from "./errors.ts";
import { type BucketRecord, bucketArn, bucketsIn, objectArn } from "./records.ts";

export const bucketErrors = [noSuchBucket, invalidBucketName, permanentRedirect, accessDenied];

export interface BucketInput {
  readonly Bucket: string;
  readonly ExpectedBucketOwner?: string | undefined;
}

/** The bucket, in the region the request speaks for. */
export function requireBucket(context: OperationContext, input: BucketInput): BucketRecord {
  const bucket = requireBucketAnywhere(context, input);
  if (bucket.region !== context.scope.region) throw permanentRedirect(bucket.name, bucket.region);
  return bucket;
}

/** The bucket in whatever region it is. */
export function requireBucketAnywhere(
  context: OperationContext,
  { Bucket, ExpectedBucketOwner }: BucketInput,
): BucketRecord {
  const bucket = bucketsIn(context.store).get([Bucket.includes("\u0000") ? "" : Bucket]);
  if (!bucket) throw isBucketName(Bucket) ? noSuchBucket(Bucket) : invalidBucketName(Bucket);
  if (ExpectedBucketOwner !== undefined && ExpectedBucketOwner !== bucket.accountId) throw accessDenied();
  return bucket;
}

/** Changes the bucket as it is at that moment, durably. */
export function changeBucket(
  context: OperationContext,
  name: string,
  change: (bucket: BucketRecord) => BucketRecord,
): Promise<BucketRecord> {
  const buckets = bucketsIn(context.store);
  return context.store.write(() => {
    const current = buckets.get([name]);
    if (!current) throw noSuchBucket(name);
    const next = change(current);
    buckets.put([name], next);
    return next;
  });
}

/** One action on the bucket itself. */
export const onBucket = (bucket: BucketRecord, action: string, keys: RequestContext = {}): AuthorizationRequest =>
  request(bucket, action, bucketArn(bucket), keys);

/** One action on a key of the bucket, whether or not it is there. */
export const onObject = (
  bucket: BucketRecord,
  key: string,
  action: string,
  keys: RequestContext = {},
): AuthorizationRequest => request(bucket, action, objectArn(bucket, key), keys);

function request(bucket: BucketRecord, action: string, resource: string, keys: RequestContext): AuthorizationRequest {
  const resourcePolicy = policyOf(bucket);
  return {
    action,
    resource,
    // AWS: S3 alone puts the ARN in double quotes.
    resourceText: `on resource: "${resource}"`,
    context: {
      "s3:ResourceAccount": bucket.accountId,
      ...tagKeys("s3:BucketTag", bucket.tags),
      ...keys,
    },
    ...(resourcePolicy ? { resourcePolicy } : { resourceAccountId: bucket.accountId }),
  };
}

/** Parsed once a record: the store gives the same frozen object to all readers. */
const policies = new WeakMap<BucketRecord, ResourcePolicy>();

function policyOf(bucket: BucketRecord): ResourcePolicy | undefined {
  if (bucket.policyText === undefined) return undefined;
  let policy = policies.get(bucket);
  if (!policy) {
    policy = {
      name: `bucket policy of ${bucket.name}`,
      document: JSON.parse(bucket.policyText) as PolicyDocument,
      accountId: bucket.accountId,
      mandatory: false,
    };
    policies.set(bucket, policy);
  }
  return policy;
}

/** `<prefix>/<tag key>` for each tag. */
export const tagKeys = (prefix: string, tags: Readonly<Record<string, string>> | undefined): RequestContext =>
  tags === undefined ? {} : Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]));

/** The headers that choose an ACL, by the members they are in. */
export interface AclHeaders {
  readonly ACL?: string | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWrite?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
}

export const aclKeys = (input: AclHeaders): RequestContext =>
  conditionKeys({
    "s3:x-amz-acl": input.ACL,
    "s3:x-amz-grant-full-control": input.GrantFullControl,
    "s3:x-amz-grant-read": input.GrantRead,
    "s3:x-amz-grant-read-acp": input.GrantReadACP,
    "s3:x-amz-grant-write": input.GrantWrite,
    "s3:x-amz-grant-write-acp": input.GrantWriteACP,
  });

/** Condition keys whose value the request gives; absent members have no key. */
export function conditionKeys(values: Readonly<Record<string, string | number | boolean | undefined>>): RequestContext {
  const keys: Record<string, string> = {};
  for (const name in values) if (values[name] !== undefined) keys[name] = String(values[name]);
  return keys;
}
