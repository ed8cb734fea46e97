import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { kms } from "../index.ts";

const ABSENT = "1234abcd-12ab-34cd-56ef-1234567890ab";

let services: ServicesFixture;
let keyId: string;
let keyArn: string;

interface Rotation {
  readonly KeyMaterialId: string;
  readonly RotationDate?: number;
}

const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("kms", operation, { KeyId: keyId, ...input });
const failure = (operation: string, input: object = {}): Promise<string> => failureOf(call(operation, input));
const createKey = async (input: object = {}): Promise<{ KeyId: string; Arn: string }> =>
  (await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>("kms", "CreateKey", input)).KeyMetadata;
const encrypt = async (): Promise<Uint8Array> =>
  (await call<{ CiphertextBlob: Uint8Array }>("Encrypt", { Plaintext: Buffer.from("x") })).CiphertextBlob;
const decrypt = (CiphertextBlob: Uint8Array) => call<{ KeyMaterialId: string }>("Decrypt", { CiphertextBlob });
const rotations = async (input: object = {}): Promise<readonly Rotation[]> =>
  (await call<{ Rotations: readonly Rotation[] }>("ListKeyRotations", input)).Rotations;
const currentMaterial = async (): Promise<string> =>
  (await call<{ KeyMetadata: { CurrentKeyMaterialId: string } }>("DescribeKey")).KeyMetadata.CurrentKeyMaterialId;
const status = () => call("GetKeyRotationStatus");

beforeEach(async () => {
  services = await openServices([kms]);
  ({ KeyId: keyId, Arn: keyArn } = await createKey());
});
afterEach(() => services.close());

describe("automatic rotation", () => {
  it("is off for a new key", async () => {
    expect(await status()).toStrictEqual({ KeyRotationEnabled: false, KeyId: keyArn });
  });

  it("is every year, or as often as asked, from the moment it is enabled", async () => {
    const nowMs = services.clock.nowMs();
    expect(await call("EnableKeyRotation")).toStrictEqual({});
    expect(await status()).toStrictEqual({
      ...{ KeyRotationEnabled: true, KeyId: keyArn },
      ...{ RotationPeriodInDays: 365, NextRotationDate: nowMs + 365 * DAY_MS },
    });
    services.clock.advance(DAY_MS);
    await call("EnableKeyRotation", { RotationPeriodInDays: 90 });
    expect(await status()).toMatchObject({ RotationPeriodInDays: 90, NextRotationDate: nowMs + 91 * DAY_MS });
    await call("DisableKeyRotation");
    expect(await status()).toStrictEqual({ KeyRotationEnabled: false, KeyId: keyArn });
  });

  it("refuses periods outside 90 to 2560 days", async () => {
    const text = "ValidationException: 1 validation error detected: Value";
    expect(await failure("EnableKeyRotation", { RotationPeriodInDays: 89 })).toBe(
      `${text} '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90`,
    );
    expect(await failure("EnableKeyRotation", { RotationPeriodInDays: 2561 })).toBe(
      `${text} '2561' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value less than or equal to 2560`,
    );
  });

  it("rotates as often as was due when the clock moved by years, each on its date; everything still decrypts", async () => {
    const startMs = services.clock.nowMs();
    await call("EnableKeyRotation", { RotationPeriodInDays: 365 });
    const first = await currentMaterial();
    const old = await encrypt();
    services.clock.advance(3.5 * 365 * DAY_MS);
    expect((await decrypt(old)).KeyMaterialId).toBe(first);
    expect(await currentMaterial()).not.toBe(first);
    const made = await rotations();
    expect(made).toMatchObject(
      [1, 2, 3].map((year) => ({
        ...{ KeyId: keyArn, RotationType: "AUTOMATIC", RotationDate: startMs + year * 365 * DAY_MS },
        KeyMaterialState: year === 3 ? "CURRENT" : "NON_CURRENT",
      })),
    );
    expect(await status()).toMatchObject({ NextRotationDate: startMs + 4 * 365 * DAY_MS });
    expect((await decrypt(await encrypt())).KeyMaterialId).toBe(made[2]?.KeyMaterialId);
  });

  it("does not happen while the key is disabled, and once when it is enabled again", async () => {
    await call("EnableKeyRotation", { RotationPeriodInDays: 90 });
    await call("DisableKey");
    services.clock.advance(400 * DAY_MS);
    expect(await rotations()).toEqual([]);
    expect(await status()).toMatchObject({ KeyRotationEnabled: true });
    await call("EnableKey");
    const nowMs = services.clock.nowMs();
    expect(await rotations()).toMatchObject([{ RotationDate: nowMs }]);
    expect(await status()).toMatchObject({ NextRotationDate: nowMs + 90 * DAY_MS });
  });

  it("reads as off while the key waits for its deletion, and is back when that is cancelled", async () => {
    await call("EnableKeyRotation");
    await call("ScheduleKeyDeletion");
    expect(await status()).toStrictEqual({ KeyRotationEnabled: false, KeyId: keyArn });
    await call("CancelKeyDeletion");
    expect(await status()).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 365 });
  });

  it("is on for AWS managed keys, and nobody can change that", async () => {
    const { KeyMetadata } = await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("DescribeKey", {
      KeyId: "alias/aws/ssm",
    });
    ({ KeyId: keyId, Arn: keyArn } = KeyMetadata);
    services.clock.advance(366 * DAY_MS);
    expect(await status()).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 365 });
    expect(await rotations()).toMatchObject([{ RotationType: "AUTOMATIC" }]);
    for (const operation of ["DisableKeyRotation", "EnableKeyRotation", "RotateKeyOnDemand"]) {
      expect(await failure(operation)).toBe(
        `AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: kms:${operation} on ` +
          `resource: ${keyArn} because no resource-based policy allows the kms:${operation} action`,
      );
    }
  });
});

