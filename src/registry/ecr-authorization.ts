/**
 * The question that an ECR request puts to the policy engine: action, repository ARN, the repository's tags and policy.
 * Asked by the distribution API (access.ts) and by every operation of services/ecr.
 * Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html;
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
 */
import type { AuthorizationRequest, RequestContext } from "../authorize/decision.ts";
import { type AwsScope, arnIn } from "../core/arn.ts";
import type { PolicyDocument } from "../core/aws.ts";
import type { EcrSettings, RegistryRecords } from "./records.ts";
import { ecrHost } from "./repository-address.ts";

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
  const document = settings?.policyText === undefined ? undefined : policyOf(settings, settings.policyText);
  const tags = Object.entries(settings?.tags ?? {}).flatMap(([key, value]) => [
    [`aws:ResourceTag/${key}`, value],
    [`ecr:ResourceTag/${key}`, value],
  ]);
  return {
    action: `ecr:${action}`,
    resource,
    context: { ...Object.fromEntries(tags), ...context },
    ...(document && {
      resourcePolicy: {
        name: `repository policy of ${resource}`,
        document,
        accountId: scope.accountId,
        mandatory: false,
      },
    }),
  };
}

/** Parsed once a record: the store gives the same object to all readers. */
const documents = new WeakMap<EcrSettings, PolicyDocument>();

function policyOf(settings: EcrSettings, text: string): PolicyDocument {
  let document = documents.get(settings);
  if (!document) {
    document = withResource(JSON.parse(text) as PolicyDocument);
    documents.set(settings, document);
  }
  return document;
}

/** A repository policy names no resource: it speaks of its own repository. */
function withResource(document: PolicyDocument): PolicyDocument {
  const statements = [document["Statement"] ?? []].flat() as Record<string, unknown>[];
  const complete = statements.map((statement) =>
    "Resource" in statement || "NotResource" in statement ? statement : { ...statement, Resource: "*" },
  );
  return { ...document, Statement: complete };
}
