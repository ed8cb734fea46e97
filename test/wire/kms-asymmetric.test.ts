/** KMS's pairs, HMAC keys and key agreement over HTTP: the SDK v3 client and unmodified aws CLIs against a started Kiln. */
import { createECDH, createHash, createPublicKey, verify } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Kms from "@aws-sdk/client-kms";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { SSM } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let kms: Kms.KMS;

beforeAll(async () => {
  kiln = await startEndpoint();
  kms = new Kms.KMS(clientSettings(kiln.url));
});
afterAll(async () => {
  kms.destroy();
  await kiln.close();
});

const Message = Buffer.from("the message");

async function createKey(KeySpec: Kms.KeySpec, KeyUsage: Kms.KeyUsageType): Promise<string> {
  const { KeyMetadata } = await kms.createKey({ KeySpec, KeyUsage });
  return KeyMetadata?.KeyId ?? expect.fail("no key");
}

describe("the SDK", () => {
  it("signs a digest with an RSA key, and checks it with the public key outside of KMS", async () => {
    const KeyId = await createKey("RSA_2048", "SIGN_VERIFY");
    const { PublicKey, SigningAlgorithms } = await kms.getPublicKey({ KeyId });
    expect(SigningAlgorithms).toContain("RSASSA_PKCS1_V1_5_SHA_256");
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey ?? []), type: "spki", format: "der" });
    const { Signature = new Uint8Array() } = await kms.sign({
      ...{ KeyId, Message: createHash("sha256").update(Message).digest(), MessageType: "DIGEST" },
      SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_256",
    });
    expect(verify("sha256", Message, publicKey, Signature)).toBe(true);
    const verified = { KeyId, Message, Signature, SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_256" } as const;
    expect(await kms.verify(verified)).toMatchObject({ SignatureValid: true });
    const failure = kms.verify({ ...verified, Message: Buffer.from("another") });
    await expect(failure).rejects.toBeInstanceOf(Kms.KMSInvalidSignatureException);
    await expect(kms.verify({ ...verified, SigningAlgorithm: "ECDSA_SHA_256" })).rejects.toMatchObject({
      ...{ name: "InvalidKeyUsageException" },
      message: "Algorithm ECDSA_SHA_256 is incompatible with key spec RSA_2048.",
    });
  });

  it("encrypts under an RSA key and decrypts again", async () => {
    const KeyId = await createKey("RSA_2048", "ENCRYPT_DECRYPT");
    const EncryptionAlgorithm = "RSAES_OAEP_SHA_256";
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: Message, EncryptionAlgorithm });
    const { Plaintext, KeyMaterialId } = await kms.decrypt({ KeyId, CiphertextBlob, EncryptionAlgorithm });
    expect(Buffer.from(Plaintext ?? [])).toEqual(Message);
    expect(KeyMaterialId).toBeUndefined();
  });

  it("generates and verifies codes with an HMAC key", async () => {
    const KeyId = await createKey("HMAC_384", "GENERATE_VERIFY_MAC");
    const { Mac } = await kms.generateMac({ KeyId, Message, MacAlgorithm: "HMAC_SHA_384" });
    expect(Mac).toHaveLength(48);
    expect(await kms.verifyMac({ KeyId, Message, Mac, MacAlgorithm: "HMAC_SHA_384" })).toMatchObject({
      MacValid: true,
    });
    const failure = kms.verifyMac({ KeyId, Message, Mac: Buffer.alloc(48), MacAlgorithm: "HMAC_SHA_384" });
    await expect(failure).rejects.toBeInstanceOf(Kms.KMSInvalidMacException);
  });

  it("agrees with somebody's key on a secret", async () => {
    const [one, two] = [
      await createKey("ECC_NIST_P384", "KEY_AGREEMENT"),
      await createKey("ECC_NIST_P384", "KEY_AGREEMENT"),
    ];
    const derive = async (KeyId: string, from: string) => {
      const { PublicKey } = await kms.getPublicKey({ KeyId: from });
      return kms.deriveSharedSecret({ KeyId, PublicKey, KeyAgreementAlgorithm: "ECDH" });
    };
    const { SharedSecret } = await derive(one, two);
    expect(SharedSecret).toHaveLength(48);
    expect((await derive(two, one)).SharedSecret).toEqual(SharedSecret);
    const ecdh = createECDH("prime256v1");
    ecdh.generateKeys();
    await expect(
      kms.deriveSharedSecret({ KeyId: one, PublicKey: ecdh.getPublicKey(), KeyAgreementAlgorithm: "ECDH" }),
    ).rejects.toMatchObject({ name: "ValidationException" });
  });

  it("makes data key pairs", async () => {
    const { KeyMetadata } = await kms.createKey({});
    const pair = await kms.generateDataKeyPair({ KeyId: KeyMetadata?.KeyId, KeyPairSpec: "ECC_NIST_P256" });
    const { Plaintext } = await kms.decrypt({ CiphertextBlob: pair.PrivateKeyCiphertextBlob });
    expect(Plaintext).toEqual(pair.PrivateKeyPlaintext);
    await expect(
      kms.generateDataKeyPair({ KeyId: KeyMetadata?.KeyId, KeyPairSpec: "RSA_2048", DryRun: true }),
    ).rejects.toBeInstanceOf(Kms.DryRunOperationException);
  });
});

