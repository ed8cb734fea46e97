import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
let keyId: string;
let keyArn: string;

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);
const createKey = async (): Promise<{ KeyId: string; Arn: string }> =>
  (await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("CreateKey", {})).KeyMetadata;

beforeEach(async () => {
  services = await openServices([kms]);
  ({ KeyId: keyId, Arn: keyArn } = await createKey());
});
afterEach(() => services.close());

const encrypt = async (input: object = {}): Promise<Uint8Array> =>
  (await call<{ CiphertextBlob: Uint8Array }>("Encrypt", { KeyId: keyId, Plaintext: Buffer.from("hunter2"), ...input }))
    .CiphertextBlob;
const decrypt = (input: object) => call<{ Plaintext: Uint8Array; KeyId: string }>("Decrypt", input);

describe("Encrypt and Decrypt", () => {
  it("gives back any plaintext with any encryption context, in any order of its pairs", async () => {
    const contexts = fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 4096 }), contexts, async (plaintext, context) => {
        const blob = await encrypt({ Plaintext: plaintext, EncryptionContext: context });
        const reversed = Object.fromEntries(Object.entries(context).reverse());
        const answer = await decrypt({ CiphertextBlob: blob, EncryptionContext: reversed });
        expect(Buffer.from(answer.Plaintext)).toEqual(Buffer.from(plaintext));
      }),
      { numRuns: 50 },
    );
  });

  it("answers the key's ARN for every form of KeyId", async () => {
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId });
    for (const form of [keyId, keyArn, "alias/app", "arn:aws:kms:us-east-1:000000000000:alias/app"]) {
      const answer = await call("Encrypt", { KeyId: form, Plaintext: Buffer.from("x") });
      expect(answer).toMatchObject({ KeyId: keyArn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
    }
  });

  it("makes ciphertexts that differ each time and hold no plaintext", async () => {
    const [first, second] = [Buffer.from(await encrypt()), Buffer.from(await encrypt())];
    expect(first.equals(second)).toBe(false);
    expect(first.includes("hunter2")).toBe(false);
    expect(first.toString("base64")).toMatch(/^AQICAHg/);
  });

  it("refuses another encryption context, changed bytes and foreign bytes, without a text", async () => {
    const blob = Buffer.from(await encrypt({ EncryptionContext: { a: "1" } }));
    const changed = Buffer.from(blob);
    changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
    for (const input of [
      { CiphertextBlob: blob },
      { CiphertextBlob: blob, EncryptionContext: { a: "2" } },
      { CiphertextBlob: changed, EncryptionContext: { a: "1" } },
      { CiphertextBlob: Buffer.from("not a ciphertext") },
      { CiphertextBlob: blob.subarray(0, 40), EncryptionContext: { a: "1" } },
    ]) {
      expect(await failureOf(decrypt(input))).toBe("InvalidCiphertextException");
    }
  });

  it("refuses a KeyId that is not the ciphertext's", async () => {
    const other = await createKey();
    expect(await failureOf(decrypt({ CiphertextBlob: await encrypt(), KeyId: other.KeyId }))).toBe(
      "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.",
    );
  });

  it("says which key is unknown, in the form of the request", async () => {
    const failure = (KeyId: string) => failureOf(call("Encrypt", { KeyId, Plaintext: Buffer.from("x") }));
    const absent = "1234abcd-12ab-34cd-56ef-1234567890ab";
    expect(await failure(absent)).toBe(
      `NotFoundException: Key 'arn:aws:kms:us-east-1:000000000000:key/${absent}' does not exist`,
    );
    expect(await failure("fake-key-id")).toBe("NotFoundException: Invalid keyId 'fake-key-id'");
    expect(await failure("alias/none")).toBe(
      "NotFoundException: Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.",
    );
    expect(await failure(`arn:aws:kms:eu-west-1:000000000000:key/${absent}`)).toBe(
      "NotFoundException: Invalid arn eu-west-1",
    );
    const { KeyId, Arn } = await createKey();
    for (const other of [`key/${KeyId}`, Arn.replace("arn:aws:", "arn:aws-cn:"), "arn:aws:s3:::bucket"]) {
      expect(await failure(other)).toBe(`NotFoundException: Invalid keyId '${other}'`);
    }
  });

  it("refuses disabled keys, keys pending deletion and other algorithms", async () => {
    const blob = await encrypt();
    expect(await failureOf(encrypt({ EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }))).toBe(
      "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.",
    );
    await call("DisableKey", { KeyId: keyId });
    expect(await failureOf(encrypt())).toBe(`DisabledException: ${keyArn} is disabled.`);
    expect(await failureOf(decrypt({ CiphertextBlob: blob }))).toBe(`DisabledException: ${keyArn} is disabled.`);
    await call("ScheduleKeyDeletion", { KeyId: keyId, PendingWindowInDays: 7 });
    expect(await failureOf(decrypt({ CiphertextBlob: blob }))).toBe(
      `KMSInvalidStateException: ${keyArn} is pending deletion.`,
    );
    services.clock.advance(7 * 86_400_000);
    expect(await failureOf(decrypt({ CiphertextBlob: blob }))).toBe(
      "AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: kms:Decrypt on the " +
        "resource associated with this ciphertext because the resource does not exist in this Region, no resource-based " +
        "policies allow access, or a resource-based policy explicitly denies access",
    );
  });

  it("only says that a dry run would have succeeded", async () => {
    expect(await failureOf(encrypt({ DryRun: true }))).toBe(
      "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
    );
  });
});

