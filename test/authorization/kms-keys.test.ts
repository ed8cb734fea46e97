import { kms } from "../../src/services/kms/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";

const TAGS = [{ TagKey: "class", TagValue: "open" }];
const REQUEST: KeyedCall["keys"] = [
  ["aws:RequestTag/class", "open", "secret"],
  ["aws:TagKeys", "class", "team"],
];
const KIND: KeyedCall["keys"] = [
  ["kms:KeySpec", "SYMMETRIC_DEFAULT", "RSA_2048"],
  ["kms:KeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY"],
  ["kms:CustomerMasterKeySpec", "SYMMETRIC_DEFAULT", "RSA_2048"],
  ["kms:CustomerMasterKeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY"],
  ["kms:KeyOrigin", "AWS_KMS", "EXTERNAL"],
  ["kms:MultiRegion", "false", "true"],
  ["kms:CallerAccount", "{account}", "444455556666"],
];
const KEY: KeyedCall["keys"] = [
  ...KIND,
  ["aws:ResourceTag/team", "blue", "red"],
  ["kms:ResourceAliases", "alias/app", "alias/other"],
  ["aws:ResourceAccount", "{account}", "444455556666"],
];
const CONTEXT: KeyedCall["keys"] = [
  ["kms:EncryptionContext:app", "a", "b"],
  ["kms:EncryptionContextKeys", "app", "other"],
  ["kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256"],
];
const ALIASED: KeyedCall["keys"][number] = ["kms:RequestAlias", "alias/app", "alias/other"];
const EncryptionContext = { app: "a" };

const onKey = (operation: string, input: object = {}, keys: KeyedCall["keys"] = []): KeyedCall => ({
  action: `kms:${operation}`,
  operation,
  input: { KeyId: "{keyId}", ...input },
  keys: [...KEY, ...keys],
});

/** On a pair, of another kind than the keys of {@link onKey}. */
const onPair = (operation: string, input: object = {}, keys: KeyedCall["keys"] = []): KeyedCall => ({
  action: `kms:${operation}`,
  operation,
  input: { KeyId: "{pairId}", ...input },
  keys: [
    ...keys,
    ["kms:KeySpec", "ECC_NIST_P256", "SYMMETRIC_DEFAULT"],
    ["kms:KeyUsage", "SIGN_VERIFY", "ENCRYPT_DECRYPT"],
    ["kms:CustomerMasterKeySpec", "ECC_NIST_P256", "SYMMETRIC_DEFAULT"],
    ["kms:CustomerMasterKeyUsage", "SIGN_VERIFY", "ENCRYPT_DECRYPT"],
    ["kms:KeyOrigin", "AWS_KMS", "EXTERNAL"],
  ],
});

const REGIONAL: KeyedCall["keys"] = [
  ["kms:KeyOrigin", "EXTERNAL", "AWS_KMS"],
  ["kms:MultiRegion", "true", "false"],
  ["kms:MultiRegionKeyType", "PRIMARY", "REPLICA"],
];
const IMPORT = { ImportToken: Buffer.from("x"), EncryptedKeyMaterial: Buffer.from("x") };

/** On a multi-Region key with imported material. */
const onRegional = (operation: string, input: object = {}, keys: KeyedCall["keys"] = []): KeyedCall => ({
  action: `kms:${operation}`,
  operation,
  input: { KeyId: "{regionId}", ...input },
  keys: [...REGIONAL, ...keys],
});

