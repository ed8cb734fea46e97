import { kms } from "../../src/services/kms/index.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";

/** On the key alone. */
const onKey = (operation: string, input: object = {}, action = operation): Step => ({
  operation,
  input: { KeyId: "{keyId}", ...input },
  asks: [`kms:${action} key/{keyId}`],
});

/** On one of the keys of other kinds. */
const ofKind = (kind: "sign" | "mac" | "agree" | "import", operation: string, input: object = {}): Step => ({
  operation,
  input: { KeyId: `{${kind}Id}`, ...input },
  asks: [`kms:${operation} key/{${kind}Id}`],
});
const SIGNED = { Message: Buffer.from("x"), SigningAlgorithm: "ECDSA_SHA_256" };
const AUTHENTICATED = { Message: Buffer.from("x"), MacAlgorithm: "HMAC_SHA_256" };

const GRANTEE = "arn:aws:iam::111122223333:role/worker";
const TAGS = [{ TagKey: "team", TagValue: "blue" }];

describeAuthorization({
  service: "kms",
  services: () => [kms],
  preparations: [
    { service: "kms", operation: "CreateKey", input: { Tags: TAGS }, keep: { keyId: "KeyMetadata.KeyId" } },
    { service: "kms", operation: "CreateKey", input: {}, keep: { otherId: "KeyMetadata.KeyId" } },
    { service: "kms", operation: "CreateAlias", input: { AliasName: "alias/app", TargetKeyId: "{keyId}" } },
    ...Object.entries({
      sign: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" },
      mac: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
      agree: { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" },
      import: { Origin: "EXTERNAL" },
      region: { MultiRegion: true },
    }).map(([kind, input]) => ({
      ...{ service: "kms" as const, operation: "CreateKey", input, keep: { [`${kind}Id`]: "KeyMetadata.KeyId" } },
    })),
    { service: "kms", operation: "GetPublicKey", input: { KeyId: "{agreeId}" }, keep: { publicKey: "PublicKey" } },
  ],
  steps: [
    { operation: "CreateKey", input: {}, asks: ["kms:CreateKey *"] },
    {
      operation: "CreateKey",
      about: "with tags",
      input: { Tags: TAGS, BypassPolicyLockoutSafetyCheck: true },
      asks: ["kms:TagResource key/*", "kms:CreateKey *"],
    },
    onKey("DescribeKey"),
    { ...onKey("DescribeKey", { KeyId: "alias/app" }), about: "by alias" },
    { operation: "ListKeys", asks: ["kms:ListKeys *"] },
    onKey("DisableKey"),
    onKey("EnableKey"),
    onKey("UpdateKeyDescription", { Description: "" }),
    {
      operation: "CreateAlias",
      about: "on the alias and on the key",
      input: { AliasName: "alias/new", TargetKeyId: "{keyId}" },
      asks: ["kms:CreateAlias alias/new", "kms:CreateAlias key/{keyId}"],
    },
    {
      operation: "UpdateAlias",
      about: "on the alias and on both keys",
      input: { AliasName: "alias/new", TargetKeyId: "{otherId}" },
      asks: ["kms:UpdateAlias alias/new", "kms:UpdateAlias key/{keyId}", "kms:UpdateAlias key/{otherId}"],
    },
    {
      operation: "DeleteAlias",
      about: "on the alias and on its key",
      input: { AliasName: "alias/new" },
      asks: ["kms:DeleteAlias alias/new", "kms:DeleteAlias key/{otherId}"],
    },
    { operation: "ListAliases", asks: ["kms:ListAliases *"] },
    { operation: "ListAliases", about: "of a key", input: { KeyId: "{keyId}" }, asks: ["kms:ListAliases *"] },
    {
      ...onKey("Encrypt", { Plaintext: Buffer.from("x"), EncryptionContext: { app: "a" } }),
      keep: { ciphertext: "CiphertextBlob" },
    },
    { ...onKey("Encrypt", { KeyId: "alias/app", Plaintext: Buffer.from("x") }), about: "by alias" },
    {
      operation: "Decrypt",
      about: "with the key of the ciphertext",
      input: { CiphertextBlob: "{ciphertext}", EncryptionContext: { app: "a" } },
      asks: ["kms:Decrypt key/{keyId}"],
    },
    onKey("Decrypt", { CiphertextBlob: "{ciphertext}", EncryptionContext: { app: "a" } }),
    {
      operation: "ReEncrypt",
      about: "from one key and to the other",
      input: {
        ...{ CiphertextBlob: "{ciphertext}", SourceEncryptionContext: { app: "a" } },
        ...{ DestinationKeyId: "{otherId}", DestinationEncryptionContext: { app: "b" } },
      },
      asks: ["kms:ReEncryptFrom key/{keyId}", "kms:ReEncryptTo key/{otherId}"],
    },
    onKey("GenerateDataKey", { KeySpec: "AES_256", EncryptionContext: { app: "a" } }),
    onKey("GenerateDataKeyWithoutPlaintext", { KeySpec: "AES_256" }),
    onKey("GenerateDataKeyPair", { KeyPairSpec: "ECC_NIST_P256", EncryptionContext: { app: "a" } }),
    onKey("GenerateDataKeyPairWithoutPlaintext", { KeyPairSpec: "ECC_NIST_P256" }),
    { operation: "GenerateRandom", input: { NumberOfBytes: 1 }, asks: ["kms:GenerateRandom *"] },
    ofKind("sign", "GetPublicKey"),
    { ...ofKind("sign", "Sign", { ...SIGNED, MessageType: "RAW" }), keep: { signature: "Signature" } },
    ofKind("sign", "Verify", { ...SIGNED, Signature: "{signature}" }),
    { ...ofKind("mac", "GenerateMac", AUTHENTICATED), keep: { mac: "Mac" } },
    ofKind("mac", "VerifyMac", { ...AUTHENTICATED, Mac: "{mac}" }),
    ofKind("agree", "DeriveSharedSecret", { PublicKey: "{publicKey}", KeyAgreementAlgorithm: "ECDH" }),
    { ...onKey("GetKeyPolicy"), keep: { policy: "Policy" } },
    onKey("PutKeyPolicy", { Policy: "{policy}", BypassPolicyLockoutSafetyCheck: true }),
    onKey("ListKeyPolicies"),
    {
      ...onKey("CreateGrant", {
        ...{ GranteePrincipal: GRANTEE, RetiringPrincipal: GRANTEE, Operations: ["Decrypt", "RetireGrant"] },
        Constraints: { EncryptionContextSubset: { app: "a" } },
      }),
      keep: { grantId: "GrantId", grantToken: "GrantToken" },
    },
    onKey("ListGrants"),
    { operation: "ListRetirableGrants", input: { RetiringPrincipal: GRANTEE }, asks: ["kms:ListRetirableGrants *"] },
    { ...onKey("RetireGrant", { GrantId: "{grantId}", DryRun: true }), fails: "DryRunOperationException" },
    {
      operation: "RetireGrant",
      about: "by its token, of which the key is read",
      input: { GrantToken: "{grantToken}" },
      asks: ["kms:RetireGrant key/{keyId}"],
    },
    {
      ...onKey("CreateGrant", { GranteePrincipal: GRANTEE, Operations: ["Decrypt"] }),
      about: "to revoke it",
      keep: { grantId: "GrantId" },
    },
    onKey("RevokeGrant", { GrantId: "{grantId}" }),
    onKey("TagResource", { Tags: TAGS }),
    onKey("ListResourceTags"),
    onKey("UntagResource", { TagKeys: ["team"] }),
    onKey("EnableKeyRotation", { RotationPeriodInDays: 90 }),
    onKey("GetKeyRotationStatus"),
    onKey("DisableKeyRotation"),
    onKey("RotateKeyOnDemand"),
    onKey("ListKeyRotations"),
    onKey("GetKeyLastUsage"),
    {
      ...ofKind("import", "GetParametersForImport", {
        ...{ WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" },
      }),
      keep: { token: "ImportToken" },
    },
    {
      ...ofKind("import", "ImportKeyMaterial", {
        ...{ ImportToken: "{token}", EncryptedKeyMaterial: Buffer.alloc(256, "x") },
        ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
      }),
      fails: "InvalidCiphertextException",
    },
    ofKind("import", "DeleteImportedKeyMaterial"),
    {
      operation: "ReplicateKey",
      about: "on the key and on keys of the Region of the replica",
      input: { KeyId: "{regionId}", ReplicaRegion: "us-west-2" },
      asks: ["kms:ReplicateKey key/{regionId}", "kms:CreateKey *"],
    },
    {
      operation: "ReplicateKey",
      about: "with tags",
      input: { KeyId: "{regionId}", ReplicaRegion: "eu-west-1", Tags: TAGS, BypassPolicyLockoutSafetyCheck: true },
      asks: [
        "kms:ReplicateKey key/{regionId}",
        "kms:TagResource arn:aws:kms:eu-west-1:{account}:key/*",
        "kms:CreateKey *",
      ],
    },
    {
      operation: "UpdatePrimaryRegion",
      about: "on the key and on its replica",
      input: { KeyId: "{regionId}", PrimaryRegion: "us-west-2" },
      asks: [
        "kms:UpdatePrimaryRegion key/{regionId}",
        "kms:UpdatePrimaryRegion arn:aws:kms:us-west-2:{account}:key/{regionId}",
      ],
    },
    onKey("ScheduleKeyDeletion", { PendingWindowInDays: 7 }),
    onKey("CancelKeyDeletion"),
  ],
  surprises: [
    ...["kms:CustomerMasterKeySpec", "kms:CustomerMasterKeyUsage"].map((key) => ({
      key,
      why: "the old name of a key, which still counts: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html",
    })),
    {
      key: "aws:RequestedRegion",
      why: "a global key; ReplicateKey makes its replica in another Region than its own: https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html",
    },
  ],
});
