import { createCipheriv, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importInput, wrapMaterial, wrappingParameters } from "../../../../test/support/key-import.ts";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
let keyId: string;
let keyArn: string;

const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("kms", operation, { KeyId: keyId, ...input });
const failure = (operation: string, input: object = {}): Promise<string> => failureOf(call(operation, input));
const createKey = async (input: object): Promise<{ KeyId: string; Arn: string }> =>
  (await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>("kms", "CreateKey", input)).KeyMetadata;
const useKey = async (input: object): Promise<void> => {
  ({ KeyId: keyId, Arn: keyArn } = await createKey(input));
};
const described = async () => (await call<{ KeyMetadata: Record<string, unknown> }>("DescribeKey")).KeyMetadata;
const parameters = (input: object = {}) => wrappingParameters(services.root, keyId, input);

function twofoldWrapped(publicKey: Uint8Array, material: Buffer, oaepHash: string): Buffer {
  const aesKey = randomBytes(32);
  const cipher = createCipheriv("id-aes256-wrap-pad", aesKey, Buffer.from("A65959A6", "hex"));
  return Buffer.concat([wrapMaterial(publicKey, aesKey, oaepHash), cipher.update(material), cipher.final()]);
}

const FOREVER = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" };

const imported = async (material: Buffer, input: object = {}) =>
  call<{ KeyId: string; KeyMaterialId: string }>(
    "ImportKeyMaterial",
    await importInput(services.root, keyId, material, input),
  );
const encrypt = async (): Promise<Uint8Array> =>
  (await call<{ CiphertextBlob: Uint8Array }>("Encrypt", { Plaintext: Buffer.from("x") })).CiphertextBlob;

beforeEach(async () => {
  services = await openServices([kms]);
  await useKey({ Origin: "EXTERNAL" });
});
afterEach(() => services.close());

