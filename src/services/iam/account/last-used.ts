/**
 * When keys were used last, and which services an identity used. What is noted of uses is in identity/last-uses.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
 * On AWS a report of used services is made in the background; here it is complete when its id is given out.
 */
import { MINUTE_MS, wholeSecond } from "../../../core/clock.ts";
import {
  defaultDocumentText,
  type Entity,
  type EntityRecord,
  identityCollections,
  type LastUse,
  lastUseOf,
  lastUsesOf,
  parsedDocument,
} from "../../../identity/index.ts";
import type { Collection, Store } from "../../../store/store.ts";
import { notOffered } from "../../common-errors.ts";
import { type OperationContext, operation } from "../../service.ts";
import { GROUP, listEntities, ROLE, USER } from "../entities/entities.ts";
import { entityAccess, listAccess } from "../entities/entity-access.ts";
import { invalidMarker, noSuchAccessKey, noSuchArn, noSuchJob } from "../errors.ts";
import { pageOf } from "../pages.ts";
import { findPolicyInReach } from "../policies/policy-arns.ts";
import type * as Shapes from "../shapes.gen.ts";
import { accessByArn, allowsService, findOwnEntity, mayUse } from "./service-access.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";

/** Services whose use is noted, as AWS calls them. */
const SERVICE_NAMES: Readonly<Record<string, string>> = {
  codebuild: "AWS CodeBuild",
  ecr: "Amazon Elastic Container Registry",
  iam: "AWS Identity and Access Management",
  kms: "AWS Key Management Service",
  logs: "Amazon CloudWatch Logs",
  s3: "Amazon S3",
  secretsmanager: "AWS Secrets Manager",
  ssm: "AWS Systems Manager",
  sts: "AWS Security Token Service",
};

export const getAccessKeyLastUsed = operation<Shapes.GetAccessKeyLastUsedRequest, Shapes.GetAccessKeyLastUsedResponse>({
  name: "GetAccessKeyLastUsed",
  support: "supported",
  source: `${DOCS}/API_GetAccessKeyLastUsed.html`,
  authorize(input, context) {
    const userName = ownerOf(input.AccessKeyId, context);
    if (userName === undefined) return listAccess("GetAccessKeyLastUsed", `access key ${input.AccessKeyId}`);
    return [entityAccess(USER, "GetAccessKeyLastUsed", userName, context)];
  },
  errors: [noSuchAccessKey],
  run(input, context) {
    const userName = ownerOf(input.AccessKeyId, context);
    if (userName === undefined) throw noSuchAccessKey(input.AccessKeyId);
    const use = lastUseOf(context.store, input.AccessKeyId);
    // AWS: whole minutes, and for a key that was never used no date but words.
    const shape = use
      ? { LastUsedDate: use.atMs - (use.atMs % MINUTE_MS), ServiceName: use.service, Region: use.region }
      : { ServiceName: "N/A", Region: "N/A" };
    return { UserName: userName, AccessKeyLastUsed: shape };
  },
});

/** Name of the account's user that has the key. */
function ownerOf(accessKeyId: string, { store, scope }: OperationContext): string | undefined {
  const key = identityCollections(store).accessKeys.get([accessKeyId]);
  return key?.accountId === scope.accountId ? key.userName : undefined;
}

interface JobRecord {
  readonly createdMs: number;
  readonly services: readonly Shapes.ServiceLastAccessed[];
}

/** By account and id of the job; the newest take the place of the oldest. */
const jobsIn = (store: Store): Collection<JobRecord> => store.collection("iam-last-accessed-jobs");
const MAX_JOBS = 100;

export const generateServiceLastAccessedDetails = operation<
  Shapes.GenerateServiceLastAccessedDetailsRequest,
  Shapes.GenerateServiceLastAccessedDetailsResponse
