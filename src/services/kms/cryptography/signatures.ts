/**
 * Signatures of whole messages and of digests that the caller has made, by RSA, ECDSA and Ed25519 keys.
 * node:crypto always hashes what it signs; for digests see rsa-digest.ts and ecdsa-digest.ts.
 * Sources: RFC 8017 (RSA), ANS X9.62 (ECDSA, signatures in DER), RFC 8032 (Ed25519) and
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 * Gap: ED25519_PH_SHA_512, which OpenSSL 3.0 does not have.
 */
import { constants, type KeyObject, type SignKeyObjectInput, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import { unsupported } from "../errors.ts";
import { signEcdsaDigest, verifyEcdsaDigest } from "./ecdsa-digest.ts";
import { signRsaDigest, verifyRsaDigest } from "./rsa-digest.ts";

export type DigestName = "sha256" | "sha384" | "sha512";

export interface Signable {
  /** E.g. `RSASSA_PSS_SHA_256`. */
  readonly algorithm: string;
  readonly message: Uint8Array;
  readonly isDigest: boolean;
}

const signMessage = promisify<string | null, Uint8Array, SignKeyObjectInput, Buffer>(sign);
const verifyMessage = promisify<string | null, Uint8Array, SignKeyObjectInput, Uint8Array, boolean>(verify);

const isPss = (algorithm: string): boolean => algorithm.startsWith("RSASSA_PSS");
const isEcdsa = (algorithm: string): boolean => algorithm.startsWith("ECDSA");

/** The hash of the algorithm; Ed25519 brings its own. */
export const digestOf = (algorithm: string): DigestName => `sha${algorithm.slice(-3)}` as DigestName;

export const digestBytes = (algorithm: string): number => Number(algorithm.slice(-3)) / 8;

/** `salt` is for PSS: as long as the digest. */
export async function signatureOf(key: KeyObject, signable: Signable, salt: () => Uint8Array): Promise<Uint8Array> {
  const { algorithm, message, isDigest } = signable;
  if (!isDigest) return signMessage(nodeAlgorithm(algorithm), message, nodeKey(key, algorithm));
  if (isEcdsa(algorithm)) return signEcdsaDigest(key, message);
  return signRsaDigest(key, digestOf(algorithm), message, isPss(algorithm) ? salt() : undefined);
}

/** False also for what is no signature at all. */
export async function isSignature(key: KeyObject, signable: Signable, signature: Uint8Array): Promise<boolean> {
  const { algorithm, message, isDigest } = signable;
  if (!isDigest) return verifyMessage(nodeAlgorithm(algorithm), message, nodeKey(key, algorithm), signature);
  if (isEcdsa(algorithm)) return verifyEcdsaDigest(key, message, signature);
  return verifyRsaDigest(key, digestOf(algorithm), message, signature, isPss(algorithm));
}

function nodeAlgorithm(algorithm: string): string | null {
  if (algorithm === "ED25519_PH_SHA_512") throw unsupported("the signing algorithm `ED25519_PH_SHA_512`");
  return algorithm === "ED25519_SHA_512" ? null : digestOf(algorithm);
}

const nodeKey = (key: KeyObject, algorithm: string): SignKeyObjectInput =>
  isPss(algorithm)
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key };
