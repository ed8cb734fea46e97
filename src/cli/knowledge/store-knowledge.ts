/**
 * What Kiln's stores hold, as the checker may know it: parameters, secrets, keys, policies of resources. Read as root.
 * Values are read only of parameters that are not secret. Of a secret that a text names by name, the value is looked at
 * for the names of its JSON members, and forgotten.
 */
import type { ResourcePolicy } from "../../authorize/decision.ts";
import type { Knowledge, KnownKey, KnownParameter, KnownSecret } from "../../check/index.ts";
import type { AwsCaller, PolicyDocument } from "../../core/aws.ts";
import { AwsError } from "../../core/errors.ts";
import { listParameters, type ParameterMetadata } from "../params/parameters.ts";

type StoreKnowledge = Pick<Knowledge, "parameters" | "secrets" | "keys" | "resourcePolicies">;

/** `texts` name parameters and secrets: the buildspecs, and values of the project's variables. */
export async function storeKnowledge(aws: AwsCaller, texts: readonly string[]): Promise<StoreKnowledge> {
  const isNamed = (name: string) => texts.some((text) => text.includes(name));
  const parameters = await knownParameters(aws, (name) => texts.some((text) => text.includes(`${name}:`)));
  const [secrets, keys] = [await knownSecrets(aws, isNamed), await knownKeys(aws)];
  const resourcePolicies = new Map<string, ResourcePolicy>([
    ...(await secretPolicies(aws, secrets ?? [])),
    ...(await repositoryPolicies(aws)),
  ]);
  return {
    parameters: { list: () => parameters },
    ...(secrets && { secrets }),
    ...(keys && { keys }),
    resourcePolicies,
  };
}

async function knownParameters(aws: AwsCaller, needsVersions: (name: string) => boolean): Promise<KnownParameter[]> {
  const metadata = await listParameters(aws);
  const readable = metadata.filter((parameter) => parameter.type !== "SecureString").map((parameter) => parameter.name);
  const values = new Map<string, string>();
  for (let start = 0; start < readable.length; start += 10) {
    const page: { Parameters?: { Name?: string; Value?: string }[] } = await aws.call("ssm", "GetParameters", {
      Names: readable.slice(start, start + 10),
    });
    for (const parameter of page.Parameters ?? []) values.set(parameter.Name ?? "", parameter.Value ?? "");
  }
  const known: KnownParameter[] = [];
  for (const { name, type, keyId, version, description, lastModifiedMs } of metadata) {
    known.push({
      name,
      type: type as KnownParameter["type"],
      value: values.get(name),
      version,
      lastModifiedMs,
      ...(description !== undefined && { description }),
      ...(keyId !== undefined && { keyId }),
      ...(needsVersions(name) ? await versionsOf(aws, name) : {}),
    });
  }
  return known;
}

async function versionsOf(
  aws: AwsCaller,
  name: ParameterMetadata["name"],
): Promise<Pick<KnownParameter, "versions" | "labels">> {
  const found = await allPages<{ Version?: number; Labels?: string[] }>(aws, "ssm", "GetParameterHistory", {
    ...{ input: { Name: name, MaxResults: 50 }, list: "Parameters", token: "NextToken" },
  });
  return {
    versions: found.map(({ Version = 1 }) => Version),
    labels: found.flatMap(({ Labels = [] }) => Labels),
  };
}

async function knownSecrets(aws: AwsCaller, isNamed: (name: string) => boolean): Promise<KnownSecret[] | undefined> {
  const found = await unlessFailed(
    allPages<{
      Name: string;
      ARN: string;
      KmsKeyId?: string;
      DeletedDate?: number;
      SecretVersionsToStages?: Record<string, string[]>;
    }>(aws, "secretsmanager", "ListSecrets", {
      ...{ input: { MaxResults: 100, IncludePlannedDeletion: true }, list: "SecretList", token: "NextToken" },
    }),
  );
  const secrets: KnownSecret[] = [];
  for (const { Name, ARN, KmsKeyId, DeletedDate, SecretVersionsToStages } of found ?? []) {
    const isDeleted = DeletedDate !== undefined;
    secrets.push({
      name: Name,
      arn: ARN,
      isDeleted,
      ...(KmsKeyId !== undefined && { keyId: KmsKeyId }),
      ...(SecretVersionsToStages && {
        versions: Object.entries(SecretVersionsToStages).map(([id, stages]) => ({ id, stages })),
      }),
      ...(isNamed(Name) && !isDeleted && { jsonKeys: await jsonKeysOf(aws, ARN) }),
    });
  }
  return found && secrets;
}