describeConditionKeys({
  service: "kms",
  services: () => [kms, ssm],
  preparations: [
    {
      service: "kms",
      operation: "CreateKey",
      input: { Tags: [{ TagKey: "team", TagValue: "blue" }] },
      keep: { keyId: "KeyMetadata.KeyId" },
    },
    { service: "kms", operation: "CreateKey", input: {}, keep: { otherId: "KeyMetadata.KeyId" } },
    {
      service: "kms",
      operation: "CreateKey",
      input: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" },
      keep: { pairId: "KeyMetadata.KeyId" },
    },
    {
      service: "kms",
      operation: "CreateKey",
      input: { Origin: "EXTERNAL", MultiRegion: true },
      keep: { regionId: "KeyMetadata.KeyId" },
    },
    { service: "kms", operation: "CreateAlias", input: { AliasName: "alias/app", TargetKeyId: "{keyId}" } },
    { service: "kms", operation: "GetKeyPolicy", input: { KeyId: "{keyId}" }, keep: { policy: "Policy" } },
    {
      service: "kms",
      operation: "Encrypt",
      input: { KeyId: "{keyId}", Plaintext: Buffer.from("x"), EncryptionContext },
      keep: { ciphertext: "CiphertextBlob" },
    },
  ],
  calls: [
    {
      action: "kms:CreateKey",
      operation: "CreateKey",
      input: { Tags: TAGS, BypassPolicyLockoutSafetyCheck: true },
      keys: [...REQUEST, ...KIND, ["kms:BypassPolicyLockoutSafetyCheck", "true", "false"]],
    },
    {
      action: "kms:CreateKey",
      operation: "CreateKey",
      input: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
      keys: [
        ["kms:KeySpec", "HMAC_256", "SYMMETRIC_DEFAULT"],
        ["kms:KeyUsage", "GENERATE_VERIFY_MAC", "ENCRYPT_DECRYPT"],
      ],
    },
    { action: "kms:TagResource", operation: "CreateKey", input: { Tags: TAGS }, keys: REQUEST },
    onKey("DescribeKey"),
    onKey("DescribeKey", { KeyId: "alias/app" }, [ALIASED]),
    onKey("EnableKey"),
    onKey("UpdateKeyDescription", { Description: "" }),
    onKey("Encrypt", { Plaintext: Buffer.from("x"), EncryptionContext }, CONTEXT),
    onKey("Encrypt", { KeyId: "alias/app", Plaintext: Buffer.from("x") }, [ALIASED]),
    onKey("Encrypt", { Plaintext: Buffer.from("x"), EncryptionAlgorithm: "RSAES_OAEP_SHA_1" }, [
      ["kms:EncryptionAlgorithm", "RSAES_OAEP_SHA_1", "SYMMETRIC_DEFAULT"],
    ]),
    onKey("Decrypt", { CiphertextBlob: "{ciphertext}", EncryptionContext }, CONTEXT),
    onKey("Decrypt", { KeyId: undefined, CiphertextBlob: "{ciphertext}", EncryptionContext }, CONTEXT),
    onKey("GenerateDataKey", { KeySpec: "AES_256", EncryptionContext }, CONTEXT),
    onKey("GenerateDataKeyWithoutPlaintext", { KeySpec: "AES_256", EncryptionContext }, CONTEXT),
    ...["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"].map((operation) =>
      onKey(operation, { KeyPairSpec: "ECC_NIST_P256", EncryptionContext }, [
        ...CONTEXT,
        ["kms:DataKeyPairSpec", "ECC_NIST_P256", "RSA_2048"],
      ]),
    ),
    onPair("GetPublicKey"),
    ...[
      onPair("Sign", { MessageType: "DIGEST" }, [["kms:MessageType", "DIGEST", "RAW"]]),
      onPair("Verify", { Signature: Buffer.from("x") }, [["kms:MessageType", "RAW", "DIGEST"]]),
    ].map(
      ({ input, keys, ...rest }): KeyedCall => ({
        ...rest,
        input: { ...input, Message: Buffer.alloc(32), SigningAlgorithm: "ECDSA_SHA_256" },
        keys: [...keys, ["kms:SigningAlgorithm", "ECDSA_SHA_256", "ECDSA_SHA_384"]],
      }),
    ),
    onKey("GenerateMac", { Message: Buffer.from("x"), MacAlgorithm: "HMAC_SHA_256" }, [
      ["kms:MacAlgorithm", "HMAC_SHA_256", "HMAC_SHA_512"],
    ]),
    onKey("VerifyMac", { Message: Buffer.from("x"), MacAlgorithm: "HMAC_SHA_256", Mac: Buffer.from("x") }, [
      ["kms:MacAlgorithm", "HMAC_SHA_256", "HMAC_SHA_512"],
    ]),
    onKey("DeriveSharedSecret", { PublicKey: Buffer.from("x"), KeyAgreementAlgorithm: "ECDH" }, [
      ["kms:KeyAgreementAlgorithm", "ECDH", "OTHER"],
    ]),
    ...[
      { to: "{otherId}", isSame: "false", isNotSame: "true" },
      { to: "alias/app", isSame: "true", isNotSame: "false" },
    ].flatMap(({ to, isSame, isNotSame }): KeyedCall[] => {
      const input = {
        ...{ CiphertextBlob: "{ciphertext}", SourceEncryptionContext: EncryptionContext, DestinationKeyId: to },
        DestinationEncryptionContext: { app: "to" },
      };
      const onSameKey = ["kms:ReEncryptOnSameKey", isSame, isNotSame] as const;
      return [
        { action: "kms:ReEncryptFrom", operation: "ReEncrypt", input, keys: [...KEY, ...CONTEXT, onSameKey] },
        {
          action: "kms:ReEncryptTo",
          operation: "ReEncrypt",
          input,
          keys: [...KIND, onSameKey, ["kms:EncryptionContext:app", "to", "a"]],
        },
      ];
    }),
    {
      action: "kms:CreateKey",
      operation: "CreateKey",
      input: { MultiRegion: true, Origin: "EXTERNAL" },
      keys: REGIONAL,
    },
    onKey("EnableKeyRotation", { RotationPeriodInDays: 90 }, [["kms:RotationPeriodInDays", "90", "365"]]),
    onKey("DisableKeyRotation"),
    onKey("GetKeyRotationStatus"),
    onKey("RotateKeyOnDemand"),
    onKey("ListKeyRotations"),
    onKey("GetKeyLastUsage"),
    onRegional("GetParametersForImport", { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" }, [
      ["kms:WrappingAlgorithm", "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"],
      ["kms:WrappingKeySpec", "RSA_2048", "RSA_4096"],
    ]),
    onRegional("ImportKeyMaterial", { ...IMPORT, ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" }, [
      ["kms:ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE", "KEY_MATERIAL_EXPIRES"],
    ]),
    onRegional("DeleteImportedKeyMaterial"),
    onRegional("ReplicateKey", { ReplicaRegion: "us-west-2" }, [["kms:ReplicaRegion", "us-west-2", "eu-west-1"]]),
    {
      action: "kms:CreateKey",
      operation: "ReplicateKey",
      input: { KeyId: "{regionId}", ReplicaRegion: "us-west-2" },
      keys: [["aws:RequestedRegion", "us-west-2", "us-east-1"]],
    },
    onRegional("UpdatePrimaryRegion", { PrimaryRegion: "eu-west-1" }, [
      ["kms:PrimaryRegion", "eu-west-1", "us-west-2"],
    ]),
    {
      action: "kms:CreateAlias",
      operation: "CreateAlias",
      input: { AliasName: "alias/new", TargetKeyId: "{keyId}" },
      keys: [["kms:CallerAccount", "{account}", "444455556666"]],
    },
    onKey("PutKeyPolicy", { Policy: "{policy}", BypassPolicyLockoutSafetyCheck: false }, [
      ["kms:BypassPolicyLockoutSafetyCheck", "false", "true"],
    ]),
    onKey("TagResource", { Tags: TAGS }, REQUEST),
    onKey("UntagResource", { TagKeys: ["class"] }, [["aws:TagKeys", "class", "team"]]),
    onKey("ListResourceTags"),
    {
      action: "kms:ScheduleKeyDeletion",
      operation: "ScheduleKeyDeletion",
      input: { KeyId: "{otherId}", PendingWindowInDays: 9 },
      keys: [
        ["kms:ScheduleKeyDeletionPendingWindowInDays", "9", "7"],
        ["kms:TrailingDaysWithoutKeyUsage", "0", "1"],
      ],
    },
  ],
});

