import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { secretsmanager } from "./index.ts";

let services: ServicesFixture;
beforeEach(async () => {
  services = await openServices([secretsmanager, kms]);
});
afterEach(() => services.close());

type Answer = Record<string, unknown>;
const call = <O = Answer>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("secretsmanager", operation, input);
const token = (n: number): string => `token-${n}-`.padEnd(32, "0");
const create = (input: object = {}) =>
  call<{ ARN: string; VersionId?: string }>("CreateSecret", {
    Name: "db",
    SecretString: "one",
    ClientRequestToken: token(1),
    ...input,
  });
const put = (n: number, SecretString: string, VersionStages?: readonly string[]) =>
  call("PutSecretValue", { SecretId: "db", ClientRequestToken: token(n), SecretString, VersionStages });
const read = async (input: object = {}) =>
  (await call<{ SecretString: string }>("GetSecretValue", { SecretId: "db", ...input })).SecretString;
const stages = async () =>
  (await call<{ VersionIdsToStages?: object }>("DescribeSecret", { SecretId: "db" })).VersionIdsToStages;
const move = (VersionStage: string, MoveToVersionId?: string, RemoveFromVersionId?: string) =>
  call("UpdateSecretVersionStage", { SecretId: "db", VersionStage, MoveToVersionId, RemoveFromVersionId });

