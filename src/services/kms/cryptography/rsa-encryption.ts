/**
 * Encryption under RSA keys. The ciphertext is plain RSAES-OAEP (RFC 8017), without a word on its key: what others encrypt
 * with the public key decrypts here and the other way round.
 */
import { constants, privateDecrypt, publicEncrypt } from "node:crypto";
import type { OperationContext } from "../../service.ts";
import type { EncryptionContext } from "../key-access.ts";
import { factsOf, specOf } from "../key-specs.ts";
import { privateKeyOf, publicKeyOf } from "../material/key-material.ts";
import type { KeyRecord } from "../records.ts";
import { invalidCiphertext, noEncryptionContext, plaintextTooLong } from "./errors.ts";

const HASH_BYTES = { sha1: 20, sha256: 32 } as const;
const hashOf = (algorithm: string): keyof typeof HASH_BYTES => (algorithm === "RSAES_OAEP_SHA_1" ? "sha1" : "sha256");

const padding = (algorithm: string) => ({ padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashOf(algorithm) });

export function encryptUnderPair(key: KeyRecord, algorithm: string, plaintext: Uint8Array): Uint8Array {
  const modulusBytes = (factsOf(specOf(key))?.modulusBits ?? 0) / 8;
  const maxBytes = modulusBytes - 2 * HASH_BYTES[hashOf(algorithm)] - 2;
  if (plaintext.length > maxBytes) throw plaintextTooLong(algorithm, specOf(key), maxBytes);
  return publicEncrypt({ key: publicKeyOf(key), ...padding(algorithm) }, plaintext);
}

/** The plaintext, or an InvalidCiphertextException. */
export function decryptUnderPair(
  context: OperationContext,
  key: KeyRecord,
  algorithm: string,
  ciphertext: Uint8Array,
): Uint8Array {
  const privateKey = privateKeyOf(context, key);
  try {
    return privateDecrypt({ key: privateKey, ...padding(algorithm) }, ciphertext);
  } catch {
    throw invalidCiphertext();
  }
}

/** AWS: RSA has nothing to bind an encryption context with. */
export function requireNoContext(encryptionContext: EncryptionContext | undefined): void {
  if (Object.keys(encryptionContext ?? {}).length > 0) throw noEncryptionContext();
}
