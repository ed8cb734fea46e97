/** Buckets, repositories, projects and report groups that another account reaches for, over HTTP. */
import { CodeBuild } from "@aws-sdk/client-codebuild";
import { ECR } from "@aws-sdk/client-ecr";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CODEBUILD_TRUST, documentText } from "../support/policy-documents.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const THEIRS = "444455556666";
const USER = `arn:aws:iam::${THEIRS}:user/dev`;
/** AWS: the default key of an account is named by its id here. */
const THEIR_ROOT = { accessKeyId: THEIRS, secretAccessKey: "test" };
const PROJECT = `arn:aws:codebuild:us-east-1:${ACCOUNT}:project/shared`;
const GROUP = `arn:aws:codebuild:us-east-1:${ACCOUNT}:report-group/shared`;

interface Client {
  destroy(): void;
}
let kiln: StartedEndpoint;
const clients: Client[] = [];
const keep = <C extends Client>(client: C): C => {
  clients.push(client);
  return client;
};
type Keys = typeof THEIR_ROOT;
const connect = (keys?: Keys) => {
  const settings = clientSettings(kiln.url, keys);
  return {
    iam: keep(new IAM(settings)),
    s3: keep(new S3({ ...settings, forcePathStyle: true })),
    ecr: keep(new ECR(settings)),
    codebuild: keep(new CodeBuild(settings)),
  };
};
let mine: ReturnType<typeof connect>;
let theirRoot: ReturnType<typeof connect>;
let theirUser: ReturnType<typeof connect>;

/** What the user of the other account may do by its own policies. */
const userMay = (...statements: object[]) =>
  theirRoot.iam.putUserPolicy({ UserName: "dev", PolicyName: "p", PolicyDocument: documentText(...statements) });
const nothing = { Effect: "Allow", Action: "sts:GetCallerIdentity", Resource: "*" };
const anything = { Effect: "Allow", Action: "*", Resource: "*" };

beforeAll(async () => {
  kiln = await startEndpoint();
  mine = connect();
  theirRoot = connect(THEIR_ROOT);
  await theirRoot.iam.createUser({ UserName: "dev" });
  const { AccessKey } = await theirRoot.iam.createAccessKey({ UserName: "dev" });
  theirUser = connect({
    accessKeyId: AccessKey?.AccessKeyId ?? "",
    secretAccessKey: AccessKey?.SecretAccessKey ?? "",
  });
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await kiln.close();
});

