/** One Kiln for the file, as good as new for each test. */
import { ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { startKiln } from "kiln";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { databaseUrl, discount } from "./shop.js";

let kiln;
let ssm;

beforeAll(async () => {
  kiln = await startKiln({ memory: true });
  ssm = new SSMClient(kiln.clientConfig());
});
beforeEach(() => kiln.reset());
afterAll(async () => {
  ssm.destroy();
  await kiln.close();
});

const put = (Name, Value, more) => ssm.send(new PutParameterCommand({ Name, Value, Type: "String", ...more }));

/** Options of a client that acts as a role with these permissions. */
async function asRole(RoleName, ...permissions) {
  const policy = (...Statement) => JSON.stringify({ Version: "2012-10-17", Statement });
  const trust = { Effect: "Allow", Principal: { AWS: kiln.scope.accountId }, Action: "sts:AssumeRole" };
  const iam = (operation, input) => kiln.root.call("iam", operation, { RoleName, ...input });
  const { Role } = await iam("CreateRole", { AssumeRolePolicyDocument: policy(trust) });
  await iam("PutRolePolicy", { PolicyName: "permissions", PolicyDocument: policy(...permissions) });
  const session = { RoleArn: Role.Arn, RoleSessionName: "test" };
  const { Credentials } = await kiln.root.call("sts", "AssumeRole", session);
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = Credentials;
  return { ...kiln.clientConfig(), credentials: { accessKeyId, secretAccessKey, sessionToken } };
}

test("reads the secret", async () => {
  await put("/shop/database-url", "postgres://shop:s3cret@db/shop", { Type: "SecureString" });
  expect(await databaseUrl(ssm)).toBe("postgres://shop:s3cret@db/shop");
});

test("tells when it is not there", async () => {
  await expect(databaseUrl(ssm)).rejects.toThrow(ParameterNotFound);
});

test("survives throttling", async () => {
  await put("/shop/database-url", "postgres://db");
  await kiln.faults.inject({ service: "ssm", operation: "GetParameter", kind: "throttle", times: 2 });
  expect(await databaseUrl(ssm)).toBe("postgres://db");
  expect(await kiln.faults.list()).toMatchObject([{ hits: 2 }]);
});

test("the discount ends with the offer", async () => {
  const Timestamp = new Date(Date.now() + 30 * 86_400_000).toISOString();
  const Policies = JSON.stringify([{ Type: "Expiration", Version: "1.0", Attributes: { Timestamp } }]);
  await put("/shop/discount", "20", { Tier: "Advanced", Policies });
  expect(await discount(ssm)).toBe(20);
  await kiln.advance("31d");
  expect(await discount(ssm)).toBe(0);
});

test("a role reads what its policy allows, and nothing else", async () => {
  await put("/shop/database-url", "postgres://db");
  const Resource = "arn:aws:ssm:*:*:parameter/shop/discount";
  const worker = new SSMClient(await asRole("worker", { Effect: "Allow", Action: "ssm:GetParameter", Resource }));
  await expect(databaseUrl(worker)).rejects.toMatchObject({ name: "AccessDeniedException" });
  expect(await discount(worker)).toBe(0);
  worker.destroy();
});