describe("a key with origin EXTERNAL", () => {
  it("waits for its import", async () => {
    expect(await described()).toMatchObject({ KeyState: "PendingImport", Enabled: false, Origin: "EXTERNAL" });
    const metadata = await described();
    expect(metadata).not.toHaveProperty("CurrentKeyMaterialId");
    expect(metadata).not.toHaveProperty("ExpirationModel");
    const text = `KMSInvalidStateException: ${keyArn} is pending import.`;
    expect(await failure("Encrypt", { Plaintext: Buffer.from("x") })).toBe(text);
    for (const operation of ["EnableKey", "DisableKey", "RotateKeyOnDemand"])
      expect(await failure(operation)).toBe(text);
    for (const operation of ["EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"]) {
      expect(await failure(operation)).toBe(
        `UnsupportedOperationException: ${keyArn} origin is EXTERNAL which is not valid for this operation.`,
      );
    }
  });

  it("encrypts with the material it was given, until that is deleted, and again when it is back", async () => {
    const material = randomBytes(32);
    const answer = await imported(material);
    expect(answer).toStrictEqual({ KeyId: keyArn, KeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await described()).toMatchObject({
      ...{ KeyState: "Enabled", Enabled: true, CurrentKeyMaterialId: answer.KeyMaterialId },
      ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    const CiphertextBlob = await encrypt();
    expect(await call("DeleteImportedKeyMaterial")).toStrictEqual(answer);
    expect(await described()).toMatchObject({ KeyState: "PendingImport", CurrentKeyMaterialId: answer.KeyMaterialId });
    expect(await failure("Decrypt", { CiphertextBlob })).toBe(`KMSInvalidStateException: ${keyArn} is pending import.`);
    expect(await failureOf(imported(randomBytes(32)))).toBe("IncorrectKeyMaterialException");
    expect(await imported(material)).toStrictEqual(answer);
    expect(await call("Decrypt", { CiphertextBlob })).toMatchObject({ Plaintext: Buffer.from("x") });
  });

  it("loses its material when that expires", async () => {
    const ValidTo = services.clock.nowMs() + 10 * DAY_MS;
    const material = randomBytes(32);
    await imported(material, { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo });
    expect(await described()).toMatchObject({ ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo, KeyState: "Enabled" });
    const CiphertextBlob = await encrypt();
    services.clock.advance(10 * DAY_MS);
    expect(await described()).toMatchObject({ KeyState: "PendingImport", Enabled: false });
    expect(await described()).not.toHaveProperty("ValidTo");
    await imported(material);
    expect(await call("Decrypt", { CiphertextBlob })).toMatchObject({ Plaintext: Buffer.from("x") });
  });

  it("keeps its material when it is imported again to stay", async () => {
    const material = randomBytes(32);
    const ValidTo = services.clock.nowMs() + 10 * DAY_MS;
    await imported(material, { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo });
    await imported(material);
    expect(await described()).toMatchObject({ ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" });
    expect(await described()).not.toHaveProperty("ValidTo");
    services.clock.advance(10 * DAY_MS);
    expect(await described()).toMatchObject({ KeyState: "Enabled" });
  });

  it("rotates on demand to new material that was imported for that", async () => {
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const { KeyMaterialId: firstId } = await imported(first, { KeyMaterialDescription: "A" });
    const old = await encrypt();
    expect(await failure("RotateKeyOnDemand")).toBe(
      `KMSInvalidStateException: No available key material pending rotation for the key: ${keyArn}.`,
    );
    const asNew = { ImportType: "NEW_KEY_MATERIAL" };
    expect(await failureOf(imported(first, asNew))).toBe("IncorrectKeyMaterialException");
    const { KeyMaterialId: secondId } = await imported(second, asNew);
    const list = () => call("ListKeyRotations", { IncludeKeyMaterial: "ALL_KEY_MATERIAL" });
    const known = { KeyId: keyArn, ImportState: "IMPORTED", ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" };
    const firstEntry = { ...known, KeyMaterialId: firstId, KeyMaterialDescription: "A" };
    expect(await list()).toStrictEqual({
      Truncated: false,
      Rotations: [
        { ...firstEntry, KeyMaterialState: "CURRENT" },
        { ...known, KeyMaterialId: secondId, KeyMaterialState: "PENDING_ROTATION" },
      ],
    });
    expect(await failureOf(imported(randomBytes(32), asNew))).toMatch(
      new RegExp(
        `^KMSInvalidStateException: New key material \\(id: [0-9a-f]{64}\\) cannot be imported into KMS key ${keyArn}, ` +
          `because another key material \\(id: ${secondId}\\) is pending rotation\\.$`,
      ),
    );
    expect(await described()).toMatchObject({ CurrentKeyMaterialId: firstId });
    await call("RotateKeyOnDemand");
    expect(await described()).toMatchObject({ CurrentKeyMaterialId: secondId });
    expect(await call("Decrypt", { CiphertextBlob: old })).toMatchObject({ KeyMaterialId: firstId });
    await call("DeleteImportedKeyMaterial", { KeyMaterialId: firstId });
    expect(await described()).toMatchObject({ KeyState: "PendingImport", CurrentKeyMaterialId: secondId });
    expect(await list()).toMatchObject({
      Rotations: [
        { KeyMaterialId: firstId, ImportState: "PENDING_IMPORT", KeyMaterialState: "NON_CURRENT" },
        { KeyMaterialId: secondId, KeyMaterialState: "CURRENT", RotationType: "ON_DEMAND" },
      ],
    });
    await imported(first, { ImportType: "EXISTING_KEY_MATERIAL", KeyMaterialId: firstId });
    expect(await call("Decrypt", { CiphertextBlob: await encrypt() })).toMatchObject({ KeyMaterialId: secondId });
  });

  it("forgets material that is deleted before its rotation", async () => {
    await imported(randomBytes(32));
    const { KeyMaterialId } = await imported(randomBytes(32), { ImportType: "NEW_KEY_MATERIAL" });
    await call("DeleteImportedKeyMaterial", { KeyMaterialId });
    expect(await described()).toMatchObject({ KeyState: "Enabled" });
    expect(await failure("DeleteImportedKeyMaterial", { KeyMaterialId })).toBe(
      `NotFoundException: Key material ${KeyMaterialId} is not associated with ${keyArn}`,
    );
  });
});

describe("GetParametersForImport", () => {
  it("answers a public key and a token for a day", async () => {
    const answer = await parameters({ WrappingKeySpec: "RSA_3072" });
    expect(answer).toMatchObject({ KeyId: keyArn, ParametersValidTo: services.clock.nowMs() + DAY_MS });
    const key = createPublicKey({ key: Buffer.from(answer.PublicKey), type: "spki", format: "der" });
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(3072);
    expect(answer.ImportToken.byteLength).toBeLessThanOrEqual(6144);
  });

  it.each(["SHA_1", "SHA_256"])("takes material that is wrapped twice, with %s", async (hash) => {
    const { ImportToken, PublicKey } = await parameters({ WrappingAlgorithm: `RSA_AES_KEY_WRAP_${hash}` });
    const oaepHash = hash === "SHA_1" ? "sha1" : "sha256";
    const EncryptedKeyMaterial = twofoldWrapped(PublicKey, randomBytes(32), oaepHash);
    await call("ImportKeyMaterial", { ImportToken, EncryptedKeyMaterial, ...FOREVER });
    expect(await described()).toMatchObject({ KeyState: "Enabled" });
  });

  it("refuses keys with material of AWS, and what is not offered", async () => {
    expect(await failureOf(parameters({ WrappingAlgorithm: "SM2PKE" }))).toMatch(
      /kiln does not offer WrappingAlgorithm/,
    );
    await useKey({});
    expect(await failureOf(parameters())).toBe(
      `UnsupportedOperationException: ${keyArn} origin is AWS_KMS which is not valid for this operation.`,
    );
    expect(await failure("DeleteImportedKeyMaterial")).toBe(
      `UnsupportedOperationException: ${keyArn} origin is AWS_KMS which is not valid for this operation.`,
    );
  });
});

describe("ImportKeyMaterial refuses", () => {
  it("dates that are missing, past, or too far away", async () => {
    const input = await importInput(services.root, keyId, randomBytes(32));
    const attempt = (more: object) => failure("ImportKeyMaterial", { ...input, ...more });
    expect(await attempt({ ExpirationModel: undefined })).toBe(
      "ValidationException: A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    );
    const nowMs = services.clock.nowMs();
    expect(await attempt({ ValidTo: nowMs + DAY_MS })).toBe(
      "ValidationException: A validTo date can not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
    );
    for (const ValidTo of [nowMs, nowMs + 366 * DAY_MS]) {
      expect(await attempt({ ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo })).toBe(
        "ValidationException: The validTo date must be in the future and at most 365 days from now",
      );
    }
  });

  it("tokens that are none, old, or another key's", async () => {
    const input = await importInput(services.root, keyId, randomBytes(32));
    expect(await failure("ImportKeyMaterial", { ...input, ImportToken: Buffer.from("x") })).toBe(
      "InvalidImportTokenException",
    );
    const other = await createKey({ Origin: "EXTERNAL" });
    expect(await failure("ImportKeyMaterial", { ...input, KeyId: other.KeyId })).toBe("InvalidImportTokenException");
    services.clock.advance(DAY_MS);
    expect(await failure("ImportKeyMaterial", input)).toBe("ExpiredImportTokenException");
  });

  it("material that is wrapped otherwise, or has another length", async () => {
    const { ImportToken, PublicKey } = await parameters();
    const attempt = (EncryptedKeyMaterial: Buffer) =>
      failure("ImportKeyMaterial", { ImportToken, EncryptedKeyMaterial, ...FOREVER });
    expect(await attempt(wrapMaterial(PublicKey, randomBytes(32), "sha1"))).toBe("InvalidCiphertextException");
    expect(await attempt(randomBytes(256))).toBe("InvalidCiphertextException");
    expect(await attempt(randomBytes(255))).toBe("ValidationException: Invalid encrypted key size.");
    expect(await attempt(wrapMaterial(PublicKey, randomBytes(16)))).toBe("IncorrectKeyMaterialException");
  });

  it("a key that waits for its deletion", async () => {
    const input = await importInput(services.root, keyId, randomBytes(32));
    await call("ScheduleKeyDeletion");
    expect(await failure("ImportKeyMaterial", input)).toBe(`KMSInvalidStateException: ${keyArn} is pending deletion.`);
    await call("CancelKeyDeletion");
    expect(await described()).toMatchObject({ KeyState: "PendingImport" });
  });
});

describe("other kinds of keys", () => {
  it("take their material too: HMAC", async () => {
    await useKey({ Origin: "EXTERNAL", KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    expect(await imported(randomBytes(32))).toStrictEqual({ KeyId: keyArn });
    const mac = { Message: Buffer.from("x"), MacAlgorithm: "HMAC_SHA_256" };
    const { Mac } = await call<{ Mac: Uint8Array }>("GenerateMac", mac);
    expect(await call("VerifyMac", { ...mac, Mac })).toMatchObject({ MacValid: true });
  });

  it("take their material too: an elliptic curve's private key, and no other curve's", async () => {
    await useKey({ Origin: "EXTERNAL", KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const pair = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
    const bytes = ({ privateKey }: ReturnType<typeof pair>): Buffer =>
      privateKey.export({ type: "pkcs8", format: "der" });
    expect(await failureOf(imported(bytes(pair("secp256k1"))))).toBe("IncorrectKeyMaterialException");
    const own = pair("prime256v1");
    await imported(bytes(own));
    const { PublicKey } = await call<{ PublicKey: Uint8Array }>("GetPublicKey");
    expect(Buffer.from(PublicKey)).toEqual(own.publicKey.export({ type: "spki", format: "der" }));
  });
});
