/** Who may do what in S3, over HTTP: identity and bucket policies, other accounts, missing keys, KMS keys. */
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let root: S3Client;
let bucket: string;
let number = 0;
const clients: S3Client[] = [];

beforeAll(async () => {
  kiln = await startEndpoint();
  root = new S3Client(clientSettings(kiln.url));
  clients.push(root);
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await kiln.close();
});

beforeEach(async () => {
  bucket = `access-${++number}`;
  await root.send(new CreateBucketCommand({ Bucket: bucket }));
  await root.send(new PutObjectCommand({ Bucket: bucket, Key: "k", Body: "text" }));
});

/** A client of a user `user-<n>` with these statements. */
async function user(...Statement: object[]): Promise<S3Client> {
  const UserName = `user-${number}`;
  await kiln.root.call("iam", "CreateUser", { UserName });
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  if (Statement.length > 0) await kiln.root.call("iam", "PutUserPolicy", { UserName, PolicyName: "p", PolicyDocument });
  const { AccessKey } = await kiln.root.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    "iam",
    "CreateAccessKey",
    { UserName },
  );
  const credentials = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
  const client = new S3Client(clientSettings(kiln.url, credentials));
  clients.push(client);
  return client;
}

const allow = (Action: string | string[], Resource: string | string[], more: object = {}) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...more,
});
const setPolicy = (...Statement: object[]) =>
  root.send(
    new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) }),
  );
const failure = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "the call succeeded",
    (error: Error & { $metadata: { httpStatusCode: number } }) =>
      `${error.$metadata?.httpStatusCode} ${error.name}: ${error.message}`,
  );
const get = (client: S3Client, Key = "k") => client.send(new GetObjectCommand({ Bucket: bucket, Key }));

it("denies with the resource in double quotes", async () => {
  const client = await user();
  expect(await failure(get(client))).toBe(
    `403 AccessDenied: User: arn:aws:iam::000000000000:user/user-${number} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::${bucket}/k" because no identity-based policy allows the s3:GetObject action`,
  );
});

it("tells of a missing key only those who may list the bucket", async () => {
  const client = await user(allow("s3:GetObject", `arn:aws:s3:::${bucket}/*`));
  expect(await failure(get(client, "nix"))).toBe(
    `403 AccessDenied: User: arn:aws:iam::000000000000:user/user-${number} is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::${bucket}" because no identity-based policy allows the s3:ListBucket action`,
  );
  expect(await failure(client.send(new HeadObjectCommand({ Bucket: bucket, Key: "nix" })))).toMatch(/^403 /);
  await setPolicy({ ...allow("s3:ListBucket", `arn:aws:s3:::${bucket}`), Principal: { AWS: "*" } });
  expect(await failure(get(client, "nix"))).toBe("404 NoSuchKey: The specified key does not exist.");
});

it("decides listings by prefix", async () => {
  const client = await user(
    allow("s3:ListBucket", `arn:aws:s3:::${bucket}`, { Condition: { StringLike: { "s3:prefix": "home/*" } } }),
  );
  const list = (Prefix?: string) =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, ...(Prefix && { Prefix }) }));
  await list("home/me/");
  expect(await failure(list())).toMatch(/^403 AccessDenied: .* s3:ListBucket on resource: "arn:aws:s3:::/);
  expect(await failure(list("other/"))).toMatch(/^403 AccessDenied/);
});

it("lets a bucket policy allow and deny", async () => {
  const client = await user();
  const Principal = { AWS: `arn:aws:iam::000000000000:user/user-${number}` };
  await setPolicy({ ...allow("s3:GetObject", `arn:aws:s3:::${bucket}/*`), Principal });
  expect(await (await get(client)).Body?.transformToString()).toBe("text");
  await setPolicy({
    Effect: "Deny",
    Principal: "*",
    Action: "s3:PutObject",
    Resource: `arn:aws:s3:::${bucket}/*`,
    Condition: { StringNotEquals: { "s3:x-amz-server-side-encryption": "aws:kms" } },
  });
  const put = (more: object) => root.send(new PutObjectCommand({ Bucket: bucket, Key: "k", Body: "new", ...more }));
  expect(await failure(put({}))).toBe(
    `403 AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::${bucket}/k" with an explicit deny in a resource-based policy`,
  );
  await put({ ServerSideEncryption: "aws:kms" });
});