async function jsonKeysOf(aws: AwsCaller, SecretId: string): Promise<KnownSecret["jsonKeys"]> {
  const { SecretString } =
    (await unlessFailed(aws.call<{ SecretString?: string }>("secretsmanager", "GetSecretValue", { SecretId }))) ?? {};
  if (SecretString === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(SecretString);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : null;
  } catch {
    return null;
  }
}

async function knownKeys(aws: AwsCaller): Promise<KnownKey[] | undefined> {
  const keys = await unlessFailed(
    allPages<{ KeyId: string }>(aws, "kms", "ListKeys", {
      ...{ input: { Limit: 1000 }, list: "Keys", token: "NextMarker", sent: "Marker" },
    }),
  );
  const aliases =
    (await unlessFailed(
      allPages<{ AliasName: string; TargetKeyId?: string }>(aws, "kms", "ListAliases", {
        ...{ input: { Limit: 100 }, list: "Aliases", token: "NextMarker", sent: "Marker" },
      }),
    )) ?? [];
  const known: KnownKey[] = [];
  for (const { KeyId } of keys ?? []) {
    const found = await unlessFailed(
      aws.call<{ KeyMetadata: { Arn: string; KeyState: string; KeyManager: string } }>("kms", "DescribeKey", { KeyId }),
    );
    if (!found) continue;
    const policy = await unlessFailed(
      aws.call<{ Policy?: string }>("kms", "GetKeyPolicy", { KeyId, PolicyName: "default" }),
    );
    known.push({
      arn: found.KeyMetadata.Arn,
      keyId: KeyId,
      aliases: aliases.filter(({ TargetKeyId }) => TargetKeyId === KeyId).map(({ AliasName }) => AliasName),
      state: found.KeyMetadata.KeyState,
      manager: found.KeyMetadata.KeyManager,
      ...(policy?.Policy !== undefined && { policy: JSON.parse(policy.Policy) as PolicyDocument }),
    });
  }
  return keys && known;
}

async function secretPolicies(aws: AwsCaller, secrets: readonly KnownSecret[]): Promise<[string, ResourcePolicy][]> {
  const found: [string, ResourcePolicy][] = [];
  for (const { arn, isDeleted } of secrets) {
    if (isDeleted) continue;
    const { ResourcePolicy: text } =
      (await unlessFailed(
        aws.call<{ ResourcePolicy?: string }>("secretsmanager", "GetResourcePolicy", { SecretId: arn }),
      )) ?? {};
    if (text !== undefined) found.push([arn, resourcePolicy(`resource policy of ${arn}`, text, arn)]);
  }
  return found;
}

async function repositoryPolicies(aws: AwsCaller): Promise<[string, ResourcePolicy][]> {
  const repositories = await unlessFailed(
    allPages<{ repositoryName: string; repositoryArn: string }>(aws, "ecr", "DescribeRepositories", {
      ...{ input: { maxResults: 1000 }, list: "repositories", token: "nextToken" },
    }),
  );
  const found: [string, ResourcePolicy][] = [];
  for (const { repositoryName, repositoryArn } of repositories ?? []) {
    const { policyText } =
      (await unlessFailed(aws.call<{ policyText?: string }>("ecr", "GetRepositoryPolicy", { repositoryName }))) ?? {};
    // A repository without a policy is known as one that gives nobody anything.
    const text = policyText ?? '{"Version":"2012-10-17","Statement":[]}';
    found.push([repositoryArn, resourcePolicy(`repository policy of ${repositoryName}`, text, repositoryArn)]);
  }
  return found;
}

const resourcePolicy = (name: string, text: string, arn: string): ResourcePolicy => ({
  name,
  document: JSON.parse(text) as PolicyDocument,
  accountId: arn.split(":")[4] ?? "",
  mandatory: false,
});

interface Paging {
  readonly input: object;
  /** Member of the answer that holds the page. */
  readonly list: string;
  /** Member of the answer that names the next page. */
  readonly token: string;
  /** Member of the input that takes it, where that is another one. */
  readonly sent?: string;
}

async function allPages<T>(
  aws: AwsCaller,
  service: Parameters<AwsCaller["call"]>[0],
  operation: string,
  { input, list, token, sent = token }: Paging,
): Promise<T[]> {
  const all: T[] = [];
  let next: unknown;
  do {
    const page: Record<string, unknown> = await aws.call(service, operation, {
      ...input,
      ...(next !== undefined && { [sent]: next }),
    });
    all.push(...((page[list] ?? []) as T[]));
    next = page[token];
  } while (next !== undefined && next !== null);
  return all;
}

/** Undefined when the answer is an error: a policy of the resource may shut out even root. */
async function unlessFailed<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}
