import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
let keyId: string;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);
const createKey = async (): Promise<string> =>
  (await call<{ KeyMetadata: { KeyId: string } }>("CreateKey", {})).KeyMetadata.KeyId;
const aliasNames = async (input: object = {}): Promise<unknown[]> =>
  (await call<{ Aliases: { AliasName: string }[] }>("ListAliases", input)).Aliases.map((alias) => alias.AliasName);

const ALIAS_ARN = "arn:aws:kms:us-east-1:000000000000:alias/app";

beforeEach(async () => {
  services = await openServices([kms]);
  keyId = await createKey();
});
afterEach(() => services.close());

describe("aliases", () => {
  it("point at a key, move to another and go away", async () => {
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId });
    expect(await call("DescribeKey", { KeyId: "alias/app" })).toMatchObject({ KeyMetadata: { KeyId: keyId } });
    const other = await createKey();
    services.clock.advance(1000);
    await call("UpdateAlias", { AliasName: "alias/app", TargetKeyId: other });
    expect(await call("ListAliases", { KeyId: other })).toEqual({
      Aliases: [
        {
          AliasName: "alias/app",
          AliasArn: ALIAS_ARN,
          TargetKeyId: other,
          CreationDate: services.clock.nowMs() - 1000,
          LastUpdatedDate: services.clock.nowMs(),
        },
      ],
      Truncated: false,
    });
    expect(await aliasNames({ KeyId: keyId })).toEqual([]);
    await call("DeleteAlias", { AliasName: "alias/app" });
    expect(await failureOf(call("DeleteAlias", { AliasName: "alias/app" }))).toBe(
      `NotFoundException: Alias ${ALIAS_ARN} is not found.`,
    );
  });

  it("follow the rules of their names and targets", async () => {
    const create = (AliasName: string, TargetKeyId = keyId) =>
      failureOf(call("CreateAlias", { AliasName, TargetKeyId }));
    expect(await create("app")).toBe(
      'ValidationException: Alias must start with the prefix "alias/". Please see ' +
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    );
    expect(await create("alias/aws/mine")).toBe("NotAuthorizedException");
    expect(await create("alias/app", "alias/other")).toBe(
      "ValidationException: Aliases must refer to keys. Not aliases",
    );
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId });
    expect(await create("alias/app")).toBe(
      `AlreadyExistsException: An alias with the name ${ALIAS_ARN} already exists`,
    );
  });

  it("of AWS managed keys are listed before their key exists", async () => {
    expect(await aliasNames()).toEqual(["alias/aws/s3", "alias/aws/secretsmanager", "alias/aws/ssm"]);
    expect(await call("ListAliases", { Limit: 1 })).toEqual({
      Aliases: [{ AliasName: "alias/aws/s3", AliasArn: "arn:aws:kms:us-east-1:000000000000:alias/aws/s3" }],
      Truncated: true,
      NextMarker: expect.any(String),
    });
  });

  it("need permission on the alias and on the key", async () => {
    const keyOnly = services.role("KeyOnly", [
      { Effect: "Allow", Action: "kms:CreateAlias", Resource: "arn:aws:kms:*:*:key/*" },
    ]);
    const failure = await failureOf(keyOnly.call("kms", "CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId }));
    expect(failure).toContain(`is not authorized to perform: kms:CreateAlias on resource: ${ALIAS_ARN}`);
  });
});

describe("AWS managed keys", () => {
  it("are made on first use, once, and say whose they are", async () => {
    const [first, second] = await Promise.all([
      call<{ KeyMetadata: { KeyId: string } }>("DescribeKey", { KeyId: "alias/aws/ssm" }),
      call<{ KeyMetadata: { KeyId: string } }>("DescribeKey", { KeyId: "alias/aws/ssm" }),
    ]);
    expect(first).toEqual(second);
    expect(first.KeyMetadata).toMatchObject({
      KeyManager: "AWS",
      Description: "Default key that protects my SSM parameters when no other key is defined",
    });
  });

  it("cannot be used or changed directly, by anyone", async () => {
    const KeyId = (await call<{ KeyMetadata: { KeyId: string } }>("DescribeKey", { KeyId: "alias/aws/ssm" }))
      .KeyMetadata.KeyId;
    const admin = services.role("Admin", [{ Effect: "Allow", Action: "*", Resource: "*" }]);
    for (const [operation, input] of [
      ["Encrypt", { KeyId, Plaintext: Buffer.from("x") }],
      ["DisableKey", { KeyId }],
      ["ScheduleKeyDeletion", { KeyId }],
      ["PutKeyPolicy", { KeyId, Policy: "{}" }],
    ] as const) {
      const failure = await failureOf(admin.call("kms", operation, input));
      expect(failure).toMatch(/^AccessDeniedException: .* because no resource-based policy allows the kms:/);
    }
    const { Policy } = await call<{ Policy: string }>("GetKeyPolicy", { KeyId });
    expect(JSON.parse(Policy)).toMatchObject({
      Id: "auto-ssm-1",
      Statement: [
        {
          Principal: { AWS: "*" },
          Condition: {
            StringEquals: { "kms:CallerAccount": "000000000000", "kms:ViaService": "ssm.us-east-1.amazonaws.com" },
          },
        },
        { Sid: "Allow direct access to key metadata to the account" },
      ],
    });
  });
});
