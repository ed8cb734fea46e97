import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

interface PairAnswer {
  readonly PrivateKeyPlaintext: Uint8Array;
  readonly PrivateKeyCiphertextBlob: Uint8Array;
  readonly PublicKey: Uint8Array;
}

let services: ServicesFixture;
let key: { KeyId: string; Arn: string; CurrentKeyMaterialId: string };
const call = <O = PairAnswer>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);

beforeAll(async () => {
  services = await openServices([kms]);
  key = (await call<{ KeyMetadata: typeof key }>("CreateKey", {})).KeyMetadata;
});
afterAll(() => services.close());

const EncryptionContext = { app: "a" };

describe("a data key pair", () => {
  it.each([
    ["RSA_2048", "sha256"],
    ["RSA_3072", "sha256"],
    ["ECC_NIST_P256", "sha256"],
    ["ECC_NIST_P384", "sha256"],
    ["ECC_NIST_P521", "sha256"],
    ["ECC_SECG_P256K1", "sha256"],
    ["ECC_NIST_EDWARDS25519", null],
  ])("of %s is one, and its private key decrypts under the context only", async (KeyPairSpec, hash) => {
    const answer = await call("GenerateDataKeyPair", { KeyId: key.KeyId, KeyPairSpec, EncryptionContext });
    const facts = { KeyId: key.Arn, KeyPairSpec, KeyMaterialId: key.CurrentKeyMaterialId };
    expect(answer).toEqual({
      ...facts,
      PrivateKeyPlaintext: expect.any(Uint8Array),
      PrivateKeyCiphertextBlob: expect.any(Uint8Array),
      PublicKey: expect.any(Uint8Array),
    });
    const der = { format: "der" } as const;
    const privateKey = createPrivateKey({ key: Buffer.from(answer.PrivateKeyPlaintext), type: "pkcs8", ...der });
    const publicKey = createPublicKey({ key: Buffer.from(answer.PublicKey), type: "spki", ...der });
    const message = Buffer.from("m");
    expect(verify(hash, message, publicKey, sign(hash, message, privateKey))).toBe(true);
    const CiphertextBlob = answer.PrivateKeyCiphertextBlob;
    const decrypted = await call<{ Plaintext: Uint8Array }>("Decrypt", { CiphertextBlob, EncryptionContext });
    expect(Buffer.from(decrypted.Plaintext)).toEqual(Buffer.from(answer.PrivateKeyPlaintext));
    expect(await failureOf(call("Decrypt", { CiphertextBlob }))).toBe("InvalidCiphertextException");
  });

  it("comes without its private key in the open where that is asked for", async () => {
    const input = { KeyId: key.KeyId, KeyPairSpec: "ECC_NIST_P256" };
    const answer = await call("GenerateDataKeyPairWithoutPlaintext", input);
    expect(Object.keys(answer).sort()).toEqual([
      ...["KeyId", "KeyMaterialId", "KeyPairSpec", "PrivateKeyCiphertextBlob", "PublicKey"],
    ]);
    const { Plaintext } = await call<{ Plaintext: Uint8Array }>("Decrypt", {
      CiphertextBlob: answer.PrivateKeyCiphertextBlob,
    });
    const privateKey = createPrivateKey({ key: Buffer.from(Plaintext), type: "pkcs8", format: "der" });
    expect(createPublicKey(privateKey).export({ type: "spki", format: "der" })).toEqual(Buffer.from(answer.PublicKey));
  });

  it("is refused by name where it is not offered, and not made in a dry run", async () => {
    const input = { KeyId: key.KeyId, KeyPairSpec: "SM2", DryRun: true };
    expect(await failureOf(call("GenerateDataKeyPair", input))).toBe(
      "UnsupportedOperationException: kiln does not offer KeyPairSpec `SM2` (docs/coverage.md)",
    );
    const dry = { KeyId: key.KeyId, KeyPairSpec: "RSA_4096", DryRun: true };
    for (const operation of ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"]) {
      expect(await failureOf(call(operation, dry))).toBe(
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
      );
    }
  });
});
