import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);

beforeEach(async () => {
  services = await openServices([kms]);
});
afterEach(() => services.close());

const Message = Buffer.from("what is authenticated");

async function createKey(bits: number) {
  const { KeyMetadata } = await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("CreateKey", {
    ...{ KeySpec: `HMAC_${bits}`, KeyUsage: "GENERATE_VERIFY_MAC" },
  });
  return KeyMetadata;
}

/** The secret that the store keeps. */
function secretOf(id: string): Uint8Array {
  const records = services.store.collection<{ material: { id: string; sealed: string }[] }>("kms/keys");
  const material = records.get(["000000000000", "us-east-1", id])?.material[0] ?? expect.fail("no material");
  return services.store.unseal(material.sealed, `kms/${id}/${material.id}`);
}

describe("GenerateMac and VerifyMac", () => {
  it.each([224, 256, 384, 512])("are HMAC with SHA-%i under a key as long as the hash", async (bits) => {
    const { KeyId, Arn } = await createKey(bits);
    const MacAlgorithm = `HMAC_SHA_${bits}`;
    const { Mac, ...answer } = await call<{ Mac: Uint8Array }>("GenerateMac", { KeyId, Message, MacAlgorithm });
    expect(answer).toEqual({ KeyId: Arn, MacAlgorithm });
    const secret = secretOf(KeyId);
    expect(secret).toHaveLength(bits / 8);
    expect(Buffer.from(Mac)).toEqual(createHmac(`sha${bits}`, secret).update(Message).digest());
    expect(await call("VerifyMac", { KeyId, Message, MacAlgorithm, Mac })).toEqual({
      ...{ KeyId: Arn, MacValid: true, MacAlgorithm },
    });
  });

  it("refuse another code without a word, and another algorithm with one", async () => {
    const { KeyId } = await createKey(256);
    const MacAlgorithm = "HMAC_SHA_256";
    const { Mac } = await call<{ Mac: Uint8Array }>("GenerateMac", { KeyId, Message, MacAlgorithm });
    const verify = (input: object) => failureOf(call("VerifyMac", { KeyId, Message, MacAlgorithm, Mac, ...input }));
    expect(await verify({ Message: Buffer.from("something else") })).toBe("KMSInvalidMacException");
    expect(await verify({ Mac: Buffer.from(Mac).subarray(1) })).toBe("KMSInvalidMacException");
    expect(await verify({ Mac: Buffer.from(Mac).fill(0) })).toBe("KMSInvalidMacException");
    expect(await verify({ MacAlgorithm: "HMAC_SHA_512" })).toBe(
      "InvalidKeyUsageException: Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.",
    );
    expect(await verify({ DryRun: true })).toBe(
      "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
    );
  });

  it("take messages of 1 to 4096 bytes", async () => {
    const { KeyId } = await createKey(224);
    const generate = (length: number) =>
      call("GenerateMac", { KeyId, Message: Buffer.alloc(length), MacAlgorithm: "HMAC_SHA_224" });
    await generate(4096);
    expect(await failureOf(generate(4097))).toBe(
      "ValidationException: 1 validation error detected: Value at 'message' failed to satisfy constraint: " +
        "Member must have length less than or equal to 4096",
    );
  });
});