>({
  name: "GenerateServiceLastAccessedDetails",
  support: "partial",
  gaps: ["knows the services that Kiln offers", "of the granularities SERVICE_LEVEL"],
  source: `${DOCS}/API_GenerateServiceLastAccessedDetails.html`,
  authorize: (input, context) => accessByArn("GenerateServiceLastAccessedDetails", input.Arn, context),
  errors: [noSuchArn, notOffered],
  async run(input, context) {
    const { store, scope, clock, ids } = context;
    if (input.Granularity === "ACTION_LEVEL") {
      throw notOffered("iam:GenerateServiceLastAccessedDetails with ACTION_LEVEL", "SERVICE_LEVEL");
    }
    const services = servicesOf(input.Arn, context);
    const jobId = ids.uuid();
    await store.write(() => {
      const jobs = jobsIn(store);
      const byAge = jobs.list([scope.accountId]).sort((a, b) => a.value.createdMs - b.value.createdMs);
      for (const { key } of byAge.slice(0, Math.max(0, byAge.length - MAX_JOBS + 1))) jobs.delete(key);
      jobs.put([scope.accountId, jobId], { createdMs: wholeSecond(clock.nowMs()), services });
    });
    return { JobId: jobId };
  },
});

export const getServiceLastAccessedDetails = operation<
  Shapes.GetServiceLastAccessedDetailsRequest,
  Shapes.GetServiceLastAccessedDetailsResponse
>({
  name: "GetServiceLastAccessedDetails",
  support: "supported",
  source: `${DOCS}/API_GetServiceLastAccessedDetails.html`,
  authorize: () => listAccess("GetServiceLastAccessedDetails", "*"),
  errors: [noSuchJob, invalidMarker],
  run(input, { store, scope }) {
    const job = jobsIn(store).get([scope.accountId, input.JobId]);
    if (!job) throw noSuchJob(input.JobId);
    const page = pageOf(job.services, input, ({ ServiceNamespace }) => [ServiceNamespace]);
    return {
      JobStatus: "COMPLETED",
      JobType: "SERVICE_LEVEL",
      JobCreationDate: job.createdMs,
      ServicesLastAccessed: page.items,
      JobCompletionDate: job.createdMs,
      ...page.members,
    };
  },
});

/** The services that the policies of what has this ARN allow, with their last use. */
function servicesOf(arn: string, context: OperationContext): Shapes.ServiceLastAccessed[] {
  const found = findOwnEntity(arn, context);
  const policy = found ? undefined : findPolicyInReach(arn, context);
  if (!found && !policy) throw noSuchArn(arn);
  const document = policy && parsedDocument(defaultDocumentText(policy));
  const allows = (namespace: string) =>
    found ? mayUse(found, namespace, context) : document !== undefined && allowsService(document, namespace);
  const users = found ? usersOf(found, context) : usersOfPolicy(arn, context);
  const uses = users.map((entity) => ({ entity, uses: lastUsesOf(context.store, entity.id) }));
  return Object.keys(SERVICE_NAMES)
    .filter(allows)
    .map((namespace) => {
      const used = uses.flatMap(({ entity, uses: all }) =>
        all.filter(({ service }) => service === namespace).map((use) => ({ entity, use })),
      );
      return accessOf(namespace, used);
    });
}

function accessOf(
  namespace: string,
  used: readonly { readonly entity: EntityRecord; readonly use: LastUse }[],
): Shapes.ServiceLastAccessed {
  const last = [...used].sort((a, b) => b.use.atMs - a.use.atMs)[0];
  return {
    ServiceName: SERVICE_NAMES[namespace] as string,
    ...(last && { LastAuthenticated: wholeSecond(last.use.atMs) }),
    ServiceNamespace: namespace,
    ...(last && { LastAuthenticatedEntity: last.entity.arn, LastAuthenticatedRegion: last.use.region }),
    TotalAuthenticatedEntities: used.length,
  };
}

/** Who uses services by this entity: itself, or the users of a group. */
const usersOf = ({ word, record }: Entity, context: OperationContext): EntityRecord[] =>
  word === "group" ? listEntities(USER, context).filter((user) => user.groupNames.includes(record.name)) : [record];

function usersOfPolicy(arn: string, context: OperationContext): EntityRecord[] {
  const has = (record: EntityRecord) => record.attachedPolicyArns.includes(arn);
  const groups = listEntities(GROUP, context).filter(has);
  const users = listEntities(USER, context).filter(
    (user) => has(user) || groups.some((group) => user.groupNames.includes(group.name)),
  );
  return [...listEntities(ROLE, context).filter(has), ...users];
}
