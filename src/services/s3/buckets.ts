/** CreateBucket, DeleteBucket, HeadBucket, ListBuckets, GetBucketLocation. */
import type { RequestContext } from "../../authorize/decision.ts";
import { pageToken } from "../page-token.ts";
import { type OperationContext, operation } from "../service.ts";
import { requestTagKeys } from "../tag-keys.ts";
import { grantsFrom } from "./acl-grants.ts";
import { isBucketName } from "./bucket-name.ts";
import { nameInToken } from "./continuation-token.ts";
import {
  aclsNotSupported,
  bucketAlreadyExists,
  bucketAlreadyOwnedByYou,
  bucketNotEmpty,
  illegalLocationConstraint,
  invalidArgument,
  invalidBucketName,
  invalidLocationConstraint,
  malformedXml,
  notOfferedHere,
  reference,
} from "./errors.ts";
import { aclKeys, bucketErrors, conditionKeys, onBucket, requireBucket, requireBucketAnywhere } from "./find-bucket.ts";
import { ownerOf } from "./owner.ts";
import { type BucketRecord, bucketArn, bucketsIn, currentIn, uploadsIn } from "./records.ts";
import type {
  CreateBucketOutput,
  CreateBucketRequest,
  DeleteBucketRequest,
  GetBucketLocationOutput,
  GetBucketLocationRequest,
  HeadBucketOutput,
  HeadBucketRequest,
  ListBucketsOutput,
  ListBucketsRequest,
} from "./shapes.gen.ts";
import { requireTags } from "./tags.ts";

/** AWS: the region whose location is written as nothing at all. */
const UNNAMED_REGION = "us-east-1";
const MAX_BUCKETS = 10_000;

export const createBucket = operation<CreateBucketRequest, CreateBucketOutput>({
  name: "CreateBucket",
  support: "partial",
  gaps: ["object lock and directory buckets are refused"],
  source: reference("CreateBucket"),
  authorize(input, context) {
    const resource = bucketArn({ partition: context.scope.partition, name: input.Bucket });
    const { LocationConstraint, Tags = [] } = input.CreateBucketConfiguration ?? {};
    const acl = aclKeys(input);
    const tags = requestTagKeys(Tags);
    const keys = conditionKeys({
      "s3:locationconstraint": LocationConstraint,
      "s3:x-amz-object-ownership": input.ObjectOwnership,
      "s3:x-amz-bucket-namespace": input.BucketNamespace,
    });
    const on = (action: string, of: RequestContext) => ({
      action,
      resource,
      resourceText: `on resource: "${resource}"`,
      context: { "s3:ResourceAccount": context.scope.accountId, ...of },
    });
    const asksAcl = Object.keys(acl).length > 0 && input.ACL !== "private";
    return [
      on("s3:CreateBucket", { ...acl, ...tags, ...keys }),
      ...(asksAcl ? [on("s3:PutBucketAcl", acl)] : []),
      ...(input.ObjectOwnership !== undefined ? [on("s3:PutBucketOwnershipControls", {})] : []),
      ...(Tags.length > 0 ? [on("s3:TagResource", tags)] : []),
    ];
  },
  errors: [
    ...[bucketAlreadyExists, bucketAlreadyOwnedByYou, invalidBucketName, invalidLocationConstraint],
    ...[illegalLocationConstraint, notOfferedHere, aclsNotSupported, malformedXml, invalidArgument],
  ],
  async run(input, context) {
    const { store, scope, clock } = context;
    if (!isBucketName(input.Bucket)) throw invalidBucketName(input.Bucket);
    refuseSpecialBuckets(input);
    requireLocation(input.CreateBucketConfiguration?.LocationConstraint, scope.region);
    const tags = input.CreateBucketConfiguration?.Tags;
    const ownership = input.ObjectOwnership === "BucketOwnerEnforced" ? undefined : input.ObjectOwnership;
    const bucket: BucketRecord = {
      name: input.Bucket,
      ...scope,
      createdAtMs: clock.nowMs(),
      ...(tags && tags.length > 0 && { tags: requireTags(tags, "Bucket") }),
      ...(ownership && { objectOwnership: ownership }),
    };
    const grants = grantsFrom(bucket, input);
    await store.write(() => {
      const existing = bucketsIn(store).get([input.Bucket]);
      if (existing === undefined) {
        bucketsIn(store).put([input.Bucket], { ...bucket, ...(grants.length > 0 && { grants }) });
        return;
      }
      if (existing.accountId !== scope.accountId) throw bucketAlreadyExists(input.Bucket);
      // AWS: in us-east-1 creating one's own bucket again changes nothing and succeeds.
      const isSame = existing.region === UNNAMED_REGION && scope.region === UNNAMED_REGION && tags === undefined;
      if (!isSame) throw bucketAlreadyOwnedByYou(input.Bucket);
    });
    return { Location: `/${input.Bucket}`, BucketArn: bucketArn(bucket) };
  },
});

