/** What falls due when the clock is moved: policies, deletions, sessions, retention; and what a move leaves alone. */
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { ECR } from "@aws-sdk/client-ecr";
import { KMS } from "@aws-sdk/client-kms";
import { S3 } from "@aws-sdk/client-s3";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { SSM } from "@aws-sdk/client-ssm";
import { STS } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { HOUR_MS } from "../../src/core/clock.ts";
import { allowTo, documentText } from "../support/policy-documents.ts";
import { suiteKiln } from "../support/suite-kiln.ts";

const suite = suiteKiln();
const { client } = suite;

test("a parameter with an Expiration policy is gone once its moment is", async () => {
  const ssm = client(SSM);
  const Policies = JSON.stringify([
    {
      Type: "Expiration",
      Version: "1.0",
      Attributes: { Timestamp: new Date(Date.now() + 48 * HOUR_MS).toISOString() },
    },
  ]);
  await ssm.putParameter({ Name: "/a", Value: "v", Type: "String", Tier: "Advanced", Policies });
  await suite.kiln.advance("47h");
  expect((await ssm.getParameter({ Name: "/a" })).Parameter?.Value).toBe("v");
  await suite.kiln.advance("2h");
  await expect(ssm.getParameter({ Name: "/a" })).rejects.toMatchObject({ name: "ParameterNotFound" });
});

test("a key that waits for its deletion is deleted after its days", async () => {
  const kms = client(KMS);
  const { KeyMetadata } = await kms.createKey({});
  const KeyId = KeyMetadata?.KeyId as string;
  await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
  await suite.kiln.advance("P6D");
  expect((await kms.describeKey({ KeyId })).KeyMetadata?.KeyState).toBe("PendingDeletion");
  await suite.kiln.advance("P1DT1H");
  await expect(kms.describeKey({ KeyId })).rejects.toMatchObject({ name: "NotFoundException" });
});

test("a secret that was deleted can be restored until its window is over", async () => {
  const secrets = client(SecretsManager);
  await secrets.createSecret({ Name: "s", SecretString: "v" });
  await secrets.deleteSecret({ SecretId: "s", RecoveryWindowInDays: 7 });
  await suite.kiln.advance("6d");
  await secrets.restoreSecret({ SecretId: "s" });
  await secrets.deleteSecret({ SecretId: "s", RecoveryWindowInDays: 7 });
  await suite.kiln.advance("7d1m");
  await expect(secrets.describeSecret({ SecretId: "s" })).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("a session of a role is over after its time, and a new one is good, for every kind of signature", async () => {
  const trust = documentText(allowTo({ AWS: "arn:aws:iam::000000000000:root" }, "sts:AssumeRole"));
  const { Role } = await suite.kiln.root.call<{ Role: { Arn: string } }>("iam", "CreateRole", {
    ...{ RoleName: "r", AssumeRolePolicyDocument: trust },
  });
  const sts = client(STS);
  const assume = async () => {
    const { Credentials } = await sts.assumeRole({
      RoleArn: Role.Arn,
      RoleSessionName: "session",
      DurationSeconds: 900,
    });
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    return { credentials, Expiration };
  };
  const first = await assume();
  const asRole = client(STS, first);
  const onS3 = client(S3, first);
  await asRole.getCallerIdentity({});
  await suite.kiln.advance("20m");
  await expect(asRole.getCallerIdentity({})).rejects.toMatchObject({ name: "ExpiredToken" });
  await expect(onS3.listBuckets({})).rejects.toMatchObject({ name: "ExpiredToken" });
  const second = await assume();
  expect(second.Expiration?.getTime()).toBeGreaterThan(Date.now() + 34 * 60_000);
  expect((await client(STS, second).getCallerIdentity({})).Arn).toContain(":assumed-role/r/session");
});

test("log events pass away with their retention, and what is written has the moved time", async () => {
  const logs = client(CloudWatchLogs);
  const [logGroupName, logStreamName] = ["g", "s"];
  await logs.createLogGroup({ logGroupName });
  await logs.createLogStream({ logGroupName, logStreamName });
  await logs.putRetentionPolicy({ logGroupName, retentionInDays: 1 });
  await logs.putLogEvents({ logGroupName, logStreamName, logEvents: [{ timestamp: Date.now(), message: "old" }] });
  const { now } = await suite.kiln.advance("3d");
  const timestamp = Date.parse(now);
  await logs.putLogEvents({ logGroupName, logStreamName, logEvents: [{ timestamp, message: "new" }] });
  const { events } = await logs.getLogEvents({ logGroupName, logStreamName, startFromHead: true });
  expect(events?.map(({ message }) => message)).toEqual(["new"]);
  await logs.createLogGroup({ logGroupName: "later" });
  const { logGroups } = await logs.describeLogGroups({ logGroupNamePrefix: "later" });
  expect(logGroups?.[0]?.creationTime).toBeGreaterThanOrEqual(timestamp);
});

test("a login of the registry expires", async () => {
  const ecr = client(ECR);
  const { authorizationData } = await ecr.getAuthorizationToken({});
  const Authorization = `Basic ${authorizationData?.[0]?.authorizationToken}`;
  const status = async () =>
    (
      await fetch(`${suite.kiln.url}/v2/`, {
        headers: { Authorization, Host: "000000000000.dkr.ecr.us-east-1.amazonaws.com" },
      })
    ).status;
  const before = await status();
  await suite.kiln.advance("13h");
  expect(await status()).not.toBe(before);
});

test("signatures go by the real time: an hour ahead nobody is refused, a century neither", async () => {
  const ssm = client(SSM);
  await suite.kiln.advance("1h");
  await ssm.describeParameters({});
  const { offsetMs } = await suite.kiln.moveTo("2126-01-01T00:00:00Z");
  expect(offsetMs).toBeGreaterThan(90 * 365 * 24 * HOUR_MS);
  await ssm.putParameter({ Name: "/later", Value: "v", Type: "String" });
  const { Parameter } = await ssm.getParameter({ Name: "/later" });
  expect(Parameter?.LastModifiedDate?.getUTCFullYear()).toBe(2126);
  await expect(suite.kiln.moveTo("2030-01-01T00:00:00Z")).rejects.toThrow(
    /^the clock goes forward only: it is 2126-01-01T/,
  );
});