describe("services that encrypt under a key", () => {
  it("refuse keys that are no symmetric encryption keys, with KMS's words", async () => {
    const [rsa, ecc] = [
      await createKey("RSA_2048", "ENCRYPT_DECRYPT"),
      await createKey("ECC_NIST_P256", "SIGN_VERIFY"),
    ];
    const ssm = new SSM(clientSettings(kiln.url));
    const secrets = new SecretsManager(clientSettings(kiln.url));
    try {
      const parameter = { Name: "/app/password", Value: "1", Type: "SecureString", KeyId: rsa } as const;
      await expect(ssm.putParameter(parameter)).rejects.toMatchObject({
        name: "InvalidKeyId",
        message: expect.stringMatching(
          /^Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048\. \(Service: AWSKMS; Status Code: 400; Error Code: InvalidKeyUsageException; /,
        ),
      });
      await expect(ssm.putParameter({ ...parameter, KeyId: ecc })).rejects.toMatchObject({
        name: "InvalidKeyId",
        message: expect.stringMatching(
          / key usage is SIGN_VERIFY which is not valid for Encrypt\. \(Service: AWSKMS; /,
        ),
      });
      const secret = secrets.createSecret({ Name: "app/db", SecretString: "1", KmsKeyId: rsa });
      await expect(secret).rejects.toMatchObject({ name: "EncryptionFailure" });
    } finally {
      ssm.destroy();
      secrets.destroy();
    }
  });
});

const clis = findAwsClis();

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  it("signs and verifies, and says when a signature is wrong", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kiln-kms-"));
    try {
      const KeyId = await createKey("ECC_NIST_P256", "SIGN_VERIFY");
      const file = join(folder, "message");
      await writeFile(file, Message);
      const about = ["--key-id", KeyId, "--message", `fileb://${file}`, "--signing-algorithm", "ECDSA_SHA_256"];
      const signed = await runAws(cli, kiln.url, ["kms", "sign", ...about]);
      expect(signed.stderr).toBe("");
      const signature = Buffer.from(JSON.parse(signed.stdout).Signature, "base64");
      const signatureFile = join(folder, "signature");
      const verified = async (bytes: Buffer) => {
        await writeFile(signatureFile, bytes);
        return runAws(cli, kiln.url, ["kms", "verify", ...about, "--signature", `fileb://${signatureFile}`]);
      };
      expect(JSON.parse((await verified(signature)).stdout)).toMatchObject({ SignatureValid: true });
      expect((await verified(signature.subarray(1))).stderr.trim()).toMatch(
        /^An error occurred \(KMSInvalidSignatureException\) when calling the Verify operation:/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
