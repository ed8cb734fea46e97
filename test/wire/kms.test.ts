/** The life of KMS keys, with the unmodified SDK v3 client against a started Kiln whose clock is moved. */
import { constants, createPublicKey, publicEncrypt, randomBytes } from "node:crypto";
import { KMS } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/core/clock.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let kms: KMS;
let west: KMS;

beforeAll(async () => {
  kiln = await startEndpoint();
  kms = new KMS(clientSettings(kiln.url));
  west = new KMS({ ...clientSettings(kiln.url), region: "us-west-2" });
});

afterAll(async () => {
  for (const client of [kms, west]) client.destroy();
  await kiln.close();
});

const Plaintext = Buffer.from("the secret");
const newKey = async (input = {}) => (await kms.createKey(input)).KeyMetadata?.KeyId as string;
const encrypted = async (KeyId: string) => (await kms.encrypt({ KeyId, Plaintext })).CiphertextBlob as Uint8Array;
const plaintextOf = async (client: KMS, CiphertextBlob: Uint8Array) =>
  Buffer.from((await client.decrypt({ CiphertextBlob })).Plaintext ?? []).toString();
const failureOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "succeeded",
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe("a key", () => {
  it("is disabled, enabled, scheduled for deletion, saved, and deleted when its day comes", async () => {
    const KeyId = await newKey({ Description: "app" });
    await kms.createAlias({ AliasName: "alias/app", TargetKeyId: KeyId });
    const blob = await encrypted("alias/app");
    expect(Buffer.from(blob).toString("base64")).toMatch(/^AQICAH/);
    const arn = `arn:aws:kms:us-east-1:${ACCOUNT}:key/${KeyId}`;
    await kms.disableKey({ KeyId });
    expect(await failureOf(plaintextOf(kms, blob))).toBe(`DisabledException: ${arn} is disabled.`);
    await kms.enableKey({ KeyId });
    expect(await plaintextOf(kms, blob)).toBe("the secret");
    const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    expect(scheduled).toMatchObject({ KeyId: arn, KeyState: "PendingDeletion", PendingWindowInDays: 7 });
    expect(scheduled.DeletionDate).toBeInstanceOf(Date);
    expect(await failureOf(plaintextOf(kms, blob))).toBe(`KMSInvalidStateException: ${arn} is pending deletion.`);
    await kms.cancelKeyDeletion({ KeyId });
    await kms.enableKey({ KeyId });
    expect(await plaintextOf(kms, blob)).toBe("the secret");
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await kiln.advance(7 * DAY_MS);
    expect(await failureOf(kms.describeKey({ KeyId }))).toBe(`NotFoundException: Key '${arn}' does not exist`);
    expect((await kms.listAliases({})).Aliases?.map((alias) => alias.AliasName)).not.toContain("alias/app");
  });

  it("rotates by the clock and on demand, and decrypts what all its materials encrypted", async () => {
    const KeyId = await newKey();
    const blobs = [await encrypted(KeyId)];
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    const status = await kms.getKeyRotationStatus({ KeyId });
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 90 });
    await kiln.advance(200 * DAY_MS);
    blobs.push(await encrypted(KeyId));
    await kms.rotateKeyOnDemand({ KeyId });
    blobs.push(await encrypted(KeyId));
    const { Rotations = [] } = await kms.listKeyRotations({ KeyId });
    expect(Rotations.map((rotation) => rotation.RotationType)).toEqual(["AUTOMATIC", "AUTOMATIC", "ON_DEMAND"]);
    expect(Rotations[0]?.RotationDate).toEqual(status.NextRotationDate);
    for (const blob of blobs) expect(await plaintextOf(kms, blob)).toBe("the secret");
    const materials = await Promise.all(blobs.map((CiphertextBlob) => kms.decrypt({ CiphertextBlob })));
    expect(new Set(materials.map((answer) => answer.KeyMaterialId)).size).toBe(3);
    expect((await kms.getKeyLastUsage({ KeyId })).KeyLastUsage).toMatchObject({ Operation: "Decrypt" });
  });

  it("takes imported material until that expires", async () => {
    const KeyId = await newKey({ Origin: "EXTERNAL" });
    const parameters = await kms.getParametersForImport({
      ...{ KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" },
    });
    const key = createPublicKey({ key: Buffer.from(parameters.PublicKey ?? []), type: "spki", format: "der" });
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const EncryptedKeyMaterial = publicEncrypt({ key, padding, oaepHash: "sha256" }, randomBytes(32));
    const nowMs = (await kms.describeKey({ KeyId })).KeyMetadata?.CreationDate?.getTime() ?? 0;
    await kms.importKeyMaterial({
      ...{ KeyId, ImportToken: parameters.ImportToken, EncryptedKeyMaterial },
      ...{ ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo: new Date(nowMs + DAY_MS) },
    });
    const blob = await encrypted(KeyId);
    expect(await plaintextOf(kms, blob)).toBe("the secret");
    await kiln.advance(DAY_MS);
    expect(await failureOf(plaintextOf(kms, blob))).toMatch(/^KMSInvalidStateException: .* is pending import\.$/);
  });

  it("works in several Regions", async () => {
    const KeyId = await newKey({ MultiRegion: true });
    const { ReplicaKeyMetadata } = await kms.replicateKey({ KeyId, ReplicaRegion: "us-west-2" });
    expect(ReplicaKeyMetadata?.MultiRegionConfiguration?.MultiRegionKeyType).toBe("REPLICA");
    expect(await plaintextOf(west, await encrypted(KeyId))).toBe("the secret");
    await kms.updatePrimaryRegion({ KeyId, PrimaryRegion: "us-west-2" });
    expect(await failureOf(kms.replicateKey({ KeyId, ReplicaRegion: "eu-west-1" }))).toBe(
      `UnsupportedOperationException: arn:aws:kms:us-east-1:${ACCOUNT}:key/${KeyId} is not a multi-region primary key.`,
    );
  });
});
