import { createECDH, createHash, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signEcdsaDigest, verifyEcdsaDigest } from "./ecdsa-digest.ts";

const CURVES = [
  ["prime256v1", "sha256"],
  ["secp256k1", "sha256"],
  ["secp384r1", "sha384"],
  ["secp521r1", "sha512"],
] as const;

const base64url = (hex: string): string => Buffer.from(hex, "hex").toString("base64url");
const der = (r: string, s: string): Buffer => {
  const integers = [r, s].map((hex) => {
    const bytes = Buffer.from(hex, "hex");
    const signed = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
    return Buffer.concat([Buffer.of(2, signed.length), signed]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
};

// https://www.rfc-editor.org/rfc/rfc6979 appendix A.2.5
const RFC_KEY = {
  d: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
  x: "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
  y: "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
};
const rfcPublicKey = createPublicKey({
  key: { kty: "EC", crv: "P-256", x: base64url(RFC_KEY.x), y: base64url(RFC_KEY.y) },
  format: "jwk",
});

describe("ECDSA over a digest", () => {
  it.each([
    [
      "sample",
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ],
    [
      "test",
      "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
      "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ],
  ])("accepts the signature of RFC 6979 of %j", (message, r, s) => {
    const digest = createHash("sha256").update(message).digest();
    expect(verifyEcdsaDigest(rfcPublicKey, digest, der(r, s))).toBe(true);
    expect(verifyEcdsaDigest(rfcPublicKey, digest, der(s, r))).toBe(false);
  });

  it.each(CURVES)("takes any digest on %s, and no other than the signed one", (namedCurve, hash) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    const bytes = Number(hash.slice(-3)) / 8;
    const any = fc.uint8Array({ minLength: bytes, maxLength: bytes });
    fc.assert(
      fc.property(any, any, (digest, other) => {
        const signature = signEcdsaDigest(privateKey, digest);
        expect(verifyEcdsaDigest(publicKey, digest, signature)).toBe(true);
        expect(verifyEcdsaDigest(publicKey, other, signature)).toBe(Buffer.from(digest).equals(other));
      }),
      {
        numRuns: 25,
        examples: [[new Uint8Array(bytes), new Uint8Array(bytes).fill(0xff)]],
      },
    );
  });

  it.each(CURVES)("accepts on %s what OpenSSL signs", (namedCurve, hash) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    for (let n = 0; n < 25; n++) {
      const message = Buffer.from(`message ${n}`);
      const digest = createHash(hash).update(message).digest();
      expect(verifyEcdsaDigest(publicKey, digest, sign(hash, message, privateKey))).toBe(true);
    }
  });

  it("is right where the sum of points is a doubling", () => {
    const n = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    const d = BigInt(`0x${RFC_KEY.d}`);
    const once = createECDH("prime256v1");
    // k = 1: the signature is (x of G, 2·r·d) for the digest r·d.
    once.setPrivateKey(Buffer.from("1".padStart(64, "0"), "hex"));
    const r = BigInt(`0x${once.getPublicKey().subarray(1, 33).toString("hex")}`) % n;
    const hex = (value: bigint): string => value.toString(16).padStart(64, "0");
    const digest = Buffer.from(hex((r * d) % n), "hex");
    expect(verifyEcdsaDigest(rfcPublicKey, digest, der(hex(r), hex((2n * r * d) % n)))).toBe(true);
    expect(verifyEcdsaDigest(rfcPublicKey, digest, der(hex(r), hex((3n * r * d) % n)))).toBe(false);
    // And where it is no point at all.
    const opposite = Buffer.from(hex((n - ((r * d) % n)) % n), "hex");
    expect(verifyEcdsaDigest(rfcPublicKey, opposite, der(hex(r), hex(1n)))).toBe(false);
  });

  it("refuses whatever is not DER of two numbers", () => {
    const digest = new Uint8Array(32);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(verifyEcdsaDigest(rfcPublicKey, digest, bytes)).toBe(false);
      }),
      { examples: [[Uint8Array.of()], [Uint8Array.of(0x30, 0x81)], [Uint8Array.of(0x30, 6, 2, 1, 0, 2, 1, 0)]] },
    );
  });
});
