import { constants, createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signRsaDigest, verifyRsaDigest } from "./rsa-digest.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const HASHES = ["sha256", "sha384", "sha512"] as const;
const pss = (saltLength: number) => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

describe.each(HASHES)("an RSA signature over a digest of %s", (hash) => {
  const bytes = Number(hash.slice(3)) / 8;
  const digestOf = (message: Uint8Array): Buffer => createHash(hash).update(message).digest();

  it("is the one that OpenSSL makes and takes", () => {
    const any = fc.uint8Array({ maxLength: 200 });
    const salts = fc.uint8Array({ minLength: bytes, maxLength: bytes });
    fc.assert(
      fc.property(any, salts, (message, salt) => {
        const digest = digestOf(message);
        const plain = signRsaDigest(privateKey, hash, digest, undefined);
        expect(plain).toEqual(sign(hash, message, privateKey));
        expect(verifyRsaDigest(publicKey, hash, digest, plain, false)).toBe(true);
        const salted = signRsaDigest(privateKey, hash, digest, salt);
        expect(verify(hash, message, { key: publicKey, ...pss(bytes) }, salted)).toBe(true);
        const theirs = sign(hash, message, { key: privateKey, ...pss(bytes) });
        expect(verifyRsaDigest(publicKey, hash, digest, theirs, true)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("is of one scheme, of one digest, and with a salt of the digest's length", () => {
    const message = Buffer.from("m");
    const digest = digestOf(message);
    const plain = sign(hash, message, privateKey);
    expect(verifyRsaDigest(publicKey, hash, digest, plain, true)).toBe(false);
    const salted = sign(hash, message, { key: privateKey, ...pss(bytes) });
    expect(verifyRsaDigest(publicKey, hash, digest, salted, false)).toBe(false);
    for (const saltLength of [0, bytes - 1, bytes + 1]) {
      const other = sign(hash, message, { key: privateKey, ...pss(saltLength) });
      expect(verifyRsaDigest(publicKey, hash, digest, other, true)).toBe(false);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: bytes, maxLength: bytes }), (other) => {
        expect(verifyRsaDigest(publicKey, hash, other, plain, false)).toBe(false);
        expect(verifyRsaDigest(publicKey, hash, other, salted, true)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});
