/**
 * One reader a kind of resource: how its service is asked for the resource's own policy, its tags, its grants and its real
 * ARN. resource-facts.ts calls them; what a reader is not told (a call that answers undefined) is left out.
 */
import type { RequestContext } from "../authorize/decision.ts";
import { type Arn, formatArn } from "../core/arn.ts";
import type { ServiceName } from "../core/aws.ts";
import type { GrantConstraint, KeyGrant } from "../services/index.ts";

interface Question {
  /** `ssm:GetParameter`, in AWS's spelling. */
  readonly action: string;
  readonly arn: Arn;
  /** As the root user of the account that owns the resource, in its region. */
  readonly call: <T>(service: ServiceName, operation: string, input: object) => Promise<T | undefined>;
}

/** What a reader found out. */
interface Facts {
  /** The ARN that is really asked about; default the one that was named. */
  readonly arn?: string;
  readonly policyText?: string | undefined;
  /** `key policy`, `bucket policy`, … */
  readonly policyName?: string;
  readonly isMandatory?: boolean;
  readonly grants?: readonly KeyGrant[];
  /** Condition keys besides those of the tags. */
  readonly context?: RequestContext;
  /** The resource is there, of the account that was asked; for ARNs that have none. */
  readonly hasOwner?: boolean;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly notes?: readonly string[];
}

type Reader = (question: Question) => Promise<Facts>;

/** Service, start of the resource part, reader; the first that fits. */
const READERS: readonly (readonly [service: string, prefix: string, read: Reader])[] = [
  ["kms", "", key],
  ["secretsmanager", "secret:", secret],
  ["s3", "", bucket],
  ["ssm", "parameter/", parameter],
  ["ecr", "repository/", repository],
  ["iam", "role/", role],
  ["iam", "user/", user],
  ["codebuild", "project/", shared],
  ["codebuild", "report-group/", shared],
  ["logs", "log-group:", logGroup],
];

/** Undefined for a kind of resource that says nothing. */
export const readerFor = (arn: Arn): Reader | undefined =>
  READERS.find(([service, prefix]) => service === arn.service && arn.resource.startsWith(prefix))?.[2];

/** A tag in the spelling of any service. */
interface Tag {
  readonly Key?: string;
  readonly Value?: string;
  readonly key?: string;
  readonly value?: string;
  readonly TagKey?: string;
  readonly TagValue?: string;
}

