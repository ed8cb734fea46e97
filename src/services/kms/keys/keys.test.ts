import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);
const createKey = async (input: object = {}): Promise<Record<string, unknown> & { KeyId: string; Arn: string }> =>
  (await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("CreateKey", input)).KeyMetadata;

beforeEach(async () => {
  services = await openServices([kms]);
});
afterEach(() => services.close());

describe("keys", () => {
  it("have the metadata of a symmetric key", async () => {
    const key = await createKey();
    expect(key).toEqual({
      AWSAccountId: "000000000000",
      KeyId: key.KeyId,
      Arn: `arn:aws:kms:us-east-1:000000000000:key/${key.KeyId}`,
      CreationDate: services.clock.nowMs(),
      Enabled: true,
      Description: "",
      KeyUsage: "ENCRYPT_DECRYPT",
      KeyState: "Enabled",
      Origin: "AWS_KMS",
      KeyManager: "CUSTOMER",
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      KeySpec: "SYMMETRIC_DEFAULT",
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      MultiRegion: false,
      CurrentKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await call("DescribeKey", { KeyId: key.Arn })).toEqual({ KeyMetadata: key });
  });

  it("of other kinds are refused by name", async () => {
    expect(await failureOf(createKey({ KeySpec: "RSA_2048" }))).toBe(
      "ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    );
    expect(await failureOf(createKey({ KeySpec: "ML_DSA_44", KeyUsage: "SIGN_VERIFY" }))).toBe(
      "UnsupportedOperationException: kiln does not offer KeySpec `ML_DSA_44` (docs/coverage.md)",
    );
    expect(await failureOf(createKey({ KeyUsage: "KEY_AGREEMENT" }))).toBe(
      "ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec SYMMETRIC_DEFAULT",
    );
  });

  it("are listed page by page", async () => {
    const ids = [];
    for (let n = 0; n < 5; n++) ids.push((await createKey()).KeyId);
    const listed: string[] = [];
    let marker: string | undefined;
    do {
      const page = await call<{ Keys: { KeyId: string }[]; Truncated: boolean; NextMarker?: string }>("ListKeys", {
        Limit: 2,
        ...(marker !== undefined && { Marker: marker }),
      });
      listed.push(...page.Keys.map((key) => key.KeyId));
      expect(page.Truncated).toBe(page.NextMarker !== undefined);
      marker = page.NextMarker;
    } while (marker !== undefined);
    expect(listed).toEqual(ids.sort());
    expect(await failureOf(call("ListKeys", { Marker: "!!" }))).toBe(
      "InvalidMarkerException: Could not deserialize marker",
    );
  });

  it("are enabled, disabled and described anew", async () => {
    const { KeyId } = await createKey({ Description: "one" });
    await call("DisableKey", { KeyId });
    await call("UpdateKeyDescription", { KeyId, Description: "two" });
    expect(await call("DescribeKey", { KeyId })).toMatchObject({
      KeyMetadata: { Enabled: false, KeyState: "Disabled", Description: "two" },
    });
    await call("EnableKey", { KeyId });
    expect(await call("DescribeKey", { KeyId })).toMatchObject({ KeyMetadata: { Enabled: true, KeyState: "Enabled" } });
  });

  it("can be saved from deletion until the date, and are gone after it", async () => {
    const { KeyId, Arn } = await createKey();
    expect(await failureOf(call("CancelKeyDeletion", { KeyId }))).toBe(
      `KMSInvalidStateException: ${Arn} is not pending deletion.`,
    );
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: KeyId });
    const deletionDate = services.clock.nowMs() + 30 * 86_400_000;
    expect(await call("ScheduleKeyDeletion", { KeyId })).toEqual({
      KeyId: Arn,
      DeletionDate: deletionDate,
      KeyState: "PendingDeletion",
      PendingWindowInDays: 30,
    });
    expect(await failureOf(call("EnableKey", { KeyId }))).toBe(`KMSInvalidStateException: ${Arn} is pending deletion.`);
    expect(await call("CancelKeyDeletion", { KeyId })).toEqual({ KeyId: Arn });
    expect(await call("DescribeKey", { KeyId })).toMatchObject({ KeyMetadata: { KeyState: "Disabled" } });
    await call("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
    services.clock.advance(7 * 86_400_000);
    expect(await failureOf(call("DescribeKey", { KeyId }))).toBe(`NotFoundException: Key '${Arn}' does not exist`);
    expect(await failureOf(call("DescribeKey", { KeyId: "alias/app" }))).toContain("alias/app is not found.");
    const other = await createKey();
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: other.KeyId });
    expect(services.store.collection("kms/keys").list([])).toHaveLength(1);
  });

  it("keep their material sealed in the store", async () => {
    await createKey();
    const [entry] = services.store.collection<{ material: { id: string; sealed: string }[] }>("kms/keys").list([]);
    const [material] = entry?.value.material ?? [];
    const context = `kms/${entry?.key[2]}/${material?.id}`;
    expect(services.store.unseal(material?.sealed ?? "", context)).toHaveLength(32);
    expect(() => services.store.unseal(material?.sealed ?? "", "other")).toThrow();
  });
});

