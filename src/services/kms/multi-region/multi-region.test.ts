import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importInput } from "../../../../test/support/key-import.ts";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { kms } from "../index.ts";

const [EAST, WEST, IRELAND] = ["us-east-1", "us-west-2", "eu-west-1"];

let services: ServicesFixture;
let keyId: string;

const in_ = (region: string): AwsCaller => services.rootIn(region);
const call = <O = Record<string, unknown>>(region: string, operation: string, input: object = {}): Promise<O> =>
  in_(region).call<O>("kms", operation, { KeyId: keyId, ...input });
const failure = (region: string, operation: string, input: object = {}): Promise<string> =>
  failureOf(call(region, operation, input));
const arn = (region: string, id = keyId): string => `arn:aws:kms:${region}:000000000000:key/${id}`;
const described = async (region: string) =>
  (await call<{ KeyMetadata: Record<string, unknown> }>(region, "DescribeKey")).KeyMetadata;
const replicate = (ReplicaRegion: string, input: object = {}) =>
  call<Record<string, unknown>>(EAST, "ReplicateKey", { ReplicaRegion, ...input });
const absent = (region: string): string => `NotFoundException: Key '${arn(region)}' does not exist`;

const configuration = (type: string, primary: string, ...replicas: string[]) => ({
  MultiRegionKeyType: type,
  PrimaryKey: { Arn: arn(primary), Region: primary },
  ReplicaKeys: replicas.map((region) => ({ Arn: arn(region), Region: region })),
});

beforeEach(async () => {
  services = await openServices([kms]);
  const input = { MultiRegion: true, Description: "first", Tags: [{ TagKey: "team", TagValue: "blue" }] };
  const made = await services.root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", input);
  keyId = made.KeyMetadata.KeyId;
});
afterEach(() => services.close());