it("lets another account in only with the bucket's consent", async () => {
  const accountId = "999988887777";
  const scope = { ...kiln.scope, accountId };
  const arn = `arn:aws:iam::${accountId}:root`;
  const stranger = kiln.dispatcher.callerFor({ type: "Root", arn, accountId, userId: accountId }, scope);
  const read = () => stranger.call<{ ETag: string }>("s3", "HeadObject", { Bucket: bucket, Key: "k" });
  await expect(read()).rejects.toThrow("Access Denied");
  await setPolicy({ ...allow("s3:GetObject", `arn:aws:s3:::${bucket}/*`), Principal: { AWS: accountId } });
  expect((await read()).ETag).toBe('"1cb251ec0d568de6a929b520c4aed8d1"');
  await expect(stranger.call("s3", "CreateBucket", { Bucket: bucket })).rejects.toThrow(
    "The requested bucket name is not available.",
  );
});

it("decides each key of DeleteObjects by itself", async () => {
  const client = await user(allow("s3:DeleteObject", `arn:aws:s3:::${bucket}/mine/*`));
  const answer = await client.send(
    new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: "mine/a" }, { Key: "k" }] } }),
  );
  expect(answer.Deleted).toEqual([{ Key: "mine/a" }]);
  expect(answer.Errors).toEqual([
    {
      Key: "k",
      Code: "AccessDenied",
      Message: `User: arn:aws:iam::000000000000:user/user-${number} is not authorized to perform: s3:DeleteObject on resource: "arn:aws:s3:::${bucket}/k" because no identity-based policy allows the s3:DeleteObject action`,
    },
  ]);
  expect(await (await get(root)).Body?.transformToString()).toBe("text");
});

it("lets KMS decide on objects under its keys", async () => {
  const { KeyMetadata } = await kiln.root.call<{ KeyMetadata: { Arn: string; KeyId: string } }>("kms", "CreateKey", {});
  const { Arn, KeyId } = KeyMetadata;
  const client = await user(allow("s3:*", [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]));
  const put = (who: S3Client, more: object = {}) =>
    who.send(
      new PutObjectCommand({ Bucket: bucket, Key: "secret", Body: "text", ServerSideEncryption: "aws:kms", ...more }),
    );
  const stored = await put(root, { SSEKMSKeyId: KeyId });
  expect([stored.ServerSideEncryption, stored.SSEKMSKeyId]).toEqual(["aws:kms", Arn]);
  expect(stored.ETag).not.toBe('"1cb251ec0d568de6a929b520c4aed8d1"');
  expect(await failure(get(client, "secret"))).toBe(
    `403 AccessDenied: User: arn:aws:iam::000000000000:user/user-${number} is not authorized to perform: kms:Decrypt on resource: ${Arn} because no identity-based policy allows the kms:Decrypt action`,
  );
  expect(await failure(put(client, { SSEKMSKeyId: KeyId }))).toMatch(
    /^403 AccessDenied: .* is not authorized to perform: kms:GenerateDataKey on resource: /,
  );
  const document = {
    Version: "2012-10-17",
    Statement: [
      allow("kms:*", "*", { Principal: { AWS: "arn:aws:iam::000000000000:root" } }),
      allow(["kms:Decrypt", "kms:GenerateDataKey"], "*", {
        Principal: { AWS: `arn:aws:iam::000000000000:user/user-${number}` },
        Condition: {
          StringEquals: {
            "kms:ViaService": "s3.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": `arn:aws:s3:::${bucket}/secret`,
          },
        },
      }),
    ],
  };
  await kiln.root.call("kms", "PutKeyPolicy", { KeyId, PolicyName: "default", Policy: JSON.stringify(document) });
  expect(await (await get(client, "secret")).Body?.transformToString()).toBe("text");
  await put(client, { SSEKMSKeyId: Arn });
  // The AWS managed key is open to everybody in the account, through S3 alone.
  await put(client);
  expect(await (await get(client, "secret")).Body?.transformToString()).toBe("text");
  expect(await failure(put(root, { SSEKMSKeyId: "fake-key-id" }))).toBe(
    "400 KMS.NotFoundException: Invalid keyId 'fake-key-id'",
  );
  await put(root, { SSEKMSKeyId: KeyId });
  await kiln.root.call("kms", "DisableKey", { KeyId });
  expect(await failure(get(root, "secret"))).toBe(`400 KMS.DisabledException: ${Arn} is disabled.`);
});
