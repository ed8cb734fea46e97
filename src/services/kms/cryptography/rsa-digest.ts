/**
 * RSA signatures over a digest that somebody else made: the encodings of RFC 8017 (EMSA-PKCS1-v1_5, section 9.2, and
 * EMSA-PSS, section 9.1, with a salt as long as the digest), under RSA without padding.
 */
import { constants, createHash, type KeyObject, privateEncrypt, publicDecrypt, timingSafeEqual } from "node:crypto";
import type { DigestName } from "./signatures.ts";

/** What goes before a digest in PKCS #1 v1.5: the name of its hash, in DER. */
const DIGEST_INFO: Readonly<Record<DigestName, string>> = {
  sha256: "3031300d060960864801650304020105000420",
  sha384: "3041300d060960864801650304020205000430",
  sha512: "3051300d060960864801650304020305000440",
};

/** PSS with a salt, PKCS #1 v1.5 without. */
export function signRsaDigest(
  key: KeyObject,
  hash: DigestName,
  digest: Uint8Array,
  salt: Uint8Array | undefined,
): Uint8Array {
  const length = modulusBytes(key);
  const encoded = salt ? encodePss(hash, digest, salt, length) : encodePkcs1(hash, digest, length);
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}

export function verifyRsaDigest(
  key: KeyObject,
  hash: DigestName,
  digest: Uint8Array,
  signature: Uint8Array,
  isPss: boolean,
): boolean {
  const length = modulusBytes(key);
  if (signature.length !== length) return false;
  let encoded: Buffer;
  try {
    encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    // Not less than the modulus.
    return false;
  }
  // Both encodings are one to one, once the salt is known: made again and compared, nothing of the signature is parsed.
  const expected = isPss
    ? encodePss(hash, digest, saltIn(hash, encoded, digest.length), length)
    : encodePkcs1(hash, digest, length);
  return timingSafeEqual(encoded, expected);
}

const modulusBytes = (key: KeyObject): number => (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;

function encodePkcs1(hash: DigestName, digest: Uint8Array, length: number): Buffer {
  const info = Buffer.concat([Buffer.from(DIGEST_INFO[hash], "hex"), digest]);
  const fill = Buffer.alloc(length - info.length - 3, 0xff);
  return Buffer.concat([Buffer.of(0, 1), fill, Buffer.of(0), info]);
}

function encodePss(hash: DigestName, digest: Uint8Array, salt: Uint8Array, length: number): Buffer {
  const tag = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const block = Buffer.alloc(length - tag.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  return Buffer.concat([masked(hash, block, tag), tag, Buffer.of(0xbc)]);
}

/** The salt of an encoded message, whatever that is worth. */
function saltIn(hash: DigestName, encoded: Buffer, saltBytes: number): Buffer {
  const block = encoded.subarray(0, -saltBytes - 1);
  return masked(hash, block, encoded.subarray(-saltBytes - 1, -1)).subarray(-saltBytes);
}

/** XORed with MGF1 of the seed; the first bit is 0, for the result must be less than the modulus. */
function masked(hash: DigestName, block: Buffer, seed: Buffer): Buffer {
  const result = Buffer.alloc(block.length);
  const counter = Buffer.alloc(4);
  for (let at = 0; at < block.length; at += seed.length) {
    counter.writeUInt32BE(at / seed.length);
    const mask = createHash(hash).update(seed).update(counter).digest();
    for (let i = 0; i < mask.length && at + i < block.length; i++) {
      result[at + i] = (block[at + i] ?? 0) ^ (mask[i] ?? 0);
    }
  }
  result[0] = (result[0] ?? 0) & 0x7f;
  return result;
}