describe("a multi-Region key", () => {
  it("tells by its id and its metadata", async () => {
    expect(keyId).toMatch(/^mrk-[0-9a-f]{32}$/);
    expect(await described(EAST)).toMatchObject({
      MultiRegion: true,
      MultiRegionConfiguration: configuration("PRIMARY", EAST),
    });
    expect(await failure(WEST, "DescribeKey")).toBe(absent(WEST));
  });

  it("is replicated with its id and material, and with properties of its own", async () => {
    const Tags = [{ TagKey: "team", TagValue: "red" }];
    const answer = await replicate(WEST, { Description: "second", Tags });
    const replica = {
      ...{ KeyId: keyId, Arn: arn(WEST), Description: "second", KeyState: "Enabled", MultiRegion: true },
      MultiRegionConfiguration: configuration("REPLICA", EAST, WEST),
      CurrentKeyMaterialId: (await described(EAST))["CurrentKeyMaterialId"],
    };
    expect(answer).toMatchObject({ ReplicaKeyMetadata: replica, ReplicaTags: Tags });
    expect(JSON.parse(answer["ReplicaPolicy"] as string)).toMatchObject({ Id: "key-default-1" });
    expect(await described(WEST)).toMatchObject(replica);
    expect(await described(EAST)).toMatchObject({
      Description: "first",
      MultiRegionConfiguration: configuration("PRIMARY", EAST, WEST),
    });
    await call(WEST, "DisableKey");
    expect(await described(EAST)).toMatchObject({ KeyState: "Enabled" });
  });

  it("decrypts in one Region what it encrypted in the other", async () => {
    await replicate(WEST);
    const { CiphertextBlob } = await call(EAST, "Encrypt", { Plaintext: Buffer.from("x") });
    for (const input of [{ CiphertextBlob }, { CiphertextBlob, KeyId: undefined }]) {
      expect(await call(WEST, "Decrypt", input)).toMatchObject({ KeyId: arn(WEST), Plaintext: Buffer.from("x") });
    }
    expect(await failure(IRELAND, "Decrypt", { CiphertextBlob, KeyId: undefined })).toMatch(
      /^AccessDeniedException: .* on the resource associated with this ciphertext /,
    );
  });

  it("rotates in all Regions at once, as its primary says", async () => {
    await replicate(WEST);
    await call(EAST, "EnableKeyRotation", { RotationPeriodInDays: 90 });
    expect(await call(WEST, "GetKeyRotationStatus")).toMatchObject({ KeyRotationEnabled: true, KeyId: arn(WEST) });
    services.clock.advance(90 * DAY_MS);
    const { CurrentKeyMaterialId: current } = await described(WEST);
    await call(EAST, "RotateKeyOnDemand");
    const { CurrentKeyMaterialId: newest } = await described(EAST);
    expect(newest).not.toBe(current);
    expect(await described(WEST)).toMatchObject({ CurrentKeyMaterialId: newest });
    const list = async (region: string) => (await call(region, "ListKeyRotations"))["Rotations"];
    expect(await list(WEST)).toMatchObject([
      { KeyId: arn(WEST), KeyMaterialId: current, RotationType: "AUTOMATIC" },
      { KeyId: arn(WEST), KeyMaterialId: newest, RotationType: "ON_DEMAND" },
    ]);
    for (const operation of ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"]) {
      expect(await failure(WEST, operation)).toBe(
        `UnsupportedOperationException: ${arn(WEST)} is not a multi-region primary key.`,
      );
    }
  });

  it("may have its primary in another Region", async () => {
    await replicate(WEST);
    await replicate(IRELAND);
    expect(await call(EAST, "UpdatePrimaryRegion", { PrimaryRegion: WEST })).toStrictEqual({});
    for (const region of [EAST, WEST, IRELAND]) {
      expect(await described(region)).toMatchObject({
        MultiRegionConfiguration: configuration(region === WEST ? "PRIMARY" : "REPLICA", WEST, IRELAND, EAST),
      });
    }
    expect(await failure(EAST, "UpdatePrimaryRegion", { PrimaryRegion: IRELAND })).toBe(
      `UnsupportedOperationException: ${arn(EAST)} is not a multi-region primary key.`,
    );
    expect(await failure(WEST, "UpdatePrimaryRegion", { PrimaryRegion: "eu-central-1" })).toBe(absent("eu-central-1"));
  });

  it("takes the same imported material in each Region", async () => {
    const made = await services.root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", {
      ...{ MultiRegion: true, Origin: "EXTERNAL" },
    });
    keyId = made.KeyMetadata.KeyId;
    expect(await replicate(WEST)).toMatchObject({
      ReplicaKeyMetadata: { KeyState: "PendingImport", Origin: "EXTERNAL" },
    });
    expect(await described(WEST)).not.toHaveProperty("CurrentKeyMaterialId");
    const importInto = async (region: string, material: Buffer) =>
      call(region, "ImportKeyMaterial", await importInput(in_(region), keyId, material));
    const material = randomBytes(32);
    expect(await failureOf(importInto(WEST, material))).toBe("IncorrectKeyMaterialException");
    const { KeyMaterialId } = await importInto(EAST, material);
    expect(await failureOf(importInto(WEST, randomBytes(32)))).toBe("IncorrectKeyMaterialException");
    expect(await importInto(WEST, material)).toStrictEqual({ KeyId: arn(WEST), KeyMaterialId });
    const { CiphertextBlob } = await call(EAST, "Encrypt", { Plaintext: Buffer.from("x") });
    expect(await call(WEST, "Decrypt", { CiphertextBlob })).toMatchObject({ KeyMaterialId });
    expect(await failure(EAST, "RotateKeyOnDemand")).toBe(
      "UnsupportedOperationException: kiln does not offer on-demand rotation of multi-Region keys with imported material " +
        "(docs/coverage.md)",
    );
  });
});

