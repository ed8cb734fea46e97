/**
 * Kinds of keys: which specs there are, what each may be used for and with which algorithms.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
 * Not here, and refused by name: SM2 (China Regions only) and ML_DSA_* (not in node:crypto of this Node).
 */
import type { CreateKeyRequest, KeyMetadata } from "./shapes.gen.ts";

/** Every spec of the model, also those that are refused. */
export type KeySpec = NonNullable<CreateKeyRequest["KeySpec"]>;
export type KeyUsage = NonNullable<CreateKeyRequest["KeyUsage"]>;
type AlgorithmList = "EncryptionAlgorithms" | "SigningAlgorithms" | "MacAlgorithms" | "KeyAgreementAlgorithms";

interface SpecFacts {
  /** Algorithms by usage, in the order of AWS's answers. A usage that is not here is not compatible. */
  readonly algorithms: Readonly<Partial<Record<KeyUsage, readonly string[]>>>;
  /** Bytes of a symmetric key. */
  readonly bytes?: number;
  /** Bits of an RSA modulus. */
  readonly modulusBits?: number;
  /** OpenSSL's name of the curve. */
  readonly curve?: string;
}

const RSA_ALGORITHMS = {
  ENCRYPT_DECRYPT: ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"],
  SIGN_VERIFY: ["PKCS1_V1_5", "PSS"].flatMap((scheme) => [256, 384, 512].map((bits) => `RSASSA_${scheme}_SHA_${bits}`)),
};
const rsa = (modulusBits: number): SpecFacts => ({ modulusBits, algorithms: RSA_ALGORITHMS });
const nistCurve = (curve: string, bits: number): SpecFacts => ({
  curve,
  algorithms: { SIGN_VERIFY: [`ECDSA_SHA_${bits}`], KEY_AGREEMENT: ["ECDH"] },
});
// AWS: HMAC keys are as long as what the hash gives.
const hmac = (bits: number): SpecFacts => ({
  bytes: bits / 8,
  algorithms: { GENERATE_VERIFY_MAC: [`HMAC_SHA_${bits}`] },
});

const SPECS: Readonly<Partial<Record<KeySpec, SpecFacts>>> = {
  SYMMETRIC_DEFAULT: { bytes: 32, algorithms: { ENCRYPT_DECRYPT: ["SYMMETRIC_DEFAULT"] } },
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: nistCurve("prime256v1", 256),
  ECC_NIST_P384: nistCurve("secp384r1", 384),
  ECC_NIST_P521: nistCurve("secp521r1", 512),
  ECC_SECG_P256K1: { curve: "secp256k1", algorithms: { SIGN_VERIFY: ["ECDSA_SHA_256"] } },
  ECC_NIST_EDWARDS25519: {
    curve: "ed25519",
    algorithms: { SIGN_VERIFY: ["ED25519_PH_SHA_512", "ED25519_SHA_512"] },
  },
  HMAC_224: hmac(224),
  HMAC_256: hmac(256),
  HMAC_384: hmac(384),
  HMAC_512: hmac(512),
};

/** Undefined for specs that are not offered. */
export const factsOf = (spec: KeySpec): SpecFacts | undefined => SPECS[spec];

interface Kind {
  readonly spec?: KeySpec;
  readonly usage?: KeyUsage;
}

export const specOf = (key: Kind): KeySpec => key.spec ?? "SYMMETRIC_DEFAULT";
export const usageOf = (key: Kind): KeyUsage => key.usage ?? "ENCRYPT_DECRYPT";

/** Symmetric encryption keys: the only ones that rotate, have an encryption context and generate data keys. */
export const isSymmetricEncryption = (key: Kind): boolean => specOf(key) === "SYMMETRIC_DEFAULT";

/** True of public and private keys. */
export const isPair = (key: Kind): boolean => factsOf(specOf(key))?.bytes === undefined;

/** The algorithms of the key, for its usage. */
export const algorithmsOf = (key: Kind): readonly string[] => factsOf(specOf(key))?.algorithms[usageOf(key)] ?? [];

const LIST_OF_USAGE = {
  ENCRYPT_DECRYPT: "EncryptionAlgorithms",
  SIGN_VERIFY: "SigningAlgorithms",
  GENERATE_VERIFY_MAC: "MacAlgorithms",
  KEY_AGREEMENT: "KeyAgreementAlgorithms",
} as const satisfies Record<KeyUsage, AlgorithmList>;

/** What a key is, as DescribeKey and GetPublicKey answer it. AWS: of the lists of algorithms only that of the usage. */
export function kindMembers(
  key: Kind,
): Pick<KeyMetadata, AlgorithmList | "KeyUsage" | "KeySpec" | "CustomerMasterKeySpec"> {
  const spec = specOf(key);
  return {
    KeyUsage: usageOf(key),
    // AWS: the old name of KeySpec, with the same value, also where the model does not know it.
    CustomerMasterKeySpec: spec as NonNullable<KeyMetadata["CustomerMasterKeySpec"]>,
    KeySpec: spec,
    [LIST_OF_USAGE[usageOf(key)]]: algorithmsOf(key),
  };
}
