import { createPublicKey } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

type Answer = Record<string, unknown>;
let services: ServicesFixture;

const call = <O = Answer>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("kms", operation, input);
const createKey = async (KeySpec: string, KeyUsage: string): Promise<Answer & { KeyId: string; Arn: string }> =>
  (await call<{ KeyMetadata: Answer & { KeyId: string; Arn: string } }>("CreateKey", { KeySpec, KeyUsage }))
    .KeyMetadata;

beforeEach(async () => {
  services = await openServices([kms]);
});
afterEach(() => services.close());

const RSA_SIGNING = [
  ...["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512"],
  ...["RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"],
];
const OAEP = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const PAIRS = [
  ["RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", OAEP],
  ["RSA_3072", "SIGN_VERIFY", "SigningAlgorithms", RSA_SIGNING],
  ["ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]],
  ["ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_384"]],
  ["ECC_NIST_P521", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_512"]],
  ["ECC_NIST_P384", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"]],
  ["ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]],
  ["ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", ["ED25519_PH_SHA_512", "ED25519_SHA_512"]],
] as const;
const HMACS = [224, 256, 384, 512].map(
  (bits) => [`HMAC_${bits}`, "GENERATE_VERIFY_MAC", "MacAlgorithms", [`HMAC_SHA_${bits}`]] as const,
);

describe("a key of another kind", () => {
  it.each([...PAIRS, ...HMACS])("%s for %s is described as such", async (spec, usage, list, algorithms) => {
    const key = await createKey(spec, usage);
    expect(key).toEqual({
      AWSAccountId: "000000000000",
      KeyId: key.KeyId,
      Arn: `arn:aws:kms:us-east-1:000000000000:key/${key.KeyId}`,
      CreationDate: services.clock.nowMs(),
      Enabled: true,
      Description: "",
      KeyUsage: usage,
      KeyState: "Enabled",
      Origin: "AWS_KMS",
      KeyManager: "CUSTOMER",
      CustomerMasterKeySpec: spec,
      KeySpec: spec,
      [list]: algorithms,
      MultiRegion: false,
    });
    expect(await call("DescribeKey", { KeyId: key.KeyId })).toEqual({ KeyMetadata: key });
  });

  it.each(PAIRS)("%s for %s hands out its public key", async (spec, usage, list, algorithms) => {
    const { KeyId, Arn } = await createKey(spec, usage);
    const answer = await call<{ PublicKey: Uint8Array }>("GetPublicKey", { KeyId });
    expect(answer).toEqual({
      KeyId: Arn,
      PublicKey: expect.any(Uint8Array),
      CustomerMasterKeySpec: spec,
      KeySpec: spec,
      KeyUsage: usage,
      [list]: algorithms,
    });
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({
      ...{ key: Buffer.from(answer.PublicKey), type: "spki", format: "der" },
    });
    const bits = asymmetricKeyDetails?.modulusLength;
    expect(bits === undefined ? (asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType) : `RSA_${bits}`).toBe(
      {
        ...{ ECC_NIST_P256: "prime256v1", ECC_NIST_P384: "secp384r1", ECC_NIST_P521: "secp521r1" },
        ...{ ECC_SECG_P256K1: "secp256k1", ECC_NIST_EDWARDS25519: "ed25519" },
      }[spec as string] ?? spec,
    );
  });

  it("may be asked for under the old name of its spec, but not under both", async () => {
    const old = { CustomerMasterKeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" };
    expect(await call("CreateKey", old)).toMatchObject({ KeyMetadata: { KeySpec: "ECC_NIST_P256" } });
    expect(await failureOf(call("CreateKey", { ...old, KeySpec: "ECC_NIST_P256" }))).toBe(
      "ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
    );
  });

  it.each([
    ["RSA_2048", "KEY_AGREEMENT"],
    ["RSA_4096", "GENERATE_VERIFY_MAC"],
    ["ECC_NIST_P256", "ENCRYPT_DECRYPT"],
    ["ECC_SECG_P256K1", "KEY_AGREEMENT"],
    ["ECC_NIST_EDWARDS25519", "KEY_AGREEMENT"],
    ["HMAC_256", "ENCRYPT_DECRYPT"],
    ["SYMMETRIC_DEFAULT", "SIGN_VERIFY"],
  ])("%s is not for %s", async (spec, usage) => {
    expect(await failureOf(createKey(spec, usage))).toBe(
      `ValidationException: KeyUsage ${usage} is not compatible with KeySpec ${spec}`,
    );
  });

  it("needs its usage named, and is refused by name where it is not offered", async () => {
    expect(await failureOf(call("CreateKey", { KeySpec: "HMAC_256" }))).toBe(
      "ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    );
    expect(await failureOf(createKey("ML_DSA_87", "SIGN_VERIFY"))).toBe(
      "UnsupportedOperationException: kiln does not offer KeySpec `ML_DSA_87` (docs/coverage.md)",
    );
    expect(await failureOf(createKey("SM2", "SIGN_VERIFY"))).toBe(
      "UnsupportedOperationException: KeySpec SM2 is not supported in this Region",
    );
  });

  it("keeps its secret sealed in the store", async () => {
    await createKey("ECC_NIST_P256", "SIGN_VERIFY");
    const [entry] = services.store.collection<{ material: { id: string; sealed: string }[] }>("kms/keys").list([]);
    const [material] = entry?.value.material ?? [];
    const der = services.store.unseal(material?.sealed ?? "", `kms/${entry?.key[2]}/${material?.id}`);
    expect(JSON.stringify(entry?.value)).not.toContain(
      Buffer.from(der).subarray(36, 68).toString("base64").slice(0, 40),
    );
    expect(Buffer.from(der).subarray(0, 1)).toEqual(Buffer.of(0x30));
  });
});

describe("an operation on a key for something else", () => {
  const Message = Buffer.from("m");
  const USES = [
    ["Encrypt", { Plaintext: Message }],
    ["GenerateDataKey", { KeySpec: "AES_256" }],
    ["GenerateDataKeyWithoutPlaintext", { KeySpec: "AES_256" }],
    ["GenerateDataKeyPair", { KeyPairSpec: "ECC_NIST_P256" }],
    ["GenerateDataKeyPairWithoutPlaintext", { KeyPairSpec: "ECC_NIST_P256" }],
    ["Sign", { Message, SigningAlgorithm: "ECDSA_SHA_256" }],
    ["Verify", { Message, SigningAlgorithm: "ECDSA_SHA_256", Signature: Message }],
    ["GenerateMac", { Message, MacAlgorithm: "HMAC_SHA_256" }],
    ["VerifyMac", { Message, MacAlgorithm: "HMAC_SHA_256", Mac: Message }],
    ["DeriveSharedSecret", { KeyAgreementAlgorithm: "ECDH", PublicKey: Message }],
  ] as const;

  it("says what the key is for", async () => {
    const signing = await createKey("ECC_NIST_P256", "SIGN_VERIFY");
    const mac = await createKey("HMAC_224", "GENERATE_VERIFY_MAC");
    for (const [operation, input] of USES) {
      const isSigning = operation === "Sign" || operation === "Verify";
      const { KeyId, Arn } = isSigning ? mac : signing;
      expect(await failureOf(call(operation, { KeyId, ...input }))).toBe(
        `InvalidKeyUsageException: ${Arn} key usage is ${isSigning ? "GENERATE_VERIFY_MAC" : "SIGN_VERIFY"} which is not valid for ${operation}.`,
      );
    }
    const { KeyId, Arn } = signing;
    const rsa = { CiphertextBlob: Message, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" };
    expect(await failureOf(call("Decrypt", { KeyId, ...rsa }))).toBe(
      `InvalidKeyUsageException: ${Arn} key usage is SIGN_VERIFY which is not valid for Decrypt.`,
    );
    // What only symmetric keys encrypt is read before the key is looked at.
    expect(await failureOf(call("Decrypt", { KeyId, CiphertextBlob: Message }))).toBe("InvalidCiphertextException");
  });

  it("says which algorithm the key does not have", async () => {
    const mac = await createKey("HMAC_224", "GENERATE_VERIFY_MAC");
    expect(await failureOf(call("GenerateMac", { KeyId: mac.KeyId, Message, MacAlgorithm: "HMAC_SHA_256" }))).toBe(
      "InvalidKeyUsageException: Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.",
    );
    const ecc = await createKey("ECC_NIST_P384", "SIGN_VERIFY");
    expect(await failureOf(call("Sign", { KeyId: ecc.KeyId, Message, SigningAlgorithm: "ECDSA_SHA_256" }))).toBe(
      "InvalidKeyUsageException: Algorithm ECDSA_SHA_256 is incompatible with key spec ECC_NIST_P384.",
    );
    const rsa = await createKey("RSA_2048", "ENCRYPT_DECRYPT");
    const [encryption, ...dataKeys] = USES.slice(0, 5);
    expect(await failureOf(call("Encrypt", { KeyId: rsa.KeyId, ...encryption?.[1] }))).toBe(
      "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
    );
    for (const [operation, input] of dataKeys) {
      expect(await failureOf(call(operation, { KeyId: rsa.KeyId, ...input }))).toBe(
        "InvalidKeyUsageException: You cannot generate a data key with an asymmetric CMK",
      );
    }
  });

  it("hands out the public key of a disabled key", async () => {
    const { KeyId, Arn } = await createKey("ECC_NIST_P256", "SIGN_VERIFY");
    await call("DisableKey", { KeyId });
    expect(await call("GetPublicKey", { KeyId })).toMatchObject({ KeyId: Arn, PublicKey: expect.any(Uint8Array) });
  });

  it("has no public key of a symmetric key", async () => {
    const { KeyMetadata } = await call<{ KeyMetadata: { KeyId: string } }>("CreateKey", {});
    expect(await failureOf(call("GetPublicKey", { KeyId: KeyMetadata.KeyId }))).toBe("UnsupportedOperationException");
    const mac = await createKey("HMAC_512", "GENERATE_VERIFY_MAC");
    expect(await failureOf(call("GetPublicKey", { KeyId: mac.KeyId }))).toBe("UnsupportedOperationException");
  });

  it("finds the usage of the key before its state, and the state before the algorithm", async () => {
    const { KeyId, Arn } = await createKey("ECC_NIST_P256", "SIGN_VERIFY");
    await call("DisableKey", { KeyId });
    for (const [operation, input] of USES) {
      const isOwn = operation === "Sign" || operation === "Verify";
      expect(await failureOf(call(operation, { KeyId, ...input }))).toBe(
        isOwn
          ? `DisabledException: ${Arn} is disabled.`
          : `InvalidKeyUsageException: ${Arn} key usage is SIGN_VERIFY which is not valid for ${operation}.`,
      );
    }
    expect(await failureOf(call("Sign", { KeyId, Message, SigningAlgorithm: "ECDSA_SHA_512" }))).toBe(
      `DisabledException: ${Arn} is disabled.`,
    );
    await call("ScheduleKeyDeletion", { KeyId });
    expect(await failureOf(call("GetPublicKey", { KeyId }))).toBe(
      `KMSInvalidStateException: ${Arn} is pending deletion.`,
    );
    const gone = "00000000-0000-4000-8000-999999999999";
    expect(await failureOf(call("Sign", { KeyId: gone, Message, SigningAlgorithm: "ECDSA_SHA_256" }))).toBe(
      `NotFoundException: Key 'arn:aws:kms:us-east-1:000000000000:key/${gone}' does not exist`,
    );
  });
});

describe("a grant on a key of another kind", () => {
  const grant = (KeyId: string, Operations: string[], input: object = {}) =>
    call("CreateGrant", { KeyId, GranteePrincipal: "arn:aws:iam::000000000000:role/Worker", Operations, ...input });

  it.each([
    ["ECC_NIST_P256", "SIGN_VERIFY", ["Sign", "Verify", "GetPublicKey"], "Encrypt"],
    ["ECC_NIST_P256", "KEY_AGREEMENT", ["DeriveSharedSecret", "GetPublicKey"], "Sign"],
    ["RSA_2048", "ENCRYPT_DECRYPT", ["Encrypt", "Decrypt", "ReEncryptTo", "GetPublicKey"], "GenerateDataKey"],
    ["HMAC_256", "GENERATE_VERIFY_MAC", ["GenerateMac", "VerifyMac"], "GetPublicKey"],
  ])("on %s for %s permits %j, not %s", async (spec, usage, permitted, refused) => {
    const { KeyId } = await createKey(spec, usage);
    await grant(KeyId, [...permitted, "DescribeKey", "CreateGrant", "RetireGrant"]);
    expect(await failureOf(grant(KeyId, [refused]))).toBe(
      `ValidationException: Operation ${refused} is not valid for a grant on a key with key spec ${spec}.`,
    );
    expect(await failureOf(grant(KeyId, permitted, { Constraints: { EncryptionContextEquals: { a: "b" } } }))).toBe(
      `ValidationException: Encryption context constraints are not supported for key spec ${spec}.`,
    );
    expect(await failureOf(grant(KeyId, ["CreateGrant"]))).toBe(
      "ValidationException: Grants must not contain only the CreateGrant operation.",
    );
  });

  it("lets its grantee sign with the key, and nothing else", async () => {
    const { KeyId, Arn } = await createKey("ECC_NIST_P256", "SIGN_VERIFY");
    const worker = services.role("Worker");
    const input = { KeyId, Message: Buffer.from("m"), SigningAlgorithm: "ECDSA_SHA_256" };
    expect(await failureOf(worker.call("kms", "Sign", input))).toContain("is not authorized to perform: kms:Sign");
    await grant(KeyId, ["Sign"]);
    const { Signature } = await worker.call<{ Signature: Uint8Array }>("kms", "Sign", input);
    expect(await failureOf(worker.call("kms", "Verify", { ...input, Signature }))).toBe(
      "AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/Worker/session is not authorized to perform: " +
        `kms:Verify on resource: ${Arn} because no identity-based policy allows the kms:Verify action`,
    );
  });

  it("is decided by the algorithm that a policy asks for", async () => {
    const { KeyId } = await createKey("RSA_2048", "SIGN_VERIFY");
    const signer = services.role("Signer", [
      {
        ...{ Effect: "Allow", Action: "kms:Sign", Resource: "*" },
        Condition: {
          StringEquals: {
            "kms:SigningAlgorithm": "RSASSA_PSS_SHA_256",
            "kms:MessageType": "RAW",
            "kms:KeySpec": "RSA_2048",
          },
        },
      },
    ]);
    const sign = (input: object) => signer.call("kms", "Sign", { KeyId, Message: Buffer.alloc(32), ...input });
    await sign({ SigningAlgorithm: "RSASSA_PSS_SHA_256" });
    expect(await failureOf(sign({ SigningAlgorithm: "RSASSA_PSS_SHA_384" }))).toContain("is not authorized");
    expect(await failureOf(sign({ SigningAlgorithm: "RSASSA_PSS_SHA_256", MessageType: "DIGEST" }))).toContain(
      "is not authorized",
    );
  });
});