describe("ReplicateKey refuses", () => {
  it("replicas, single-Region keys, and a second replica in a Region", async () => {
    await replicate(WEST);
    expect(await failure(WEST, "ReplicateKey", { ReplicaRegion: IRELAND })).toBe(
      `UnsupportedOperationException: ${arn(WEST)} is not a multi-region primary key.`,
    );
    for (const region of [WEST, EAST]) {
      expect(await failureOf(replicate(region))).toBe(
        `AlreadyExistsException: A key already exists with the ARN ${arn(region)}`,
      );
    }
    const single = await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>("kms", "CreateKey", {});
    expect(await failureOf(replicate(WEST, { KeyId: single.KeyMetadata.KeyId }))).toBe(
      `UnsupportedOperationException: ${single.KeyMetadata.Arn} is not a multi-region primary key.`,
    );
    expect(await failureOf(replicate("cn-north-1"))).toBe("ValidationException: Invalid region: cn-north-1");
  });

  it("disabled keys", async () => {
    await call(EAST, "DisableKey");
    expect(await failureOf(replicate(WEST))).toBe(`DisabledException: ${arn(EAST)} is disabled.`);
  });
});

describe("deleting a multi-Region key", () => {
  it("starts a primary's waiting period when its last replica is gone", async () => {
    await replicate(WEST);
    const startMs = services.clock.nowMs();
    expect(await call(EAST, "ScheduleKeyDeletion", { PendingWindowInDays: 10 })).toStrictEqual({
      ...{ KeyId: arn(EAST), KeyState: "PendingReplicaDeletion", PendingWindowInDays: 10 },
    });
    expect(await described(EAST)).toMatchObject({
      ...{ KeyState: "PendingReplicaDeletion", PendingDeletionWindowInDays: 10, Enabled: false },
    });
    expect(await failure(EAST, "Encrypt", { Plaintext: Buffer.from("x") })).toBe(
      `KMSInvalidStateException: ${arn(EAST)} is pending replica deletion.`,
    );
    services.clock.advance(20 * DAY_MS);
    await call(WEST, "ScheduleKeyDeletion", { PendingWindowInDays: 7 });
    services.clock.advance(8 * DAY_MS);
    expect(await failure(WEST, "DescribeKey")).toBe(absent(WEST));
    const metadata = await described(EAST);
    expect(metadata).toMatchObject({
      ...{ KeyState: "PendingDeletion", DeletionDate: startMs + 37 * DAY_MS },
      MultiRegionConfiguration: configuration("PRIMARY", EAST),
    });
    expect(metadata).not.toHaveProperty("PendingDeletionWindowInDays");
    services.clock.advance(9 * DAY_MS);
    expect(await failure(EAST, "DescribeKey")).toBe(absent(EAST));
  });

  it("is seen in the same way by whoever looks only when all of it is over", async () => {
    await replicate(WEST);
    await call(EAST, "ScheduleKeyDeletion", { PendingWindowInDays: 7 });
    await call(WEST, "ScheduleKeyDeletion", { PendingWindowInDays: 7 });
    services.clock.advance(14 * DAY_MS);
    expect(await call(EAST, "ListKeys")).toMatchObject({ Keys: [] });
    expect(await failure(EAST, "DescribeKey")).toBe(absent(EAST));
  });

  it("is cancelled like any other, and a replica that is gone makes room for another", async () => {
    await replicate(WEST);
    await call(EAST, "ScheduleKeyDeletion");
    await call(EAST, "CancelKeyDeletion");
    expect(await described(EAST)).toMatchObject({ KeyState: "Disabled" });
    await call(EAST, "EnableKey");
    await call(WEST, "ScheduleKeyDeletion", { PendingWindowInDays: 7 });
    services.clock.advance(7 * DAY_MS);
    expect(await described(EAST)).toMatchObject({ MultiRegionConfiguration: configuration("PRIMARY", EAST) });
    await replicate(WEST);
    expect(await described(WEST)).toMatchObject({ KeyState: "Enabled" });
  });
});
