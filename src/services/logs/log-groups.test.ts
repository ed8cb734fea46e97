/** What log groups have besides events: class, protection, KMS key, searches. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { logs } from "./index.ts";
import type { DescribeLogGroupsResponse, GetLogEventsResponse } from "./shapes.gen.ts";

let services: ServicesFixture;
const group = { logGroupName: "/app" };
const stream = { ...group, logStreamName: "s" };
const GROUP_ARN = "arn:aws:logs:us-east-1:000000000000:log-group:/app";

beforeEach(async () => {
  services = await openServices([logs, kms]);
});
afterEach(() => services.close());

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("logs", operation, input);

async function described(input: object = {}) {
  const { logGroups = [] } = await call<DescribeLogGroupsResponse>("DescribeLogGroups", input);
  return logGroups;
}

async function put(message: string): Promise<void> {
  await call("CreateLogStream", stream).catch(() => undefined);
  await call("PutLogEvents", { ...stream, logEvents: [{ timestamp: services.clock.nowMs(), message }] });
}

async function messages(): Promise<(string | undefined)[]> {
  const { events = [] } = await call<GetLogEventsResponse>("GetLogEvents", stream);
  return events.map((event) => event.message);
}

describe("deletion protection", () => {
  it("keeps a group until it is switched off, by name or ARN", async () => {
    await call("CreateLogGroup", { ...group, deletionProtectionEnabled: true });
    expect((await described())[0]).toMatchObject({ deletionProtectionEnabled: true });
    await expect(call("DeleteLogGroup", group)).rejects.toMatchObject({
      code: "ValidationException",
      message:
        "Log group /app cannot be deleted because deletion protection is enabled. Disable deletion protection and try again.",
    });
    const off = { logGroupIdentifier: GROUP_ARN, deletionProtectionEnabled: false };
    expect(await call("PutLogGroupDeletionProtection", off)).toEqual({});
    expect((await described())[0]).toMatchObject({ deletionProtectionEnabled: false });
    await call("PutLogGroupDeletionProtection", { logGroupIdentifier: "/app", deletionProtectionEnabled: true });
    expect((await described())[0]).toMatchObject({ deletionProtectionEnabled: true });
    await call("PutLogGroupDeletionProtection", off);
    await call("DeleteLogGroup", group);
    expect(await described()).toEqual([]);
  });

  it("asks for a group that is there", async () => {
    const input = { logGroupIdentifier: "/none", deletionProtectionEnabled: true };
    await expect(call("PutLogGroupDeletionProtection", input)).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: "The specified log group does not exist.",
    });
  });
});

describe("the class INFREQUENT_ACCESS", () => {
  beforeEach(() => call("CreateLogGroup", { ...group, logGroupClass: "INFREQUENT_ACCESS" }));

  it("is described and searched for", async () => {
    await call("CreateLogGroup", { logGroupName: "/other" });
    expect((await described()).map((found) => found.logGroupClass)).toEqual(["INFREQUENT_ACCESS", "STANDARD"]);
    expect(await described({ logGroupClass: "INFREQUENT_ACCESS" })).toHaveLength(1);
    expect(await described({ logGroupClass: "STANDARD" })).toHaveLength(1);
    expect(await described({ logGroupClass: "DELIVERY" })).toHaveLength(0);
  });

  it("takes events, which only Insights would show", async () => {
    await put("a");
    const refusal = {
      code: "ValidationException",
      message: "This operation is only supported on the Standard log class.",
    };
    await expect(messages()).rejects.toMatchObject(refusal);
    await expect(call("FilterLogEvents", group)).rejects.toMatchObject(refusal);
    await expect(call("StartLiveTail", { logGroupIdentifiers: [GROUP_ARN] })).rejects.toMatchObject({
      code: "InvalidOperationException",
      message: refusal.message,
    });
  });
});

describe("searches for groups", () => {
  beforeEach(async () => {
    for (const logGroupName of ["/a", "/b/a", "/c"]) await call("CreateLogGroup", { logGroupName });
  });

  it("go by identifiers, names or ARNs", async () => {
    const logGroupIdentifiers = ["/c", "arn:aws:logs:us-east-1:000000000000:log-group:/a", "/none"];
    expect((await described({ logGroupIdentifiers })).map((found) => found.logGroupName)).toEqual(["/a", "/c"]);
    await expect(described({ logGroupIdentifiers, logGroupNamePrefix: "/" })).rejects.toMatchObject({
      code: "InvalidParameterException",
      message: "LogGroup identifiers and other filters are mutually exclusive parameters.",
    });
  });

  it("go by a part of the name, and then tell less", async () => {
    expect(await described({ logGroupNamePattern: "a" })).toEqual(
      ["/a", "/b/a"].map((logGroupName) => ({
        logGroupName,
        creationTime: services.clock.nowMs(),
        metricFilterCount: 0,
        arn: `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}:*`,
        logGroupClass: "STANDARD",
        logGroupArn: `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}`,
      })),
    );
    await expect(described({ logGroupNamePattern: "a", logGroupNamePrefix: "a" })).rejects.toMatchObject({
      code: "InvalidParameterException",
      message: "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    });
  });
});

describe("a KMS key", () => {
  const logsMayUse = (groupArn = GROUP_ARN) => ({
    Effect: "Allow",
    Principal: { Service: "logs.us-east-1.amazonaws.com" },
    Action: ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    Resource: "*",
    Condition: { ArnEquals: { "kms:EncryptionContext:aws:logs:arn": groupArn } },
  });
  const rootMayDoAll = {
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::000000000000:root" },
    Action: "kms:*",
    Resource: "*",
  };

  async function makeKey(...statements: object[]): Promise<string> {
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [rootMayDoAll, ...statements] });
    const { KeyMetadata } = await services.root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", { Policy });
    return KeyMetadata.Arn;
  }

  const refused = {
    code: "AccessDeniedException",
    message: `The specified KMS key does not exist or is not allowed to be used with Arn '${GROUP_ARN}'`,
  };
  const notFound = {
    code: "InvalidParameterException",
    message: "The specified KMS Key Id could not be found. '/app'",
  };

  it("encrypts what is stored, and gives it back to readers", async () => {
    const kmsKeyId = await makeKey(logsMayUse());
    await call("CreateLogGroup", { ...group, kmsKeyId });
    expect((await described())[0]).toMatchObject({ kmsKeyId });
    for (const message of ["secret one", "secret two"]) await put(message);
    expect(await messages()).toEqual(["secret one", "secret two"]);
    const { events } = await call<GetLogEventsResponse>("FilterLogEvents", { ...group, filterPattern: "two" });
    expect(events).toHaveLength(1);
    const stored = JSON.stringify(
      ["log-chunks", "log-data-keys"].map((name) => services.store.collection(name).list([])),
    );
    expect(stored).not.toContain("secret");
    expect(stored).toContain("sealed");
  });

  it("must exist, be named by its ARN and let Logs use it for this group", async () => {
    const create = (kmsKeyId: string) => call("CreateLogGroup", { ...group, kmsKeyId });
    const key = await makeKey(logsMayUse());
    await expect(create(key.split("/")[1] as string)).rejects.toMatchObject(notFound);
    await expect(create("arn:aws:kms:us-east-1:000000000000:alias/a")).rejects.toMatchObject(notFound);
    await expect(create(`${key.slice(0, -1)}_`)).rejects.toMatchObject(refused);
    await expect(create(await makeKey())).rejects.toMatchObject(refused);
    await expect(create(await makeKey(logsMayUse(`${GROUP_ARN}2`)))).rejects.toMatchObject(refused);
    await services.root.call("kms", "DisableKey", { KeyId: key });
    await expect(create(key)).rejects.toMatchObject(notFound);
    expect(await described()).toEqual([]);
  });

  it("is given to a group and taken from it; what was written under it stays under it", async () => {
    await call("CreateLogGroup", group);
    await put("plain");
    const kmsKeyId = await makeKey(logsMayUse());
    expect(await call("AssociateKmsKey", { ...group, kmsKeyId })).toEqual({});
    await put("encrypted");
    expect(await call("DisassociateKmsKey", { resourceIdentifier: GROUP_ARN })).toEqual({});
    expect((await described())[0]).not.toHaveProperty("kmsKeyId");
    await put("plain again");
    expect(await messages()).toEqual(["plain", "encrypted", "plain again"]);
    expect(JSON.stringify(services.store.collection("log-chunks").list([]))).not.toContain("encrypted");
    await services.root.call("kms", "DisableKey", { KeyId: kmsKeyId });
    services.clock.advance(5 * 60_000);
    await expect(messages()).rejects.toMatchObject(refused);
    await services.root.call("kms", "EnableKey", { KeyId: kmsKeyId });
    expect(await messages()).toHaveLength(3);
  });

  it("that was disabled takes no more events, five minutes later", async () => {
    const kmsKeyId = await makeKey(logsMayUse());
    await call("CreateLogGroup", { ...group, kmsKeyId });
    await put("a");
    await services.root.call("kms", "DisableKey", { KeyId: kmsKeyId });
    services.clock.advance(5 * 60_000);
    await expect(put("b")).rejects.toMatchObject(refused);
  });

  it("serves with one data key for a day", async () => {
    await call("CreateLogGroup", { ...group, kmsKeyId: await makeKey(logsMayUse()) });
    const count = () => services.store.collection("log-data-keys").count([]);
    await Promise.all([put("a"), put("b")]);
    services.clock.advance(3_600_000);
    await put("c");
    expect(count()).toBe(1);
    services.clock.advance(86_400_000);
    await put("d");
    expect(count()).toBe(2);
    await call("PutRetentionPolicy", { ...group, retentionInDays: 1 });
    services.clock.advance(3 * 86_400_000);
    await put("e");
    expect(await messages()).toEqual(["e"]);
    expect(count()).toBe(1);
    await call("DeleteLogGroup", group);
    expect(count()).toBe(0);
  });

  it("cannot be asked for by name and resource at once, nor for query results", async () => {
    await call("CreateLogGroup", group);
    await expect(call("DisassociateKmsKey", { ...group, resourceIdentifier: GROUP_ARN })).rejects.toMatchObject({
      code: "ValidationException",
      message: "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    });
    const resourceIdentifier = "arn:aws:logs:us-east-1:000000000000:query-result:*";
    await expect(call("AssociateKmsKey", { resourceIdentifier, kmsKeyId: "k" })).rejects.toMatchObject({
      code: "NotImplemented",
      message:
        "kiln does not offer `logs:AssociateKmsKey of query results`; it offers keys of log groups (docs/coverage.md)",
    });
  });
});
