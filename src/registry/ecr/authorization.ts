/**
 * The question that an ECR request puts to the policy engine: action, repository ARN, the repository's tags, its policy
 * and the registry's. Asked by the distribution API (access.ts) and by every operation of services/ecr.
 * Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html;
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html;
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
 */

import type { AuthorizationRequest, RequestContext, ResourceGrant } from "../../authorize/decision.ts";
import { statementsOf } from "../../authorize/document-lists.ts";
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { RegistryRecords } from "../records.ts";
import { ecrHost } from "../repository-address.ts";
import { accountSetting } from "./account-settings.ts";
import { registryOf } from "./records.ts";

export const repositoryArn = (scope: AwsScope, repositoryName: string): string =>
  arnIn(scope, "ecr", `repository/${repositoryName}`);

/** `action` without `ecr:`; `context` adds keys of the operation, e.g. `aws:RequestTag/k`. */
export function ecrAuthorizationRequest(
  records: RegistryRecords,
  scope: AwsScope,
  action: string,
  repositoryName: string,
  context: RequestContext = {},
): AuthorizationRequest {
  const settings = records.repositories.get([ecrHost(scope), repositoryName])?.ecr;
  const resource = repositoryArn(scope, repositoryName);
  const tags = Object.entries(settings?.tags ?? {}).flatMap(([key, value]) => [
    [`aws:ResourceTag/${key}`, value],
    [`ecr:ResourceTag/${key}`, value],
  ]);
  const [first, ...further] = [
    ...(settings?.policyText === undefined
      ? []
      : [{ name: `repository policy of ${resource}`, document: policyOf(settings, settings.policyText) }]),
    ...registryPolicy(records, scope, action),
  ];
  return {
    action: `ecr:${action}`,
    resource,
    context: { ...Object.fromEntries(tags), ...context },
    ...(first && { resourcePolicy: { ...first, accountId: scope.accountId, mandatory: false } }),
    ...(further.length > 0 && { furtherResourcePolicies: further }),
  };
}

/** AWS: in scope V1 the registry's policy counts for these alone, in V2 for every action on a repository. */
const ACTIONS_OF_V1: readonly string[] = ["ReplicateImage", "BatchImportUpstreamImage", "CreateRepository"];

function registryPolicy(records: RegistryRecords, scope: AwsScope, action: string): ResourceGrant[] {
  const registry = registryOf(records.ecr, scope);
  if (registry.policyText === undefined) return [];
  const isInForce =
    ACTIONS_OF_V1.includes(action) || accountSetting(records.ecr, scope, "REGISTRY_POLICY_SCOPE") === "V2";
  if (!isInForce) return [];
  const name = `registry policy of ${scope.accountId} in ${scope.region}`;
  return [{ name, document: policyOf(registry, registry.policyText) }];
}

/** Parsed once a record: the store gives the same object to all readers. */
const documents = new WeakMap<object, PolicyDocument>();

function policyOf(record: object, text: string): PolicyDocument {
  let document = documents.get(record);
  if (!document) {
    document = repositoryPolicyDocument(text);
    documents.set(record, document);
  }
  return document;
}

/** A policy's text as the engine reads it. A repository policy names no resource: it speaks of its own repository. */
export function repositoryPolicyDocument(text: string): PolicyDocument {
  const document = JSON.parse(text) as PolicyDocument;
  const complete = statementsOf(document).map((statement) =>
    "Resource" in statement || "NotResource" in statement ? statement : { ...statement, Resource: "*" },
  );
  return { ...document, Statement: complete };
}