const tagMap = (tags: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(
    tags.map((tag) => [tag.Key ?? tag.key ?? tag.TagKey ?? "", tag.Value ?? tag.value ?? tag.TagValue ?? ""]),
  );

async function key({ action, arn, call }: Question): Promise<Facts> {
  const isAlias = arn.resource.startsWith("alias/");
  // AWS: what is done to an alias itself is asked about the alias, all else about its key.
  if (isAlias && /Alias$/.test(action)) return {};
  const named = formatArn(arn);
  const found = await call<{ KeyMetadata: { Arn: string; KeyId: string; AWSAccountId: string } }>(
    "kms",
    "DescribeKey",
    {
      KeyId: named,
    },
  );
  if (!found) {
    return {
      ...{ policyText: NOBODY, policyName: "key policy", isMandatory: true },
      notes: [`there is no key \`${named}\`: without its key policy nobody may use it`],
    };
  }
  const { Arn, KeyId, AWSAccountId } = found.KeyMetadata;
  const policy = await call<{ Policy: string }>("kms", "GetKeyPolicy", { KeyId, PolicyName: "default" });
  const aliases = await call<{ Aliases: { AliasName: string }[] }>("kms", "ListAliases", { KeyId });
  const tags = await call<{ Tags: Tag[] }>("kms", "ListResourceTags", { KeyId });
  const names = (aliases?.Aliases ?? []).map(({ AliasName }) => AliasName);
  const grants = await grantsOf(KeyId, call);
  return {
    arn: Arn,
    ...(grants.length > 0 && { grants }),
    policyText: policy?.Policy,
    policyName: "key policy",
    isMandatory: true,
    tags: tagMap(tags?.Tags),
    context: {
      "kms:CallerAccount": AWSAccountId,
      ...(names.length > 0 && { "kms:ResourceAliases": names }),
      ...(isAlias && { "kms:RequestAlias": arn.resource }),
    },
  };
}

const NOBODY = '{"Version":"2012-10-17","Statement":[]}';

interface GrantPage {
  readonly Grants: readonly {
    readonly GrantId: string;
    readonly GranteePrincipal: string;
    readonly Operations: readonly string[];
    readonly Constraints?: Partial<Record<GrantConstraint["type"], GrantConstraint["pairs"]>>;
  }[];
  readonly NextMarker?: string;
}

async function grantsOf(KeyId: string, call: Question["call"]): Promise<KeyGrant[]> {
  const found: KeyGrant[] = [];
  let Marker: string | undefined;
  do {
    const page: GrantPage | undefined = await call<GrantPage>("kms", "ListGrants", {
      ...{ KeyId, Limit: 100 },
      ...(Marker !== undefined && { Marker }),
    });
    for (const { GrantId, GranteePrincipal, Operations, Constraints = {} } of page?.Grants ?? []) {
      const [constraint] = Object.entries(Constraints) as [GrantConstraint["type"], GrantConstraint["pairs"]][];
      found.push({
        ...{ id: GrantId, granteePrincipal: GranteePrincipal, operations: Operations },
        ...(constraint && { constraint: { type: constraint[0], pairs: constraint[1] } }),
      });
    }
    Marker = page?.NextMarker;
  } while (Marker !== undefined);
  return found;
}

async function secret({ arn, call }: Question): Promise<Facts> {
  const SecretId = formatArn(arn);
  const name = arn.resource.slice("secret:".length);
  // A name, or a name with its six characters: the service knows which.
  const found =
    (await call<{ ARN: string; Tags?: Tag[] }>("secretsmanager", "DescribeSecret", { SecretId })) ??
    (await call<{ ARN: string; Tags?: Tag[] }>("secretsmanager", "DescribeSecret", { SecretId: name }));
  if (!found) return { notes: [`there is no secret \`${name}\`: asked as it is written`] };
  const policy = await call<{ ResourcePolicy?: string }>("secretsmanager", "GetResourcePolicy", {
    SecretId: found.ARN,
  });
  return { arn: found.ARN, policyText: policy?.ResourcePolicy, tags: tagMap(found.Tags) };
}

async function bucket({ arn, call }: Question): Promise<Facts> {
  const [Bucket = ""] = arn.resource.split("/");
  if (/[*?]/.test(Bucket)) return {};
  const exists = await call<object>("s3", "GetBucketLocation", { Bucket });
  if (!exists) return { notes: [`there is no bucket \`${Bucket}\``] };
  const policy = await call<{ Policy?: string }>("s3", "GetBucketPolicy", { Bucket });
  return { policyText: policy?.Policy, policyName: "bucket policy", hasOwner: true };
}

async function parameter({ arn, call }: Question): Promise<Facts> {
  const name = arn.resource.slice("parameter/".length);
  const tagsOf = (ResourceId: string) =>
    call<{ TagList?: Tag[] }>("ssm", "ListTagsForResource", { ResourceType: "Parameter", ResourceId });
  // AWS: `parameter/app` is the ARN of `app` and of `/app`; below a path every name begins with a slash.
  const found = (name.includes("/") ? undefined : await tagsOf(name)) ?? (await tagsOf(`/${name}`));
  if (!found) return {};
  const shared = await call<{ Policies?: { Policy?: string }[] }>("ssm", "GetResourcePolicies", {
    ResourceArn: formatArn(arn),
  });
  return { tags: tagMap(found.TagList), policyText: shared?.Policies?.[0]?.Policy };
}

async function repository({ arn, call }: Question): Promise<Facts> {
  const about = { repositoryName: arn.resource.slice("repository/".length) };
  const policy = await call<{ policyText: string }>("ecr", "GetRepositoryPolicy", about);
  const tags = await call<{ tags?: Tag[] }>("ecr", "ListTagsForResource", { resourceArn: formatArn(arn) });
  return { policyText: policy?.policyText, policyName: "repository policy", tags: tagMap(tags?.tags) };
}

async function role({ action, arn, call }: Question): Promise<Facts> {
  const RoleName = arn.resource.slice(arn.resource.lastIndexOf("/") + 1);
  const found = await call<{ Role: { Arn: string; AssumeRolePolicyDocument: string; Tags?: Tag[] } }>(
    "iam",
    "GetRole",
    {
      RoleName,
    },
  );
  if (!found) return { notes: [`there is no role \`${RoleName}\``] };
  const { Arn, AssumeRolePolicyDocument, Tags } = found.Role;
  const isTrusted =
    action.startsWith("sts:AssumeRole") || action === "sts:TagSession" || action === "sts:SetSourceIdentity";
  const trust = { policyText: textOf(AssumeRolePolicyDocument), policyName: "trust policy", isMandatory: true };
  return { arn: Arn, ...entityTags(Tags), ...(isTrusted && trust) };
}

async function user({ arn, call }: Question): Promise<Facts> {
  const UserName = arn.resource.slice(arn.resource.lastIndexOf("/") + 1);
  const found = await call<{ User: { Arn: string; Tags?: Tag[] } }>("iam", "GetUser", { UserName });
  if (!found) return { notes: [`there is no user \`${UserName}\``] };
  return { arn: found.User.Arn, ...entityTags(found.User.Tags) };
}

/** AWS: tags of users and roles have an older name besides the global one. */
function entityTags(given: readonly Tag[] | undefined): Facts {
  const tags = tagMap(given);
  const ofIam = Object.entries(tags).map(([name, value]) => [`iam:ResourceTag/${name}`, value] as const);
  return { tags, context: Object.fromEntries(ofIam) };
}

async function shared({ arn, call }: Question): Promise<Facts> {
  const name = arn.resource.slice(arn.resource.indexOf("/") + 1);
  const policy = await call<{ policy?: string }>("codebuild", "GetResourcePolicy", { resourceArn: formatArn(arn) });
  const projects = arn.resource.startsWith("project/")
    ? await call<{ projects?: { tags?: Tag[] }[] }>("codebuild", "BatchGetProjects", { names: [name] })
    : undefined;
  return { policyText: policy?.policy, tags: tagMap(projects?.projects?.[0]?.tags) };
}

async function logGroup({ arn, call }: Question): Promise<Facts> {
  const name = /^log-group:([^:]+)/.exec(arn.resource)?.[1];
  if (name === undefined || /[*?]/.test(name)) return {};
  const resourceArn = formatArn({ ...arn, resource: `log-group:${name}` });
  const found = await call<{ tags?: Record<string, string> }>("logs", "ListTagsForResource", { resourceArn });
  return { tags: found?.tags };
}

/** AWS: IAM answers documents URL-encoded (RFC 3986). */
const textOf = (document: string): string => (document.startsWith("%") ? decodeURIComponent(document) : document);
