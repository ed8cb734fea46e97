/** Several accounts and regions in one Kiln, over the wire with unmodified SDK clients: each sees its own, and no more. */
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuild } from "@aws-sdk/client-codebuild";
import { ECR } from "@aws-sdk/client-ecr";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { S3 } from "@aws-sdk/client-s3";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { SSM } from "@aws-sdk/client-ssm";
import { STS } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKiln } from "../../src/app.ts";
import { CODEBUILD_TRUST } from "../support/policy-documents.ts";
import { type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const A = "111122223333";
const B = "444455556666";

interface Client {
  destroy(): void;
}

let kiln: StartedEndpoint;
const opened: Client[] = [];

/** A client of the root of an account. */
function rootOf<C extends Client>(
  type: new (settings: object) => C,
  accountId: string,
  more: { readonly region?: string; readonly url?: string; readonly secretAccessKey?: string } = {},
): C {
  const client = new type({
    endpoint: more.url ?? kiln.url,
    region: more.region ?? "us-east-1",
    credentials: { accessKeyId: accountId, secretAccessKey: more.secretAccessKey ?? "test" },
    maxAttempts: 1,
    forcePathStyle: true,
  });
  opened.push(client);
  return client;
}

beforeAll(async () => {
  kiln = await startEndpoint();
});
afterAll(async () => {
  for (const client of opened) client.destroy();
  await kiln.close();
});

describe("two accounts", () => {
  it("each have a root", async () => {
    for (const account of [A, B]) {
      expect(await rootOf(STS, account).getCallerIdentity({})).toMatchObject({
        ...{ UserId: account, Account: account, Arn: `arn:aws:iam::${account}:root` },
      });
    }
  });

  it("have parameters of one name", async () => {
    const Name = "/app/url";
    for (const account of [A, B]) {
      await rootOf(SSM, account).putParameter({ Name, Type: "SecureString", Value: `of ${account}` });
    }
    for (const account of [A, B]) {
      const ssm = rootOf(SSM, account);
      const { Parameter } = await ssm.getParameter({ Name, WithDecryption: true });
      expect(Parameter).toMatchObject({
        ...{ Value: `of ${account}`, ARN: `arn:aws:ssm:us-east-1:${account}:parameter/app/url` },
      });
      expect((await ssm.describeParameters({})).Parameters).toHaveLength(1);
    }
    await rootOf(SSM, A).deleteParameter({ Name });
    await expect(rootOf(SSM, B).getParameter({ Name })).resolves.toBeDefined();
  });

  it("have secrets, keys, roles, projects, log groups and repositories of one name", async () => {
    const arns = new Map<string, string[]>();
    const keep = (kind: string, arn: string | undefined) => arns.set(kind, [...(arns.get(kind) ?? []), arn ?? ""]);
    for (const account of [A, B]) {
      keep("secret", (await rootOf(SecretsManager, account).createSecret({ Name: "db", SecretString: account })).ARN);
      const kms = rootOf(KMS, account);
      const { KeyMetadata } = await kms.createKey({});
      await kms.createAlias({ AliasName: "alias/app", TargetKeyId: KeyMetadata?.KeyId ?? "" });
      keep("key", (await kms.describeKey({ KeyId: "alias/app" })).KeyMetadata?.Arn);
      const AssumeRolePolicyDocument = CODEBUILD_TRUST;
      const iam = rootOf(IAM, account);
      const serviceRole = (await iam.createRole({ RoleName: "R", AssumeRolePolicyDocument })).Role?.Arn;
      keep("role", serviceRole);
      const { project } = await rootOf(CodeBuild, account).createProject({
        name: "app",
        source: { type: "NO_SOURCE", buildspec: "version: 0.2\nphases: { build: { commands: [true] } }" },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole,
      });
      keep("project", project?.arn);
      const logs = rootOf(CloudWatchLogs, account);
      await logs.createLogGroup({ logGroupName: "/app" });
      keep("group", (await logs.describeLogGroups({})).logGroups?.[0]?.arn);
      const { repository } = await rootOf(ECR, account).createRepository({ repositoryName: "app" });
      keep("repository", repository?.repositoryArn);
    }
    expect([...arns.keys()]).toEqual(["secret", "key", "role", "project", "group", "repository"]);
    for (const [ofA, ofB] of arns.values()) {
      expect(ofA).toContain(`:${A}:`);
      expect(ofB).toContain(`:${B}:`);
    }
    const value = async (account: string) =>
      (await rootOf(SecretsManager, account).getSecretValue({ SecretId: "db" })).SecretString;
    expect([await value(A), await value(B)]).toEqual([A, B]);
    expect((await rootOf(CodeBuild, B).batchGetProjects({ names: ["app"] })).projects?.[0]?.arn).toContain(B);
    await rootOf(ECR, A).deleteRepository({ repositoryName: "app" });
    expect((await rootOf(ECR, B).describeRepositories({})).repositories).toHaveLength(1);
  });

  it("share the name space of buckets, and not what is in them", async () => {
    const ofA = rootOf(S3, A);
    await ofA.createBucket({ Bucket: "in-account-a" });
    await ofA.putObject({ Bucket: "in-account-a", Key: "k", Body: "v" });
    const ofB = rootOf(S3, B);
    expect((await ofB.listBuckets({})).Buckets).toEqual([]);
    await expect(ofB.createBucket({ Bucket: "in-account-a" })).rejects.toThrow(
      expect.objectContaining({ name: "BucketAlreadyExists" }),
    );
    await expect(ofB.getObject({ Bucket: "in-account-a", Key: "k" })).rejects.toThrow(
      expect.objectContaining({ name: "AccessDenied", message: "Access Denied" }),
    );
  });

  it("log in to their own repositories", async () => {
    await rootOf(ECR, A).createRepository({ repositoryName: "images" });
    const tags = async (account: string): Promise<number> => {
      const { authorizationData } = await rootOf(ECR, account).getAuthorizationToken({});
      const authorization = `Basic ${authorizationData?.[0]?.authorizationToken}`;
      const path = `/v2/${A}.dkr.ecr.us-east-1.amazonaws.com/images/tags/list`;
      return (await fetch(kiln.url + path, { headers: { authorization } })).status;
    };
    expect(await tags(A)).toBe(200);
    expect(await tags(B)).toBe(403);
  });
});

it("opens a repository to another account by its policy, for the API and for docker", async () => {
  const [repositoryName, action] = ["shared", "ecr:DescribeImages"];
  const ecr = rootOf(ECR, A);
  await ecr.createRepository({ repositoryName });
  const theirs = rootOf(ECR, B);
  const describeImages = () => theirs.describeImages({ registryId: A, repositoryName });
  const { authorizationData } = await theirs.getAuthorizationToken({});
  const headers = { authorization: `Basic ${authorizationData?.[0]?.authorizationToken}` };
  const manifest = async () => {
    const path = `/v2/${A}.dkr.ecr.us-east-1.amazonaws.com/${repositoryName}/manifests/latest`;
    const answer = await fetch(kiln.url + path, { headers });
    const [error] = ((await answer.json()) as { errors: { code: string; message: string }[] }).errors;
    return [answer.status, error?.code, error?.message];
  };
  const refusal = (of: string) =>
    `User: arn:aws:iam::${B}:root is not authorized to perform: ${of} on resource: arn:aws:ecr:us-east-1:${A}:repository/shared because no resource-based policy allows the ${of} action`;
  await expect(describeImages()).rejects.toThrow(
    expect.objectContaining({ name: "AccessDeniedException", message: refusal(action) }),
  );
  expect(await manifest()).toEqual([403, "DENIED", refusal("ecr:BatchGetImage")]);
  const Statement = [
    { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${B}:root` }, Action: [action, "ecr:BatchGetImage"] },
  ];
  await ecr.setRepositoryPolicy({ repositoryName, policyText: JSON.stringify({ Version: "2012-10-17", Statement }) });
  expect((await describeImages()).imageDetails).toEqual([]);
  expect((await manifest())[0]).toBe(404);
});

it("keeps regions apart", async () => {
  const [ohio, ireland] = ["us-east-2", "eu-west-1"].map((region) => rootOf(SSM, A, { region }));
  await ohio?.putParameter({ Name: "here", Type: "String", Value: "ohio" });
  await expect(ireland?.getParameter({ Name: "here" })).rejects.toThrow(
    expect.objectContaining({ name: "ParameterNotFound" }),
  );
  const Name = `arn:aws:ssm:us-east-2:${A}:parameter/here`;
  expect((await ohio?.getParameter({ Name }))?.Parameter?.Value).toBe("ohio");
  await expect(ireland?.getParameter({ Name })).rejects.toThrow(expect.objectContaining({ name: "ParameterNotFound" }));
});

it("opens other accounts with the replaced root key's secret only", async () => {
  const other = await startKiln({
    ...{ memory: true, port: 0, rootKey: { accessKeyId: "AKIAROOT", secretAccessKey: "replaced-secret" } },
  });
  try {
    const { url } = other;
    const withSecret = (secretAccessKey: string) => rootOf(STS, B, { url, secretAccessKey }).getCallerIdentity({});
    expect((await withSecret("replaced-secret")).Account).toBe(B);
    await expect(withSecret("test")).rejects.toThrow(expect.objectContaining({ name: "SignatureDoesNotMatch" }));
    const old = rootOf(STS, "test", { url }).getCallerIdentity({});
    await expect(old).rejects.toThrow(expect.objectContaining({ name: "InvalidClientTokenId" }));
    const s3 = rootOf(S3, B, { url }).listBuckets({});
    await expect(s3).rejects.toThrow(expect.objectContaining({ name: "SignatureDoesNotMatch" }));
  } finally {
    await other.close();
  }
});