describe("RotateKeyOnDemand", () => {
  it("makes new material, of which the answers tell, and answers the ARN", async () => {
    const first = await currentMaterial();
    const old = await encrypt();
    expect(await call("RotateKeyOnDemand")).toStrictEqual({ KeyId: keyArn });
    const second = await currentMaterial();
    expect(second).not.toBe(first);
    expect(await rotations()).toStrictEqual([
      {
        ...{ KeyId: keyArn, KeyMaterialId: second, KeyMaterialState: "CURRENT" },
        ...{ RotationDate: services.clock.nowMs(), RotationType: "ON_DEMAND" },
      },
    ]);
    expect(await rotations({ IncludeKeyMaterial: "ALL_KEY_MATERIAL" })).toMatchObject([
      { KeyMaterialId: first, KeyMaterialState: "NON_CURRENT" },
      { KeyMaterialId: second, KeyMaterialState: "CURRENT" },
    ]);
    expect(await call("GenerateDataKey", { KeySpec: "AES_256" })).toMatchObject({ KeyMaterialId: second });
    expect(await call("ReEncrypt", { CiphertextBlob: old, DestinationKeyId: keyId })).toMatchObject({
      SourceKeyMaterialId: first,
      DestinationKeyMaterialId: second,
    });
  });

  it("leaves the automatic schedule as it is", async () => {
    await call("EnableKeyRotation");
    const before = await status();
    services.clock.advance(DAY_MS);
    await call("RotateKeyOnDemand");
    expect(await status()).toStrictEqual(before);
  });

  it("is done 25 times for a key", async () => {
    for (let count = 0; count < 25; count++) await call("RotateKeyOnDemand");
    expect(await failure("RotateKeyOnDemand")).toBe(
      "LimitExceededException: The on-demand rotations limit has been reached for the given keyId. No more on-demand " +
        `rotations can be performed for this key: ${keyArn}`,
    );
  });
});

describe("ListKeyRotations", () => {
  it("gives pages", async () => {
    for (let count = 0; count < 3; count++) await call("RotateKeyOnDemand");
    const all = await rotations();
    const page = await call<{ Rotations: readonly Rotation[]; NextMarker: string }>("ListKeyRotations", { Limit: 2 });
    expect(page).toMatchObject({ Rotations: all.slice(0, 2), Truncated: true });
    const rest = await call("ListKeyRotations", { Limit: 2, Marker: page.NextMarker });
    expect(rest).toStrictEqual({ Rotations: all.slice(2), Truncated: false });
    expect(await failure("ListKeyRotations", { Marker: "x" })).toBe(
      "InvalidMarkerException: Could not deserialize marker",
    );
  });
});

describe("rotation refuses", () => {
  const CHANGES = ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"];
  it.each(CHANGES)("%s of keys in other states and of other kinds", async (operation) => {
    expect(await failure(operation, { KeyId: ABSENT })).toBe(
      `NotFoundException: Key 'arn:aws:kms:us-east-1:000000000000:key/${ABSENT}' does not exist`,
    );
    await call("DisableKey");
    expect(await failure(operation)).toBe(`DisabledException: ${keyArn} is disabled.`);
    await call("ScheduleKeyDeletion");
    expect(await failure(operation)).toBe(`KMSInvalidStateException: ${keyArn} is pending deletion.`);
    const hmac = await createKey({ KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    if (operation === "DisableKeyRotation") {
      expect(await call(operation, { KeyId: hmac.KeyId })).toStrictEqual({});
    } else {
      expect(await failure(operation, { KeyId: hmac.KeyId })).toBe("UnsupportedOperationException");
    }
    expect(await call("GetKeyRotationStatus", { KeyId: hmac.KeyId })).toStrictEqual({
      KeyRotationEnabled: false,
      KeyId: hmac.Arn,
    });
  });
});
