import { execFileSync, spawnSync } from "node:child_process";
import { constants, createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
const keys = new Map<string, { id: string; arn: string; publicKey: KeyObject }>();

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);

const RSA = ["RSASSA_PKCS1_V1_5", "RSASSA_PSS"].flatMap((scheme) => [256, 384, 512].map((n) => `${scheme}_SHA_${n}`));
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  RSA_2048: RSA,
  RSA_3072: RSA,
  ECC_NIST_P256: ["ECDSA_SHA_256"],
  ECC_NIST_P384: ["ECDSA_SHA_384"],
  ECC_NIST_P521: ["ECDSA_SHA_512"],
  ECC_SECG_P256K1: ["ECDSA_SHA_256"],
};
const CASES = Object.entries(ALGORITHMS).flatMap(([spec, algorithms]) =>
  algorithms.map((name) => [spec, name] as const),
);

beforeAll(async () => {
  services = await openServices([kms]);
  for (const spec of [...Object.keys(ALGORITHMS), "ECC_NIST_EDWARDS25519"]) {
    const { KeyMetadata } = await call<{ KeyMetadata: { KeyId: string; Arn: string } }>("CreateKey", {
      ...{ KeySpec: spec, KeyUsage: "SIGN_VERIFY" },
    });
    const { PublicKey } = await call<{ PublicKey: Uint8Array }>("GetPublicKey", { KeyId: KeyMetadata.KeyId });
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), type: "spki", format: "der" });
    keys.set(spec, { id: KeyMetadata.KeyId, arn: KeyMetadata.Arn, publicKey });
  }
});
afterAll(() => services.close());

const keyOf = (spec: string) => keys.get(spec) ?? expect.fail(`no key ${spec}`);
const Message = Buffer.from("the message");
const hashOf = (algorithm: string): string => `sha${algorithm.slice(-3)}`;
const digestOf = (algorithm: string): Buffer => createHash(hashOf(algorithm)).update(Message).digest();

const sign = (spec: string, SigningAlgorithm: string, input: object = {}) =>
  call<{ Signature: Uint8Array }>("Sign", { KeyId: keyOf(spec).id, Message, SigningAlgorithm, ...input });
const verifies = (spec: string, SigningAlgorithm: string, Signature: Uint8Array, input: object = {}) =>
  call("Verify", { KeyId: keyOf(spec).id, Message, SigningAlgorithm, Signature, ...input });

/** What node:crypto says of a signature of the message. */
const isValid = (spec: string, algorithm: string, signature: Uint8Array): boolean => {
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const key = { key: keyOf(spec).publicKey, ...(algorithm.startsWith("RSASSA_PSS") && padding) };
  return verify(hashOf(algorithm), Message, key, signature);
};

