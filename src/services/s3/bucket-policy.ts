/** PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy: the policy that counts in every decision on the bucket. */
import { type AuthorizationRequest, validatePolicy } from "../../authorize/index.ts";
import { type OperationContext, operation } from "../service.ts";
import { malformedPolicy, noSuchBucketPolicy, policyNotAllowed, reference } from "./errors.ts";
import { type BucketInput, bucketErrors, changeBucket, onBucket, requireBucket } from "./find-bucket.ts";
import { type BucketRecord, bucketArn } from "./records.ts";
import type {
  DeleteBucketPolicyRequest,
  GetBucketPolicyOutput,
  GetBucketPolicyRequest,
  PutBucketPolicyRequest,
} from "./shapes.gen.ts";

const MAX_POLICY_BYTES = 20 * 1024;

// AWS: the owner's root user gets past the policy itself, so that nobody locks everybody out.
function access(context: OperationContext, input: BucketInput, action: string): AuthorizationRequest[] {
  const bucket = requireBucket(context, input);
  const { type, accountId } = context.principal;
  if (type !== "Root" || accountId !== bucket.accountId) return [onBucket(bucket, action)];
  const { policyText: _, ...open } = bucket;
  return [onBucket(open, action)];
}

/** The bucket. AWS: whoever may, but is of another account, may not after all. */
function requireOwnBucket(context: OperationContext, input: BucketInput, method: string): BucketRecord {
  const bucket = requireBucket(context, input);
  if (bucket.accountId !== context.principal.accountId) throw policyNotAllowed(method);
  return bucket;
}

export const putBucketPolicy = operation<PutBucketPolicyRequest, object>({
  name: "PutBucketPolicy",
  support: "partial",
  gaps: [
    "whether a named principal exists is not checked",
    "a policy for everybody is taken: nothing blocks public access",
  ],
  source: reference("PutBucketPolicy"),
  authorize: (input, context) => access(context, input, "s3:PutBucketPolicy"),
  errors: [...bucketErrors, malformedPolicy, policyNotAllowed],
  async run(input, context) {
    const bucket = requireOwnBucket(context, input, "PUT");
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
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) throw malformedPolicy(isJsonObject(text) ? wordsOf(policy.error) : NO_JSON);
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

const NO_JSON = "Policies must be valid JSON and the first byte must be '{'";

function isJsonObject(text: string): boolean {
  try {
    return text.trimStart().startsWith("{") && typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** S3's words for what IAM's grammar says of a document. */
function wordsOf(text: string): string {
  if (text === "Syntax errors in policy.") return "Invalid policy syntax.";
  if (text === "Policy statement must contain actions.") return "Missing required field Action";
  if (text.startsWith("Invalid principal in policy")) return "Invalid principal in policy";
  if (text.startsWith("Actions/") || text.startsWith("Vendor ")) return "Policy has invalid action";
  return /^(Resource|Partition|IAM resource) /.test(text) ? "Policy has invalid resource" : text;
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
  authorize: (input, context) => access(context, input, "s3:GetBucketPolicy"),
  errors: [...bucketErrors, noSuchBucketPolicy, policyNotAllowed],
  run(input, context) {
    const { name, policyText } = requireOwnBucket(context, input, "GET");
    if (policyText === undefined) throw noSuchBucketPolicy(name);
    return { Policy: policyText };
  },
});

export const deleteBucketPolicy = operation<DeleteBucketPolicyRequest, object>({
  name: "DeleteBucketPolicy",
  support: "supported",
  source: reference("DeleteBucketPolicy"),
  authorize: (input, context) => access(context, input, "s3:DeleteBucketPolicy"),
  errors: [...bucketErrors, policyNotAllowed],
  async run(input, context) {
    // AWS: no policy is no error.
    await changeBucket(context, requireOwnBucket(context, input, "DELETE").name, ({ policyText: _, ...rest }) => rest);
    return {};
  },
});