describeConditionKeys({
  service: "ssm",
  services: () => [kms, ssm],
  preparations: [
    { service: "kms", operation: "CreateKey", input: {}, keep: { keyId: "KeyMetadata.KeyId" } },
    {
      service: "ssm",
      operation: "PutParameter",
      input: { Name: "/app/secret", Value: "1", Type: "SecureString", KeyId: "{keyId}" },
    },
  ],
  calls: [
    { action: "kms:Decrypt", operation: "GetParameter", input: { Name: "/app/secret", WithDecryption: true } },
    {
      action: "kms:Encrypt",
      operation: "PutParameter",
      input: { Name: "/app/secret", Value: "2", Type: "SecureString", KeyId: "{keyId}", Overwrite: true },
    },
    {
      action: "kms:GenerateDataKey",
      operation: "PutParameter",
      input: { Name: "/app/secret", Value: "2", KeyId: "{keyId}", Overwrite: true, Tier: "Advanced" },
    },
  ].map((call) => ({
    ...call,
    keys: [
      ["kms:ViaService", "ssm.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com"],
      ["aws:CalledVia", "ssm.amazonaws.com", "s3.amazonaws.com"],
      ["aws:CalledViaFirst", "ssm.amazonaws.com", "s3.amazonaws.com"],
      ["aws:CalledViaLast", "ssm.amazonaws.com", "s3.amazonaws.com"],
      ["aws:ViaAWSService", "true", "false"],
      [
        "kms:EncryptionContext:PARAMETER_ARN",
        "arn:aws:ssm:us-east-1:{account}:parameter/app/secret",
        "arn:aws:ssm:us-east-1:{account}:parameter/app/other",
      ],
    ],
  })),
});