function refuseSpecialBuckets(input: CreateBucketRequest): void {
  const configuration = input.CreateBucketConfiguration;
  if (input.ObjectLockEnabledForBucket) throw notOfferedHere("object lock");
  if (configuration?.Bucket ?? configuration?.Location) throw notOfferedHere("directory buckets");
  if (input.BucketNamespace === "account-regional") throw notOfferedHere("bucket namespaces of an account");
}

/** AWS: only us-east-1 goes without a location. */
function requireLocation(location: string | undefined, region: string): void {
  if (location === UNNAMED_REGION && region === UNNAMED_REGION) throw invalidLocationConstraint(location);
  if (region === UNNAMED_REGION) {
    if (location !== undefined) throw illegalLocationConstraint(location);
    return;
  }
  const wanted = location === "EU" ? "eu-west-1" : location;
  if (wanted !== region) throw illegalLocationConstraint(location ?? "unspecified");
}

export const deleteBucket = operation<DeleteBucketRequest, object>({
  name: "DeleteBucket",
  support: "supported",
  source: reference("DeleteBucket"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:DeleteBucket")],
  errors: [...bucketErrors, bucketNotEmpty],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const { store } = context;
    await store.write(() => {
      const [object] = currentIn(store).list([bucket.name], { limit: 1 });
      if (object) throw bucketNotEmpty(bucket.name, bucket.versioning !== undefined);
      // AWS: unfinished uploads hold a bucket too.
      if (uploadsIn(store).list([bucket.name], { limit: 1 }).length > 0) throw bucketNotEmpty(bucket.name, false);
      bucketsIn(store).delete([bucket.name]);
    });
    return {};
  },
});

export const headBucket = operation<HeadBucketRequest, HeadBucketOutput>({
  name: "HeadBucket",
  support: "supported",
  source: reference("HeadBucket"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:ListBucket")],
  errors: bucketErrors,
  run(input, context) {
    const bucket = requireBucket(context, input);
    return { BucketRegion: bucket.region, BucketArn: bucketArn(bucket), AccessPointAlias: false };
  },
});

export const getBucketLocation = operation<GetBucketLocationRequest, GetBucketLocationOutput>({
  name: "GetBucketLocation",
  support: "supported",
  source: reference("GetBucketLocation"),
  authorize: (input, context) => [onBucket(requireBucketAnywhere(context, input), "s3:GetBucketLocation")],
  errors: bucketErrors,
  run(input, context) {
    const { region } = requireBucketAnywhere(context, input);
    return region === UNNAMED_REGION
      ? {}
      : { LocationConstraint: region as NonNullable<GetBucketLocationOutput["LocationConstraint"]> };
  },
});

export const listBuckets = operation<ListBucketsRequest, ListBucketsOutput>({
  name: "ListBuckets",
  support: "supported",
  source: reference("ListBuckets"),
  authorize: (_input, context) => [
    {
      action: "s3:ListAllMyBuckets",
      resource: "*",
      // AWS: the sentence names no resource here.
      resourceText: "",
      resourceAccountId: context.scope.accountId,
    },
  ],
  errors: [invalidArgument],
  run(input, context) {
    const limit = input.MaxBuckets ?? MAX_BUCKETS;
    const after = input.ContinuationToken === undefined ? undefined : nameInToken(input.ContinuationToken);
    const found = ownBuckets(context, after).filter(
      ({ name, region }) =>
        name.startsWith(input.Prefix ?? "") && (input.BucketRegion === undefined || region === input.BucketRegion),
    );
    const page = found.slice(0, limit);
    const isPaged = input.MaxBuckets !== undefined || input.Prefix !== undefined || input.BucketRegion !== undefined;
    return {
      Owner: ownerOf(context.scope.accountId),
      Buckets: page.map((bucket) => ({
        Name: bucket.name,
        CreationDate: bucket.createdAtMs,
        // AWS: only paged requests are told more.
        ...(isPaged && { BucketRegion: bucket.region, BucketArn: bucketArn(bucket) }),
      })),
      ...(input.Prefix !== undefined && { Prefix: input.Prefix }),
      ...(found.length > page.length && { ContinuationToken: pageToken(page.at(-1)?.name ?? "") }),
    };
  },
});

function ownBuckets({ store, scope }: OperationContext, after: string | undefined): BucketRecord[] {
  const entries = bucketsIn(store).list([], after === undefined ? {} : { after: [after] });
  return entries.map(({ value }) => value).filter(({ accountId }) => accountId === scope.accountId);
}