describe("a bucket", () => {
  const Bucket = "mine";
  const policy = (...statements: object[]) => mine.s3.putBucketPolicy({ Bucket, Policy: documentText(...statements) });
  const get = () => theirUser.s3.getObject({ Bucket, Key: "k" });
  const to = (AWS: string, Action: string, more: object = {}) => ({
    ...{ Effect: "Allow", Principal: { AWS }, Action, Resource: `arn:aws:s3:::${Bucket}/*`, ...more },
  });
  beforeAll(async () => {
    await mine.s3.createBucket({ Bucket });
    await mine.s3.putObject({ Bucket, Key: "k", Body: "text" });
  });

  it("says no more than Access Denied to another account, whoever of it asks", async () => {
    await userMay(anything);
    for (const client of [theirUser, theirRoot]) {
      const denied = { name: "AccessDenied", message: "Access Denied", $metadata: { httpStatusCode: 403 } };
      await expect(client.s3.getObject({ Bucket, Key: "k" })).rejects.toMatchObject(denied);
      await expect(client.s3.listObjectsV2({ Bucket })).rejects.toMatchObject(denied);
      const { Errors } = await client.s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "k" }] } });
      expect(Errors).toEqual([{ Key: "k", Code: "AccessDenied", Message: "Access Denied" }]);
    }
    expect((await fetch(`${kiln.url}/${Bucket}/k`)).status).toBe(403);
  });

  it("is open where its policy and the user's own both allow", async () => {
    await policy(to(THEIRS, "s3:GetObject"));
    expect(await (await get()).Body?.transformToString()).toBe("text");
    await userMay(nothing);
    await expect(get()).rejects.toMatchObject({ message: "Access Denied" });
    await userMay({ ...anything, Action: "s3:GetObject" });
    await policy(to(`arn:aws:iam::${THEIRS}:user/somebody`, "s3:GetObject"));
    await expect(get()).rejects.toMatchObject({ message: "Access Denied" });
    await policy(to(USER, "s3:GetObject"));
    expect(await (await get()).Body?.transformToString()).toBe("text");
    await policy(to("*", "s3:GetObject", { Condition: { StringEquals: { "aws:PrincipalAccount": ACCOUNT } } }));
    await expect(get()).rejects.toMatchObject({ message: "Access Denied" });
    await policy(to("*", "s3:GetObject", { Condition: { StringEquals: { "s3:ResourceAccount": ACCOUNT } } }));
    await get();
    await userMay({ ...anything, Condition: { StringEquals: { "aws:ResourceAccount": THEIRS } } });
    await expect(get()).rejects.toMatchObject({ message: "Access Denied" });
  });

  it("owns what others put into it", async () => {
    await userMay(anything);
    await policy(to(USER, "s3:PutObject"));
    await theirUser.s3.putObject({ Bucket, Key: "theirs", Body: "gift" });
    expect(await (await mine.s3.getObject({ Bucket, Key: "theirs" })).Body?.transformToString()).toBe("gift");
    const { Contents } = await mine.s3.listObjectsV2({ Bucket, FetchOwner: true });
    const { Owner } = await mine.s3.listBuckets({});
    expect(new Set(Contents?.map((object) => object.Owner?.ID))).toEqual(new Set([Owner?.ID]));
    await expect(theirUser.s3.getObject({ Bucket, Key: "theirs" })).rejects.toMatchObject({ message: "Access Denied" });
  });

  it("keeps its policy for its own account, whose root no policy locks out", async () => {
    await userMay(anything);
    const open = { ...to(THEIRS, "s3:*"), Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`] };
    await policy(open);
    const refused = { name: "MethodNotAllowed", $metadata: { httpStatusCode: 405 } };
    await expect(theirUser.s3.getBucketPolicy({ Bucket })).rejects.toMatchObject(refused);
    await expect(theirUser.s3.deleteBucketPolicy({ Bucket })).rejects.toMatchObject(refused);
    await expect(theirUser.s3.putBucketPolicy({ Bucket, Policy: documentText(open) })).rejects.toMatchObject(refused);
    await policy({ ...open, Effect: "Deny", Principal: "*" });
    await expect(mine.s3.listObjectsV2({ Bucket })).rejects.toMatchObject({ name: "AccessDenied" });
    expect((await mine.s3.getBucketPolicy({ Bucket })).Policy).toContain("Deny");
    await mine.s3.deleteBucketPolicy({ Bucket });
    await mine.s3.listObjectsV2({ Bucket });
  });

  it("is not the expected one when its owner is another", async () => {
    const asked = theirUser.s3.putObject({ Bucket, Key: "x", Body: "x", ExpectedBucketOwner: THEIRS });
    await expect(asked).rejects.toMatchObject({ name: "AccessDenied", message: "Access Denied" });
    await expect(theirUser.s3.createBucket({ Bucket })).rejects.toMatchObject({ name: "BucketAlreadyExists" });
    expect((await theirRoot.s3.listBuckets({})).Buckets ?? []).toEqual([]);
  });
});

describe("the reasons that S3 gives its own account", () => {
  it("quote the resource, and name none where there is none", async () => {
    await userMay(nothing);
    await theirRoot.s3.createBucket({ Bucket: "theirs" });
    await expect(theirUser.s3.putObject({ Bucket: "theirs", Key: "k", Body: "" })).rejects.toMatchObject({
      message: `User: ${USER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::theirs/k" because no identity-based policy allows the s3:PutObject action`,
    });
    await expect(theirUser.s3.listBuckets({})).rejects.toMatchObject({
      message: `User: ${USER} is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets action`,
    });
    const Policy = documentText({
      ...{ Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::theirs/*" },
    });
    await theirRoot.s3.putBucketPolicy({ Bucket: "theirs", Policy });
    await expect(theirUser.s3.getObject({ Bucket: "theirs", Key: "k" })).rejects.toMatchObject({
      message: `User: ${USER} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::theirs/k" with an explicit deny in a resource-based policy`,
    });
    await expect(theirRoot.s3.getObject({ Bucket: "theirs", Key: "k" })).rejects.toMatchObject({
      message: `User: arn:aws:iam::${THEIRS}:root is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::theirs/k" with an explicit deny in a resource-based policy`,
    });
  });
});

describe("a repository", () => {
  const repositoryName = "team/app";
  const arn = `arn:aws:ecr:us-east-1:${ACCOUNT}:repository/${repositoryName}`;
  const host = `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`;
  const list = () => theirUser.ecr.listImages({ registryId: ACCOUNT, repositoryName });
  const policy = (...statements: object[]) =>
    mine.ecr.setRepositoryPolicy({ repositoryName, policyText: documentText(...statements) });
  const to = (AWS: string, Action: string | string[]) => ({ Effect: "Allow", Principal: { AWS }, Action });
  beforeAll(async () => {
    await mine.ecr.createRepository({ repositoryName });
  });

  it("needs its policy and the user's own", async () => {
    const denied = (reason: string) =>
      `User: ${USER} is not authorized to perform: ecr:ListImages on resource: ${arn} because no ${reason}-based policy allows the ecr:ListImages action`;
    await userMay(anything);
    await expect(list()).rejects.toMatchObject({ name: "AccessDeniedException", message: denied("resource") });
    await policy(to(THEIRS, "ecr:ListImages"));
    expect((await list()).imageIds).toEqual([]);
    await userMay(nothing);
    await expect(list()).rejects.toMatchObject({ message: denied("identity") });
    await expect(theirRoot.ecr.deleteRepository({ registryId: ACCOUNT, repositoryName })).rejects.toMatchObject({
      message: `User: arn:aws:iam::${THEIRS}:root is not authorized to perform: ecr:DeleteRepository on resource: ${arn} because no resource-based policy allows the ecr:DeleteRepository action`,
    });
  });

  it("is in the registry of its account: the same name in another is another", async () => {
    await userMay(anything);
    await theirUser.ecr.createRepository({ repositoryName });
    const { repositories } = await theirUser.ecr.describeRepositories({});
    expect(repositories?.map(({ registryId }) => registryId)).toEqual([THEIRS]);
    await expect(theirUser.ecr.createRepository({ registryId: ACCOUNT, repositoryName: "new" })).rejects.toMatchObject({
      message: expect.stringMatching(/because no resource-based policy allows the ecr:CreateRepository action$/),
    });
  });

  it("is decided the same over docker's protocol", async () => {
    await userMay(anything);
    const { authorizationData } = await theirUser.ecr.getAuthorizationToken({});
    const headers = { authorization: `Basic ${authorizationData?.[0]?.authorizationToken}` };
    const start = () => fetch(`${kiln.url}/v2/${host}/${repositoryName}/blobs/uploads/`, { method: "POST", headers });
    await policy(to(THEIRS, "ecr:ListImages"));
    const refused = await start();
    expect([refused.status, await refused.json()]).toEqual([
      403,
      {
        errors: [
          {
            code: "DENIED",
            message: `User: ${USER} is not authorized to perform: ecr:InitiateLayerUpload on resource: ${arn} because no resource-based policy allows the ecr:InitiateLayerUpload action`,
            detail: null,
          },
        ],
      },
    ]);
    await policy(to(USER, ["ecr:InitiateLayerUpload"]));
    expect((await start()).status).toBe(202);
  });
});

describe("a shared project and report group", () => {
  beforeAll(async () => {
    const serviceRole = `arn:aws:iam::${ACCOUNT}:role/build`;
    await mine.iam.createRole({
      RoleName: "build",
      AssumeRolePolicyDocument: CODEBUILD_TRUST,
    });
    await mine.codebuild.createProject({
      ...{ name: "shared", serviceRole, artifacts: { type: "NO_ARTIFACTS" } },
      source: { type: "NO_SOURCE", buildspec: "version: 0.2\nphases: {build: {commands: ['true']}}\n" },
      environment: { type: "LINUX_CONTAINER", image: "alpine", computeType: "BUILD_GENERAL1_SMALL" },
    });
    await mine.codebuild.createReportGroup({
      ...{ name: "shared", type: "TEST", exportConfig: { exportConfigType: "NO_EXPORT" } },
    });
  });
  const share = (resourceArn: string, Action: string, AWS: string) =>
    mine.codebuild.putResourcePolicy({
      resourceArn,
      policy: documentText({ Effect: "Allow", Principal: { AWS }, Action, Resource: resourceArn }),
    });
  const getProject = () => theirUser.codebuild.batchGetProjects({ names: [PROJECT] });
  const getGroup = () => theirUser.codebuild.batchGetReportGroups({ reportGroupArns: [GROUP] });

  it("are seen where both accounts allow it", async () => {
    await userMay(anything);
    await expect(getProject()).rejects.toMatchObject({
      name: "AccessDeniedException",
      message: `User: ${USER} is not authorized to perform: codebuild:BatchGetProjects on resource: ${PROJECT} because no resource-based policy allows the codebuild:BatchGetProjects action`,
    });
    await share(PROJECT, "codebuild:BatchGetProjects", THEIRS);
    await share(GROUP, "codebuild:BatchGetReportGroups", USER);
    expect((await getProject()).projects?.[0]?.name).toBe("shared");
    expect((await getGroup()).reportGroups?.[0]?.arn).toBe(GROUP);
    expect((await theirUser.codebuild.listSharedProjects({})).projects).toEqual([PROJECT]);
    await userMay({ ...anything, Action: "codebuild:List*" });
    await expect(getProject()).rejects.toMatchObject({
      message: expect.stringMatching(/because no identity-based policy allows the codebuild:BatchGetProjects action$/),
    });
    await userMay(anything);
    await expect(theirUser.codebuild.startBuild({ projectName: PROJECT })).rejects.toMatchObject({
      name: "AccessDeniedException",
      message: expect.stringMatching(/because no resource-based policy allows the codebuild:StartBuild action$/),
    });
  });

  it("are not seen any more when the share is gone", async () => {
    await mine.codebuild.deleteResourcePolicy({ resourceArn: PROJECT });
    await expect(getProject()).rejects.toMatchObject({ name: "AccessDeniedException" });
    expect((await theirUser.codebuild.listSharedProjects({})).projects).toEqual([]);
  });
});