describe("CreateSecret", () => {
  it("answers an ARN with six characters behind the name, and the token as version", async () => {
    const { ARN, VersionId } = await create();
    expect(ARN).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:db-[A-Za-z0-9]{6}$/);
    expect(VersionId).toBe(token(1));
    expect(await call("GetSecretValue", { SecretId: "db" })).toEqual({
      ...{ ARN, Name: "db", VersionId, SecretString: "one", VersionStages: ["AWSCURRENT"] },
      CreatedDate: services.clock.nowMs(),
    });
  });

  it("keeps binary values binary", async () => {
    const SecretBinary = Buffer.from([0, 255, 1]);
    await create({ SecretString: undefined, SecretBinary });
    const answer = await call<{ SecretBinary: Uint8Array }>("GetSecretValue", { SecretId: "db" });
    expect(answer).not.toHaveProperty("SecretString");
    expect(Buffer.from(answer.SecretBinary)).toEqual(SecretBinary);
    expect(await failureOf(create({ SecretBinary }))).toBe(
      "InvalidParameterException: You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  });

  it("without a value makes a secret without versions", async () => {
    expect(await create({ SecretString: undefined })).not.toHaveProperty("VersionId");
    expect(await stages()).toBeUndefined();
    expect(await failureOf(read())).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    );
    await put(2, "first", ["mine"]);
    expect(await stages()).toEqual({ [token(2)]: ["AWSCURRENT", "mine"] });
  });

  it("is idempotent by its token", async () => {
    const first = await create();
    expect(await create()).toEqual(first);
    expect(await failureOf(create({ SecretString: "two" }))).toBe(
      `ResourceExistsException: You can't use ClientRequestToken ${token(1)} because that value is already in use for a version of secret ${first.ARN}.`,
    );
    expect(await failureOf(create({ ClientRequestToken: token(2) }))).toBe(
      "ResourceExistsException: The operation failed because the secret db already exists.",
    );
    expect(await failureOf(create({ ClientRequestToken: undefined }))).toBe(
      "InvalidRequestException: You must provide a ClientRequestToken value. We recommend a UUID-type value.",
    );
  });

  it("makes one secret of two calls at once", async () => {
    const [first, second] = await Promise.all([create(), create()]);
    expect(second).toEqual(first);
    expect(await read()).toBe("one");
  });

  it("refuses what is not offered by name", async () => {
    expect(await failureOf(create({ AddReplicaRegions: [{ Region: "eu-west-1" }] }))).toBe(
      "InvalidParameterException: kiln does not offer replicas of secrets (docs/coverage.md)",
    );
    expect(await failureOf(create({ Type: "x" }))).toContain("kiln does not offer managed external secrets");
    for (const operation of ["ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"]) {
      expect(await failureOf(call(operation, { SecretId: "db" }))).toMatch(
        new RegExp(`^NotImplemented: kiln does not offer \`secretsmanager:${operation}\``),
      );
    }
  });
});

describe("a SecretId", () => {
  it("is a name, an ARN, or an ARN without its suffix", async () => {
    const { ARN } = await create();
    for (const SecretId of ["db", ARN, ARN.slice(0, -7)]) expect(await read({ SecretId })).toBe("one");
    for (const SecretId of [ARN.replace(/.{6}$/, "zzzzzz"), ARN.replace("us-east-1", "eu-west-1"), "none"]) {
      expect(await failureOf(read({ SecretId }))).toBe(
        "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
      );
    }
  });

  it("that ends like a suffix is found by name and full ARN only", async () => {
    const { ARN } = await create({ Name: "/_+=.@!-Name-a1b2c3" });
    expect(await read({ SecretId: "/_+=.@!-Name-a1b2c3" })).toBe("one");
    expect(await read({ SecretId: ARN })).toBe("one");
    expect(await failureOf(read({ SecretId: ARN.slice(0, -7) }))).toContain("ResourceNotFoundException");
  });

  it("is refused for its form everywhere", async () => {
    const text =
      "ValidationException: Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    expect(await failureOf(create({ Name: "a b" }))).toBe(text);
    for (const operation of ["GetSecretValue", "DescribeSecret", "DeleteSecret", "RestoreSecret"]) {
      expect(await failureOf(call(operation, { SecretId: "db:key" }))).toBe(text);
      expect(await failureOf(call(operation, { SecretId: "arn:aws:ssm:us-east-1:1:parameter/x" }))).toBe(text);
    }
  });
});

describe("staging labels", () => {
  it("move from version to version", async () => {
    await create();
    expect(await put(2, "two")).toMatchObject({ VersionId: token(2), VersionStages: ["AWSCURRENT"] });
    await put(3, "three");
    expect(await stages()).toEqual({ [token(2)]: ["AWSPREVIOUS"], [token(3)]: ["AWSCURRENT"] });
    await put(4, "four", ["AWSPENDING", "blue"]);
    expect(await stages()).toMatchObject({ [token(3)]: ["AWSCURRENT"], [token(4)]: ["AWSPENDING", "blue"] });
    expect(await read()).toBe("three");
    expect(await read({ VersionStage: "AWSPREVIOUS" })).toBe("two");
    expect(await read({ VersionStage: "blue" })).toBe("four");
    expect(await read({ VersionId: token(1) })).toBe("one");
    expect(await call("GetSecretValue", { SecretId: "db", VersionId: token(1) })).not.toHaveProperty("VersionStages");
  });

  it("that no version has are named", async () => {
    await create();
    expect(await failureOf(read({ VersionId: token(9) }))).toBe(
      `ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: ${token(9)}`,
    );
    expect(await failureOf(read({ VersionStage: "mine" }))).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: mine",
    );
    expect(await failureOf(read({ VersionId: token(1), VersionStage: "mine" }))).toBe(
      "InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId.",
    );
  });

  it("are moved by UpdateSecretVersionStage", async () => {
    await create();
    await put(2, "two");
    expect(await failureOf(move("AWSCURRENT", token(1)))).toBe(
      `InvalidParameterException: The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version ${token(2)}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
    expect(await failureOf(move("AWSCURRENT", token(1), token(1)))).toBe(
      "InvalidParameterException: When you move staging label AWSCURRENT, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label AWSCURRENT.",
    );
    await move("AWSCURRENT", token(1), token(2));
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"], [token(2)]: ["AWSPREVIOUS"] });
    await move("blue", token(2));
    await move("AWSPREVIOUS", undefined, token(2));
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"], [token(2)]: ["blue"] });
    expect(await failureOf(move("AWSCURRENT", undefined, token(1)))).toBe(
      "InvalidParameterException: You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
    );
    expect(await failureOf(move("blue", undefined, token(1)))).toContain("is not currently attached to version");
    expect(await failureOf(move("blue", token(9)))).toContain(`for VersionId: ${token(9)}`);
    expect(await failureOf(move("blue"))).toContain("You must provide at least one of");
  });

  it("are what keeps a version from being forgotten", async () => {
    await create();
    await put(2, "kept", ["blue"]);
    for (let n = 3; n <= 100; n++) await put(n, `${n}`);
    expect(await failureOf(put(101, "too many"))).toBe(
      "LimitExceededException: The request failed because it would exceed one of the Secrets Manager quotas.",
    );
    services.clock.advance(86_400_000);
    for (let n = 101; n <= 105; n++) await put(n, `${n}`);
    const list = await call<{ Versions: { VersionId: string; VersionStages?: string[] }[] }>("ListSecretVersionIds", {
      SecretId: "db",
      IncludeDeprecated: true,
      MaxResults: 100,
    });
    expect(list.Versions[0]).toMatchObject({ VersionId: token(2), VersionStages: ["blue"] });
    expect(list.Versions[1]).toEqual({
      VersionId: token(7),
      CreatedDate: expect.any(Number),
      KmsKeyIds: ["DefaultEncryptionKey"],
    });
    expect(list.Versions).toHaveLength(100);
    expect(await failureOf(read({ VersionId: token(1) }))).toContain("for VersionId");
    expect((await call<{ Versions: object[] }>("ListSecretVersionIds", { SecretId: "db" })).Versions).toHaveLength(3);
  });
});

describe("PutSecretValue and UpdateSecret", () => {
  it("are idempotent by their token", async () => {
    const { ARN } = await create();
    const first = await put(2, "two");
    expect(await put(2, "two")).toEqual(first);
    const both = await Promise.all([put(3, "three"), put(3, "three")]);
    expect(both[0]).toEqual(both[1]);
    const text = `ResourceExistsException: You can't use ClientRequestToken ${token(2)} because that value is already in use for a version of secret ${ARN}.`;
    expect(await failureOf(put(2, "other"))).toBe(text);
    const update = { SecretId: "db", ClientRequestToken: token(2), SecretString: "other" };
    expect(await failureOf(call("UpdateSecret", update))).toBe(text);
    expect(await failureOf(call("PutSecretValue", { SecretId: "db", ClientRequestToken: token(4) }))).toBe(
      "InvalidRequestException: You must provide either SecretString or SecretBinary.",
    );
  });

  it("UpdateSecret leaves everything as it is when its token is taken", async () => {
    await create();
    const { KeyMetadata } = await services.root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", {});
    const before = await call("DescribeSecret", { SecretId: "db" });
    services.clock.advance(1000);
    const changes = { KmsKeyId: KeyMetadata.KeyId, Description: "other", SecretString: "other" };
    const refused = await failureOf(call("UpdateSecret", { SecretId: "db", ClientRequestToken: token(1), ...changes }));
    expect(refused).toMatch(/^ResourceExistsException: /);
    expect(await call("DescribeSecret", { SecretId: "db" })).toEqual(before);
  });

  it("UpdateSecret answers a version only when it made one", async () => {
    const { ARN } = await create();
    services.clock.advance(1000);
    const update = (input: object) => call("UpdateSecret", { SecretId: "db", ClientRequestToken: token(2), ...input });
    expect(await update({ Description: "the database" })).toEqual({ ARN, Name: "db" });
    expect(await update({ SecretString: "two" })).toEqual({ ARN, Name: "db", VersionId: token(2) });
    expect(await call("DescribeSecret", { SecretId: "db" })).toEqual({
      ...{ ARN, Name: "db", Description: "the database" },
      CreatedDate: services.clock.nowMs() - 1000,
      LastChangedDate: services.clock.nowMs(),
      VersionIdsToStages: { [token(1)]: ["AWSPREVIOUS"], [token(2)]: ["AWSCURRENT"] },
    });
  });

  it("a read is noted by its day", async () => {
    await create();
    await read();
    expect(await call("DescribeSecret", { SecretId: "db" })).toMatchObject({
      LastAccessedDate: Date.UTC(2026, 0, 2),
    });
  });
});
