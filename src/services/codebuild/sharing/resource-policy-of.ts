/** The resource policy of a shared project or report group, as part of what is asked of the policy engine. */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import type { Key } from "../../../store/store.ts";
import type { CodeBuildRecords, ResourcePolicyRecord } from "../records.ts";

/** By account, region and resource: `[account, region, "project/app"]`. */
export function policyKey(resourceArn: string): Key {
  const arn = parseArn(resourceArn);
  return [arn?.accountId ?? "", arn?.region ?? "", arn?.resource ?? resourceArn];
}

/** The request with its resource's policy, where it has one. Without one, only the owner's account may be allowed. */
export function withResourcePolicy(records: CodeBuildRecords, request: AuthorizationRequest): AuthorizationRequest {
  const accountId = parseArn(request.resource)?.accountId;
  const policy = records.policies.get(policyKey(request.resource));
  if (!policy || accountId === undefined) return request;
  return {
    ...request,
    resourcePolicy: {
      name: `resource policy of ${request.resource}`,
      document: documentOf(policy),
      accountId,
      mandatory: false,
    },
  };
}

/** Parsed once a record: the store gives the same object to all readers. */
const documents = new WeakMap<ResourcePolicyRecord, PolicyDocument>();

function documentOf(policy: ResourcePolicyRecord): PolicyDocument {
  let document = documents.get(policy);
  if (!document) {
    document = JSON.parse(policy.text) as PolicyDocument;
    documents.set(policy, document);
  }
  return document;
}