describe("Sign and Verify", () => {
  it.each(CASES)("%s signs messages and digests with %s", async (spec, algorithm) => {
    const digest = { Message: digestOf(algorithm), MessageType: "DIGEST" };
    const answer = { KeyId: keyOf(spec).arn, SigningAlgorithm: algorithm };
    for (const asked of [{}, { MessageType: "RAW" }, digest]) {
      const signed = await sign(spec, algorithm, asked);
      expect(signed).toEqual({ ...answer, Signature: expect.any(Uint8Array) });
      expect(isValid(spec, algorithm, signed.Signature)).toBe(true);
      // However it was made, as a signature of the message and as one of its digest.
      for (const given of [{}, digest]) {
        expect(await verifies(spec, algorithm, signed.Signature, given)).toEqual({ ...answer, SignatureValid: true });
      }
    }
  });

  it.each(CASES)("%s refuses other signatures with %s", async (spec, algorithm) => {
    const { Signature } = await sign(spec, algorithm);
    const digest = digestOf(algorithm);
    const changed = Buffer.from(Signature);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    const wrong = [
      changed,
      Buffer.from(Signature).subarray(1),
      Buffer.concat([Signature, Buffer.of(0)]),
      Buffer.of(0x30),
    ];
    // Not less than any modulus, and no two numbers.
    wrong.push(Buffer.alloc(Signature.length, 0xff));
    for (const signature of wrong) {
      for (const given of [{}, { Message: digest, MessageType: "DIGEST" }]) {
        expect(await failureOf(verifies(spec, algorithm, signature, given))).toBe("KMSInvalidSignatureException");
      }
    }
    const other = Buffer.from(digest).reverse();
    expect(await failureOf(verifies(spec, algorithm, Signature, { Message: other, MessageType: "DIGEST" }))).toBe(
      "KMSInvalidSignatureException",
    );
    // A digest taken for a message is hashed again.
    expect(await failureOf(verifies(spec, algorithm, Signature, { Message: digest }))).toBe(
      "KMSInvalidSignatureException",
    );
  });

  it("takes digests of the algorithm's length only", async () => {
    for (const MessageType of ["DIGEST"]) {
      expect(await failureOf(sign("RSA_2048", "RSASSA_PSS_SHA_256", { MessageType }))).toBe(
        "ValidationException: Digest is invalid length for algorithm RSASSA_PSS_SHA_256.",
      );
      const digest = { Message: Buffer.alloc(32), MessageType };
      expect(await failureOf(verifies("ECC_NIST_P384", "ECDSA_SHA_384", Buffer.alloc(70), digest))).toBe(
        "ValidationException: Digest is invalid length for algorithm ECDSA_SHA_384.",
      );
    }
    expect(await failureOf(sign("RSA_2048", "RSASSA_PSS_SHA_256", { MessageType: "EXTERNAL_MU" }))).toBe(
      "ValidationException: Message type EXTERNAL_MU is incompatible with key spec RSA_2048.",
    );
  });

  it("takes messages of 1 to 4096 bytes", async () => {
    expect(await failureOf(sign("ECC_NIST_P256", "ECDSA_SHA_256", { Message: Buffer.alloc(0) }))).toBe(
      "ValidationException: 1 validation error detected: Value at 'message' failed to satisfy constraint: " +
        "Member must have length greater than or equal to 1",
    );
    expect(await failureOf(sign("ECC_NIST_P256", "ECDSA_SHA_256", { Message: Buffer.alloc(4097) }))).toBe(
      "ValidationException: 1 validation error detected: Value at 'message' failed to satisfy constraint: " +
        "Member must have length less than or equal to 4096",
    );
    await sign("ECC_NIST_P256", "ECDSA_SHA_256", { Message: Buffer.alloc(4096) });
  });

  it("signs messages with Ed25519, and does not offer Ed25519ph", async () => {
    const spec = "ECC_NIST_EDWARDS25519";
    const { Signature } = await sign(spec, "ED25519_SHA_512");
    expect(verify(null, Message, keyOf(spec).publicKey, Signature)).toBe(true);
    expect(await verifies(spec, "ED25519_SHA_512", Signature)).toMatchObject({ SignatureValid: true });
    expect(await failureOf(verifies(spec, "ED25519_SHA_512", Buffer.alloc(64)))).toBe("KMSInvalidSignatureException");
    expect(await failureOf(sign(spec, "ED25519_SHA_512", { Message: Buffer.alloc(64), MessageType: "DIGEST" }))).toBe(
      "ValidationException: Message type DIGEST is incompatible with algorithm ED25519_SHA_512.",
    );
    expect(await failureOf(sign(spec, "ED25519_PH_SHA_512"))).toBe(
      "ValidationException: Message type RAW is incompatible with algorithm ED25519_PH_SHA_512.",
    );
    const digest = { Message: Buffer.alloc(64), MessageType: "DIGEST" };
    expect(await failureOf(sign(spec, "ED25519_PH_SHA_512", digest))).toBe(
      "UnsupportedOperationException: kiln does not offer the signing algorithm `ED25519_PH_SHA_512` (docs/coverage.md)",
    );
  });

  it("only says in a dry run whether it would", async () => {
    const dry = "DryRunOperationException: The request would have succeeded, but the DryRun option is set.";
    const { Signature } = await sign("ECC_NIST_P256", "ECDSA_SHA_256");
    expect(await failureOf(sign("ECC_NIST_P256", "ECDSA_SHA_256", { DryRun: true }))).toBe(dry);
    expect(await failureOf(verifies("ECC_NIST_P256", "ECDSA_SHA_256", Signature, { DryRun: true }))).toBe(dry);
    expect(await failureOf(sign("ECC_NIST_P256", "ECDSA_SHA_384", { DryRun: true }))).toBe(
      "InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.",
    );
  });
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("openssl", () => {
  it.each([
    ["RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", []],
    ["RSA_3072", "RSASSA_PSS_SHA_384", ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"]],
    ["ECC_NIST_P521", "ECDSA_SHA_512", []],
    ["ECC_SECG_P256K1", "ECDSA_SHA_256", []],
  ])("agrees with what %s signs with %s", async (spec, algorithm, options) => {
    const digest = digestOf(algorithm);
    const { Signature } = await sign(spec, algorithm, { Message: digest, MessageType: "DIGEST" });
    const folder = mkdtempSync(join(tmpdir(), "kiln-sign-"));
    try {
      const file = (name: string, content: string | Uint8Array): string => {
        writeFileSync(join(folder, name), content);
        return join(folder, name);
      };
      const output = execFileSync("openssl", [
        ...["pkeyutl", "-verify", "-pubin"],
        ...["-inkey", file("key.pem", keyOf(spec).publicKey.export({ type: "spki", format: "pem" }).toString())],
        ...["-in", file("digest", digest), "-sigfile", file("signature", Signature)],
        ...["-pkeyopt", `digest:${hashOf(algorithm)}`, ...options],
      ]);
      expect(output.toString()).toContain("Signature Verified Successfully");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
