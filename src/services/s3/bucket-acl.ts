/** GetBucketAcl and PutBucketAcl. The owner's own grant is always there. */
import { operation } from "../service.ts";
import { grantsFrom } from "./acl-grants.ts";
import { aclsNotSupported, invalidArgument, malformedXml, reference } from "./errors.ts";
import { aclKeys, bucketErrors, changeBucket, onBucket, requireBucket } from "./find-bucket.ts";
import { ownerOf } from "./owner.ts";
import type { GetBucketAclOutput, GetBucketAclRequest, Grant, PutBucketAclRequest } from "./shapes.gen.ts";

export const getBucketAcl = operation<GetBucketAclRequest, GetBucketAclOutput>({
  name: "GetBucketAcl",
  support: "supported",
  source: reference("GetBucketAcl"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:GetBucketAcl")],
  errors: bucketErrors,
  run(input, context) {
    const bucket = requireBucket(context, input);
    const owner = ownerOf(bucket.accountId);
    const others = (bucket.grants ?? []).map(({ grantee, permission }) => ({
      Grantee: grantee,
      Permission: permission,
    }));
    return {
      Owner: owner,
      Grants: [
        { Grantee: { Type: "CanonicalUser", ID: owner.ID }, Permission: "FULL_CONTROL" },
        ...(others as unknown as readonly Grant[]),
      ],
    };
  },
});

export const putBucketAcl = operation<PutBucketAclRequest, object>({
  name: "PutBucketAcl",
  support: "partial",
  gaps: ["grants are kept and shown; decisions do not ask them"],
  source: reference("PutBucketAcl"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutBucketAcl", aclKeys(input))],
  errors: [...bucketErrors, aclsNotSupported, malformedXml, invalidArgument],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    const grants = grantsFrom(bucket, input);
    await changeBucket(context, bucket.name, ({ grants: _, ...rest }) => ({
      ...rest,
      ...(grants.length > 0 && { grants }),
    }));
    return {};
  },
});
