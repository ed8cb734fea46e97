/** PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy: the policy that counts in every decision on the bucket. */
import { validatePolicy } from "../../authorize/index.ts";
import { operation } from "../service.ts";
import { malformedPolicy, noSuchBucketPolicy, reference } from "./errors.ts";
import { bucketErrors, changeBucket, onBucket, requireBucket } from "./find-bucket.ts";
import { type BucketRecord, bucketArn } from "./records.ts";
import type {
  DeleteBucketPolicyRequest,
  GetBucketPolicyOutput,
  GetBucketPolicyRequest,
  PutBucketPolicyRequest,
} from "./shapes.gen.ts";

const MAX_POLICY_BYTES = 20 * 1024;

export const putBucketPolicy = operation<PutBucketPolicyRequest, object>({
  name: "PutBucketPolicy",
  support: "partial",
  gaps: [
    "whether a named principal exists is not checked",
    "a policy for everybody is taken: nothing blocks public access",
  ],
  source: reference("PutBucketPolicy"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:PutBucketPolicy")],
  errors: [...bucketErrors, malformedPolicy],
  async run(input, context) {
    const bucket = requireBucket(context, input);
    requireBucketPolicy(bucket, input.Policy);
    await changeBucket(context, bucket.name, (record) => ({ ...record, policyText: input.Policy }));
    return {};
  },
});

interface Statement {
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
}

/** The texts are S3's where it has its own, the policy engine's otherwise. */
function requireBucketPolicy(bucket: BucketRecord, text: string): void {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    throw malformedPolicy("Normalized policy document exceeds the maximum allowed size of 20480 bytes.");
  }
  const first = text.trimStart().charAt(0);
  if (first !== "{") throw malformedPolicy("Policies must be valid JSON and the first byte must be '{'");
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) throw malformedPolicy(policy.error);
  for (const statement of [policy.value["Statement"]].flat() as readonly Statement[]) {
    if (statement.Principal === undefined && statement.NotPrincipal === undefined) {
      throw malformedPolicy("Missing required field Principal");
    }
    const resources = listed(statement.Resource ?? statement.NotResource);
    if (resources.length === 0) throw malformedPolicy("Missing required field Resource");
    if (!resources.every((resource) => isOf(bucket, resource))) throw malformedPolicy("Policy has invalid resource");
    if (!listed(statement.Action ?? statement.NotAction).every((action) => action === "*" || /^s3:/i.test(action))) {
      throw malformedPolicy("Policy has invalid action");
    }
  }
}

const listed = (value: unknown): string[] => [value].flat().filter((item) => typeof item === "string");

/** AWS: a bucket policy speaks of its own bucket and the objects in it. */
function isOf(bucket: BucketRecord, resource: string): boolean {
  const arn = bucketArn(bucket);
  if (resource === arn || resource.startsWith(`${arn}/`)) return true;
  const wildcard = resource.search(/[*?]/);
  return wildcard >= 0 && arn.startsWith(resource.slice(0, wildcard));
}

export const getBucketPolicy = operation<GetBucketPolicyRequest, GetBucketPolicyOutput>({
  name: "GetBucketPolicy",
  support: "supported",
  source: reference("GetBucketPolicy"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:GetBucketPolicy")],
  errors: [...bucketErrors, noSuchBucketPolicy],
  run(input, context) {
    const { name, policyText } = requireBucket(context, input);
    if (policyText === undefined) throw noSuchBucketPolicy(name);
    return { Policy: policyText };
  },
});

export const deleteBucketPolicy = operation<DeleteBucketPolicyRequest, object>({
  name: "DeleteBucketPolicy",
  support: "supported",
  source: reference("DeleteBucketPolicy"),
  authorize: (input, context) => [onBucket(requireBucket(context, input), "s3:DeleteBucketPolicy")],
  errors: bucketErrors,
  async run(input, context) {
    // AWS: no policy is no error.
    await changeBucket(context, requireBucket(context, input).name, ({ policyText: _, ...rest }) => rest);
    return {};
  },
});
