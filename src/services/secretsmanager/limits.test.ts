import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { secretsmanager } from "./index.ts";

let services: ServicesFixture;
beforeEach(async () => {
  services = await openServices([secretsmanager, kms]);
});
afterEach(() => services.close());

const QUOTA = "LimitExceededException: The request failed because it would exceed one of the Secrets Manager quotas.";
const NOT_FOUND = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
const token = (n: number): string => `token-${n}-`.padEnd(32, "0");
const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("secretsmanager", operation, { SecretId: "db", ...input });
const create = (input: object) =>
  services.root.call("secretsmanager", "CreateSecret", { Name: "db", ClientRequestToken: token(1), ...input });

describe("a value", () => {
  const TOO_LONG = (member: string) =>
    `ValidationException: 1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length less than or equal to 65536`;

  it("has 65,536 bytes at most, as text too", async () => {
    await create({ SecretString: "é".repeat(32_768) });
    expect(await call("GetSecretValue")).toMatchObject({ SecretString: "é".repeat(32_768) });
    const put = (input: object) => failureOf(call("PutSecretValue", { ClientRequestToken: token(2), ...input }));
    expect(await put({ SecretString: "é".repeat(32_769) })).toBe(TOO_LONG("secretString"));
    expect(await put({ SecretString: "x".repeat(65_537) })).toBe(TOO_LONG("secretString"));
    expect(await put({ SecretBinary: Buffer.alloc(65_537) })).toBe(TOO_LONG("secretBinary"));
    await call("UpdateSecret", { ClientRequestToken: token(3), SecretBinary: Buffer.alloc(65_536) });
  });
});

describe("staging labels", () => {
  it("are twenty on all versions of a secret", async () => {
    await create({ SecretString: "1" });
    const VersionStages = Array.from({ length: 18 }, (_, n) => `stage-${n}`);
    await call("PutSecretValue", { SecretString: "2", ClientRequestToken: token(2), VersionStages });
    await call("PutSecretValue", { SecretString: "3", ClientRequestToken: token(3) });
    expect(await failureOf(call("UpdateSecretVersionStage", { VersionStage: "x", MoveToVersionId: token(2) }))).toBe(
      QUOTA,
    );
    const more = { SecretString: "4", ClientRequestToken: token(4), VersionStages: ["x"] };
    expect(await failureOf(call("PutSecretValue", more))).toBe(QUOTA);
    expect(await failureOf(call("GetSecretValue", { VersionId: token(4) }))).toContain("for VersionId");
    await call("PutSecretValue", { ...more, VersionStages: ["stage-0"] });
  });
});

describe("what is wrong with a request comes before what is wrong with the secret", () => {
  const Tags = [{ Key: "aws:x", Value: "1" }];
  it.each([
    ["PutSecretValue", { SecretString: "x" }, "You must provide a ClientRequestToken value."],
    ["PutSecretValue", { ClientRequestToken: token(1) }, "You must provide either SecretString or SecretBinary."],
    ["UpdateSecret", { SecretString: "x" }, "You must provide a ClientRequestToken value."],
    ["TagResource", { Tags }, "InvalidParameterException: You can't modify system tags. Tag key: 'aws:x'."],
    ["UntagResource", { TagKeys: ["a", "aws:x"] }, "You can't modify system tags. Tag key: 'aws:x'."],
    ["UpdateSecretVersionStage", { VersionStage: "x" }, "You must provide at least one of MoveToVersionId and"],
    ["DeleteSecret", { RecoveryWindowInDays: 1 }, "The RecoveryWindowInDays value must be between 7 and 30 days"],
    ["PutResourcePolicy", { ResourcePolicy: "{}" }, "This resource policy contains a syntax error."],
    ["ValidateResourcePolicy", { ResourcePolicy: "{}" }, "This resource policy contains a syntax error."],
  ])("in %s %j", async (operation, input, text) => {
    expect(await failureOf(call(operation, { SecretId: "none", ...input }))).toContain(text);
    expect(await failureOf(call("DescribeSecret", { SecretId: "none" }))).toBe(NOT_FOUND);
  });

  it("and what the model says before that", async () => {
    expect(await failureOf(call("PutSecretValue", { SecretString: "x", ClientRequestToken: "short" }))).toBe(
      "ValidationException: 1 validation error detected: Value 'short' at 'clientRequestToken' failed to satisfy constraint: Member must have length greater than or equal to 32",
    );
  });
});

describe("ValidateResourcePolicy", () => {
  const validate = (statement: object, more: object = {}, caller = services.root) =>
    caller.call<{ PolicyValidationPassed: boolean; ValidationErrors: object[] }>(
      "secretsmanager",
      "ValidateResourcePolicy",
      {
        ResourcePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [{ Resource: "*", ...statement }] }),
        ...more,
      },
    );
  const everybody = { Effect: "Allow", Principal: "*", Action: "secretsmanager:GetSecretValue" };

  it("passes what may be attached, without attaching it", async () => {
    await create({});
    const statement = { ...everybody, Principal: { AWS: "arn:aws:iam::111122223333:root" } };
    const passed = { PolicyValidationPassed: true, ValidationErrors: [] };
    expect(await validate(statement)).toEqual(passed);
    expect(await validate(statement, { SecretId: "db" })).toEqual(passed);
    expect(await call("GetResourcePolicy")).not.toHaveProperty("ResourcePolicy");
  });

  it("tells of broad access", async () => {
    expect(await validate(everybody)).toEqual({
      PolicyValidationPassed: false,
      ValidationErrors: [
        {
          CheckName: "PublicPolicy",
          ErrorMessage: "You can't attach a resource-based policy that allows broad access to the secret.",
        },
      ],
    });
  });

  it("tells whoever would lock himself out", async () => {
    await create({});
    const role = services.role("R", [{ Effect: "Allow", Action: "secretsmanager:*", Resource: "*" }]);
    const denied = { Effect: "Deny", Principal: "*", Action: "secretsmanager:PutResourcePolicy" };
    expect(await validate(denied, { SecretId: "db" }, role)).toEqual({
      PolicyValidationPassed: false,
      ValidationErrors: [
        {
          CheckName: "CallerLockout",
          ErrorMessage: "The resource policy would not allow you to put another resource policy on the secret.",
        },
      ],
    });
  });
});