describe("key policies", () => {
  it("delegate to IAM by default", async () => {
    const { KeyId } = await createKey();
    const { Policy, PolicyName } = await call<{ Policy: string; PolicyName: string }>("GetKeyPolicy", { KeyId });
    expect(PolicyName).toBe("default");
    expect(Policy).toBe(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::000000000000:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`);
    expect(await call("ListKeyPolicies", { KeyId })).toEqual({ PolicyNames: ["default"], Truncated: false });
    expect(await failureOf(call("GetKeyPolicy", { KeyId, PolicyName: "other" }))).toBe(
      "NotFoundException: No such policy exists",
    );
  });

  it("let a role in by IAM policy, and nobody whom the key policy leaves out", async () => {
    const { KeyId, Arn } = await createKey();
    const allowed = services.role("Reader", [{ Effect: "Allow", Action: "kms:DescribeKey", Resource: Arn }]);
    const plain = services.role("Plain");
    await allowed.call("kms", "DescribeKey", { KeyId });
    expect(await failureOf(plain.call("kms", "DescribeKey", { KeyId }))).toBe(
      "AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/Plain/session is not authorized to perform: " +
        `kms:DescribeKey on resource: ${Arn} because no identity-based policy allows the kms:DescribeKey action`,
    );
    const policy = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:role/Plain" }, Action: "kms:*", Resource: "*" },
      ],
    };
    await call("PutKeyPolicy", { KeyId, Policy: JSON.stringify(policy), BypassPolicyLockoutSafetyCheck: true });
    await plain.call("kms", "DescribeKey", { KeyId });
    expect(await failureOf(allowed.call("kms", "DescribeKey", { KeyId }))).toContain(
      "because no resource-based policy allows the kms:DescribeKey action",
    );
  });

  it("must be policies", async () => {
    const { KeyId } = await createKey();
    expect(await failureOf(call("PutKeyPolicy", { KeyId, Policy: "{" }))).toMatch(
      /^MalformedPolicyDocumentException: /,
    );
  });
});

describe("tags", () => {
  it("are added, replaced and removed", async () => {
    const { KeyId } = await createKey({ Tags: [{ TagKey: "team", TagValue: "a" }] });
    const tags = [
      { TagKey: "team", TagValue: "b" },
      { TagKey: "app", TagValue: "x" },
    ];
    await call("TagResource", { KeyId, Tags: tags });
    expect(await call("ListResourceTags", { KeyId })).toEqual({ Tags: [...tags].reverse(), Truncated: false });
    await call("UntagResource", { KeyId, TagKeys: ["team", "absent"] });
    expect(await call("ListResourceTags", { KeyId })).toEqual({ Tags: [tags[1]], Truncated: false });
  });

  it("follow KMS's rules", async () => {
    const { KeyId } = await createKey();
    const tag = (keys: string[]) =>
      failureOf(call("TagResource", { KeyId, Tags: keys.map((TagKey) => ({ TagKey, TagValue: "v" })) }));
    expect(await tag(["a", "a"])).toBe("TagException: Duplicate tag keys");
    expect(await tag(["AWS:x"])).toBe("TagException: Tags beginning with aws: are reserved");
    expect(await tag(Array.from({ length: 51 }, (_, n) => `k${n}`))).toBe("TagException: Too many tags");
    for (const text of ["#", "My & My Team"]) {
      expect(await tag([text])).toBe("TagException: Invalid tag");
      expect(await failureOf(createKey({ Tags: [{ TagKey: "owner", TagValue: text }] }))).toBe(
        "TagException: Invalid tag",
      );
    }
    await call("TagResource", { KeyId, Tags: [{ TagKey: "größe: 1_2.3/4=5+6-7@8", TagValue: "" }] });
    expect(await failureOf(call("UntagResource", { KeyId, TagKeys: ["aws:x"] }))).toBe(
      "TagException: Tags beginning with aws: are reserved",
    );
  });
});
