import { constants, createPublicKey, type KeyObject, privateDecrypt, publicEncrypt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
let keyId: string;
let keyArn: string;
let publicKey: KeyObject;
let symmetricId: string;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);

const createKey = async (input: object = {}) =>
  (await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("CreateKey", input)).KeyMetadata;

beforeAll(async () => {
  services = await openServices([kms]);
  ({ KeyId: keyId, Arn: keyArn } = await createKey({ KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" }));
  const { PublicKey } = await call<{ PublicKey: Uint8Array }>("GetPublicKey", { KeyId: keyId });
  publicKey = createPublicKey({ key: Buffer.from(PublicKey), type: "spki", format: "der" });
  ({ KeyId: symmetricId } = await createKey());
});
afterAll(() => services.close());

const Plaintext = Buffer.from("hunter2");
const encrypt = (EncryptionAlgorithm: string, input: object = {}) =>
  call<{ CiphertextBlob: Uint8Array }>("Encrypt", { KeyId: keyId, Plaintext, EncryptionAlgorithm, ...input });
const decrypt = (EncryptionAlgorithm: string, CiphertextBlob: Uint8Array, input: object = {}) =>
  call<{ Plaintext: Uint8Array }>("Decrypt", { KeyId: keyId, CiphertextBlob, EncryptionAlgorithm, ...input });

const ALGORITHMS = [
  ["RSAES_OAEP_SHA_1", "sha1", 214],
  ["RSAES_OAEP_SHA_256", "sha256", 190],
] as const;

describe("Encrypt and Decrypt under an RSA key", () => {
  it.each(ALGORITHMS)("with %s is plain OAEP of the key's length", async (algorithm, oaepHash) => {
    const { CiphertextBlob, ...answer } = await encrypt(algorithm);
    expect(answer).toEqual({ KeyId: keyArn, EncryptionAlgorithm: algorithm });
    expect(CiphertextBlob).toHaveLength(256);
    expect(await decrypt(algorithm, CiphertextBlob)).toEqual({ ...answer, Plaintext: expect.any(Uint8Array) });
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
    const elsewhere = publicEncrypt({ key: publicKey, ...padding }, Plaintext);
    expect(Buffer.from((await decrypt(algorithm, elsewhere)).Plaintext)).toEqual(Plaintext);
    const records = services.store.collection<{ material: { id: string; sealed: string }[] }>("kms/keys");
    const material = records.get(["000000000000", "us-east-1", keyId])?.material[0] ?? expect.fail("no material");
    const der = Buffer.from(services.store.unseal(material.sealed, `kms/${keyId}/${material.id}`));
    const key = { key: der, type: "pkcs8", format: "der", ...padding } as const;
    expect(privateDecrypt(key, CiphertextBlob)).toEqual(Plaintext);
  });

  it.each(ALGORITHMS)("with %s takes no more than fits", async (algorithm, _, maxBytes) => {
    await encrypt(algorithm, { Plaintext: Buffer.alloc(maxBytes) });
    expect(await failureOf(encrypt(algorithm, { Plaintext: Buffer.alloc(maxBytes + 1) }))).toBe(
      `ValidationException: Algorithm ${algorithm} and key spec RSA_2048 cannot encrypt data larger than ${maxBytes} bytes.`,
    );
  });

  it("refuses what it did not encrypt without a word", async () => {
    const { CiphertextBlob } = await encrypt("RSAES_OAEP_SHA_256");
    for (const blob of [
      Buffer.from("no ciphertext"),
      Buffer.alloc(256, 0xff),
      Buffer.from(CiphertextBlob).fill(1, 9),
    ]) {
      expect(await failureOf(decrypt("RSAES_OAEP_SHA_256", blob))).toBe("InvalidCiphertextException");
    }
    expect(await failureOf(decrypt("RSAES_OAEP_SHA_1", CiphertextBlob))).toBe("InvalidCiphertextException");
  });

  it("needs the key and the algorithm named", async () => {
    const { CiphertextBlob } = await encrypt("RSAES_OAEP_SHA_256");
    expect(await failureOf(call("Decrypt", { KeyId: keyId, CiphertextBlob }))).toBe("InvalidCiphertextException");
    expect(await failureOf(call("Decrypt", { CiphertextBlob, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }))).toBe(
      "ValidationException: KeyId must not be null",
    );
    expect(await failureOf(call("Decrypt", { CiphertextBlob }))).toBe("InvalidCiphertextException");
    expect(await failureOf(encrypt("RSAES_OAEP_SHA_256", { KeyId: symmetricId }))).toBe(
      "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.",
    );
    expect(await failureOf(decrypt("RSAES_OAEP_SHA_256", CiphertextBlob, { KeyId: symmetricId }))).toBe(
      "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.",
    );
  });

  it("has no encryption context", async () => {
    const text =
      "ValidationException: EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.";
    const EncryptionContext = { app: "a" };
    expect(await failureOf(encrypt("RSAES_OAEP_SHA_256", { EncryptionContext }))).toBe(text);
    const { CiphertextBlob } = await encrypt("RSAES_OAEP_SHA_256", { EncryptionContext: {} });
    expect(await failureOf(decrypt("RSAES_OAEP_SHA_256", CiphertextBlob, { EncryptionContext }))).toBe(text);
  });
});

describe("ReEncrypt", () => {
  it("goes from an RSA key to a symmetric one and back", async () => {
    const { CiphertextBlob } = await encrypt("RSAES_OAEP_SHA_256");
    const there = await call<{ CiphertextBlob: Uint8Array; DestinationKeyMaterialId: string }>("ReEncrypt", {
      ...{ CiphertextBlob, SourceKeyId: keyId, SourceEncryptionAlgorithm: "RSAES_OAEP_SHA_256" },
      DestinationKeyId: symmetricId,
    });
    expect(there).toEqual({
      CiphertextBlob: expect.any(Uint8Array),
      SourceKeyId: keyArn,
      KeyId: expect.stringContaining(symmetricId),
      SourceEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
      DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      DestinationKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const back = await call<{ CiphertextBlob: Uint8Array }>("ReEncrypt", {
      ...{ CiphertextBlob: there.CiphertextBlob, DestinationKeyId: keyId },
      DestinationEncryptionAlgorithm: "RSAES_OAEP_SHA_1",
    });
    expect(back).toEqual({
      CiphertextBlob: expect.any(Uint8Array),
      SourceKeyId: expect.stringContaining(symmetricId),
      KeyId: keyArn,
      SourceEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      DestinationEncryptionAlgorithm: "RSAES_OAEP_SHA_1",
      SourceKeyMaterialId: there.DestinationKeyMaterialId,
    });
    expect(Buffer.from((await decrypt("RSAES_OAEP_SHA_1", back.CiphertextBlob)).Plaintext)).toEqual(Plaintext);
    expect(
      await failureOf(
        call("ReEncrypt", { CiphertextBlob, DestinationKeyId: keyId, SourceEncryptionAlgorithm: "RSAES_OAEP_SHA_1" }),
      ),
    ).toBe("ValidationException: SourceKeyId must not be null");
  });
});

describe("a dry run", () => {
  const dry = "DryRunOperationException: The request would have succeeded, but the DryRun option is set.";

  it("needs no ciphertext where it is told to ignore it", async () => {
    const ignoring = { DryRun: true, DryRunModifiers: ["IGNORE_CIPHERTEXT"] };
    expect(await failureOf(call("Decrypt", { KeyId: symmetricId, ...ignoring }))).toBe(dry);
    expect(
      await failureOf(call("ReEncrypt", { SourceKeyId: symmetricId, DestinationKeyId: symmetricId, ...ignoring })),
    ).toBe(dry);
    expect(await failureOf(call("Decrypt", { KeyId: keyId, ...ignoring }))).toBe(
      "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
    );
    expect(await failureOf(call("Decrypt", { KeyId: symmetricId, DryRun: true }))).toBe(
      "ValidationException: 1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
    );
  });

  it("checks the ciphertext of an RSA key", async () => {
    const { CiphertextBlob } = await encrypt("RSAES_OAEP_SHA_256");
    expect(await failureOf(decrypt("RSAES_OAEP_SHA_256", CiphertextBlob, { DryRun: true }))).toBe(dry);
    expect(await failureOf(decrypt("RSAES_OAEP_SHA_1", CiphertextBlob, { DryRun: true }))).toBe(
      "InvalidCiphertextException",
    );
  });
});