describe("ReEncrypt", () => {
  it("moves a ciphertext to another key and context", async () => {
    const other = await createKey();
    const answer = await call<{ CiphertextBlob: Uint8Array }>("ReEncrypt", {
      CiphertextBlob: await encrypt({ EncryptionContext: { a: "1" } }),
      SourceEncryptionContext: { a: "1" },
      DestinationKeyId: other.KeyId,
      DestinationEncryptionContext: { b: "2" },
    });
    expect(answer).toMatchObject({ SourceKeyId: keyArn, KeyId: other.Arn });
    const decrypted = await decrypt({ CiphertextBlob: answer.CiphertextBlob, EncryptionContext: { b: "2" } });
    expect(Buffer.from(decrypted.Plaintext).toString()).toBe("hunter2");
    expect(decrypted.KeyId).toBe(other.Arn);
  });
});

describe("data keys", () => {
  it("are encrypted under the key and have the length asked for", async () => {
    for (const [input, length] of [
      [{ KeySpec: "AES_256" }, 32],
      [{ KeySpec: "AES_128" }, 16],
      [{ NumberOfBytes: 7 }, 7],
    ] as const) {
      const answer = await call<{ Plaintext: Uint8Array; CiphertextBlob: Uint8Array }>("GenerateDataKey", {
        KeyId: keyId,
        ...input,
      });
      expect(answer.Plaintext).toHaveLength(length);
      const decrypted = await decrypt({ CiphertextBlob: answer.CiphertextBlob });
      expect(Buffer.from(decrypted.Plaintext)).toEqual(Buffer.from(answer.Plaintext));
    }
    const without = await call("GenerateDataKeyWithoutPlaintext", { KeyId: keyId, KeySpec: "AES_256" });
    expect(without).not.toHaveProperty("Plaintext");
    expect(await failureOf(call("GenerateDataKey", { KeyId: keyId }))).toBe(
      "ValidationException: Please specify either number of bytes or key spec.",
    );
  });

  it("random bytes need a number", async () => {
    expect((await call<{ Plaintext: Uint8Array }>("GenerateRandom", { NumberOfBytes: 5 })).Plaintext).toHaveLength(5);
    expect(await failureOf(call("GenerateRandom", {}))).toBe("ValidationException: NumberOfBytes is required.");
  });
});
