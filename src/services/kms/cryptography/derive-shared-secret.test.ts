import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);

beforeAll(async () => {
  services = await openServices([kms]);
});
afterAll(() => services.close());

async function createKey(KeySpec: string) {
  const { KeyMetadata } = await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("CreateKey", {
    ...{ KeySpec, KeyUsage: "KEY_AGREEMENT" },
  });
  const { PublicKey } = await call<{ PublicKey: Uint8Array }>("GetPublicKey", { KeyId: KeyMetadata.KeyId });
  return { ...KeyMetadata, PublicKey: Buffer.from(PublicKey) };
}

const spki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });
const derive = (KeyId: string, PublicKey: Uint8Array, input: object = {}) =>
  call<{ SharedSecret: Uint8Array }>("DeriveSharedSecret", {
    ...{ KeyId, PublicKey, KeyAgreementAlgorithm: "ECDH" },
    ...input,
  });

describe("DeriveSharedSecret", () => {
  it.each([
    ["ECC_NIST_P256", "P-256", 32],
    ["ECC_NIST_P384", "P-384", 48],
    ["ECC_NIST_P521", "P-521", 66],
  ])("is what the other side derives from the public key on %s", async (spec, namedCurve, bytes) => {
    const key = await createKey(spec);
    const other = generateKeyPairSync("ec", { namedCurve });
    const answer = await derive(key.KeyId, spki(other.publicKey));
    expect(answer).toEqual({
      ...{ KeyId: key.Arn, KeyAgreementAlgorithm: "ECDH", KeyOrigin: "AWS_KMS" },
      SharedSecret: expect.any(Uint8Array),
    });
    const publicKey = createPublicKey({ key: key.PublicKey, type: "spki", format: "der" });
    expect(Buffer.from(answer.SharedSecret)).toEqual(diffieHellman({ privateKey: other.privateKey, publicKey }));
    expect(answer.SharedSecret).toHaveLength(bytes);
  });

  it("is the same for two keys of KMS", async () => {
    const [one, two] = [await createKey("ECC_NIST_P256"), await createKey("ECC_NIST_P256")];
    expect((await derive(one.KeyId, two.PublicKey)).SharedSecret).toEqual(
      (await derive(two.KeyId, one.PublicKey)).SharedSecret,
    );
  });

  it("takes public keys on the curve of the key only", async () => {
    const { KeyId } = await createKey("ECC_NIST_P256");
    const otherCurve = spki(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey);
    const edwards = spki(generateKeyPairSync("ed25519").publicKey);
    // The last bytes are a coordinate: no point of the curve any more.
    const offCurve = spki(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
    offCurve.fill(1, offCurve.length - 32);
    for (const publicKey of [Buffer.from("no key"), otherCurve, edwards, offCurve]) {
      expect(await failureOf(derive(KeyId, publicKey))).toBe(
        "ValidationException: The public key is not a valid public key for key spec ECC_NIST_P256.",
      );
    }
  });

  it("refuses enclaves, and says in a dry run whether it would", async () => {
    const { KeyId, PublicKey } = await createKey("ECC_NIST_P256");
    expect(await failureOf(derive(KeyId, PublicKey, { Recipient: {} }))).toBe(
      "UnsupportedOperationException: kiln does not offer `Recipient` (Nitro enclaves) (docs/coverage.md)",
    );
    expect(await failureOf(derive(KeyId, PublicKey, { DryRun: true }))).toBe(
      "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
    );
  });
});
