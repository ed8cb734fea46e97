/**
 * ECDSA over a digest that somebody else made (ANS X9.62, section 7): points are multiplied by OpenSSL, through ECDH, and
 * the rest is arithmetic modulo the order of the group. No algorithm of KMS has a hash longer than its curve's order.
 * Curves: https://www.secg.org/sec2-v2.pdf
 */
import { createECDH, type ECDH, type KeyObject } from "node:crypto";

interface Curve {
  readonly bytes: number;
  /** Prime of the field. */
  readonly p: bigint;
  /** First coefficient. */
  readonly a: bigint;
  /** Order of the group. */
  readonly n: bigint;
}

const curve = (bytes: number, p: bigint, a: bigint, n: bigint): Curve => ({ bytes, p, a: modulo(a, p), n });
const hex = (digits: string): bigint => BigInt(`0x${digits}`);

const CURVES: Readonly<Record<string, Curve>> = {
  prime256v1: curve(
    32,
    2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    -3n,
    hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
  ),
  secp256k1: curve(
    32,
    2n ** 256n - 2n ** 32n - 977n,
    0n,
    hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
  ),
  secp384r1: curve(
    48,
    2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    -3n,
    hex(`${"f".repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`),
  ),
  secp521r1: curve(
    66,
    2n ** 521n - 1n,
    -3n,
    hex(`1${"f".repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
  ),
};

/** A signature in DER. */
export function signEcdsaDigest(privateKey: KeyObject, digest: Uint8Array): Uint8Array {
  const { name, n, bytes } = curveOf(privateKey);
  const secret = numberIn(Buffer.from(String(privateKey.export({ format: "jwk" }).d), "base64url"));
  for (;;) {
    const once = createECDH(name);
    const r = numberIn(once.generateKeys().subarray(1, 1 + bytes)) % n;
    // Numbers of this size are not worked with in constant time: neither the nonce nor the secret is met as it is.
    const veil =
      numberIn(
        createECDH(name)
          .generateKeys()
          .subarray(1, 1 + bytes),
      ) % n;
    const hidden = modulo(veil * numberIn(digest) + r * modulo(veil * secret, n), n);
    const s = modulo(inverse(modulo(veil * numberIn(once.getPrivateKey()), n), n) * hidden, n);
    if (r !== 0n && s !== 0n) return derOf(r, s);
  }
}

/** False also for what is no signature at all. */
export function verifyEcdsaDigest(publicKey: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const { name, n, p, a, bytes } = curveOf(publicKey);
  const pair = pairIn(signature);
  if (!pair || pair.some((value) => value === 0n || value >= n)) return false;
  const [r, s] = pair;
  const jwk = publicKey.export({ format: "jwk" });
  const own: Point = [Buffer.from(String(jwk.x), "base64url"), Buffer.from(String(jwk.y), "base64url")].map(
    numberIn,
  ) as unknown as Point;
  // X9.62 asks for the x of (z/s)·G + (r/s)·Q, which is (r/s)·((z/r)·G + Q): so the last step is one of ECDH.
  const ecdh = createECDH(name);
  const ofGenerator = modulo(numberIn(digest) * inverse(r, n), n);
  const sum = ofGenerator === 0n ? own : add(multipleOfGenerator(ecdh, ofGenerator, bytes), own, p, a);
  if (!sum) return false;
  ecdh.setPrivateKey(bytesOf(modulo(r * inverse(s, n), n), bytes));
  const shared = ecdh.computeSecret(Buffer.concat([Buffer.of(4), ...sum.map((value) => bytesOf(value, bytes))]));
  return numberIn(shared) % n === r;
}

type Point = readonly [x: bigint, y: bigint];

function multipleOfGenerator(ecdh: ECDH, factor: bigint, bytes: number): Point {
  ecdh.setPrivateKey(bytesOf(factor, bytes));
  const point = ecdh.getPublicKey();
  return [numberIn(point.subarray(1, 1 + bytes)), numberIn(point.subarray(1 + bytes))];
}

/** Undefined for the point at infinity. */
function add([x1, y1]: Point, [x2, y2]: Point, p: bigint, a: bigint): Point | undefined {
  if (x1 === x2 && y1 !== y2) return undefined;
  const slope = x1 === x2 ? (3n * x1 * x1 + a) * inverse(2n * y1, p) : (y2 - y1) * inverse(x2 - x1, p);
  const x = modulo(slope * slope - x1 - x2, p);
  return [x, modulo(slope * (x1 - x) - y1, p)];
}

function curveOf(key: KeyObject): Curve & { readonly name: string } {
  const name = key.asymmetricKeyDetails?.namedCurve ?? "";
  const found = CURVES[name];
  if (!found) throw new Error(`no curve ${name}`);
  return { ...found, name };
}

function modulo(value: bigint, by: bigint): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

/** By Euclid; `by` is prime and does not divide the value. */
function inverse(value: bigint, by: bigint): bigint {
  let [rest, next] = [modulo(value, by), by];
  let [factor, nextFactor] = [1n, 0n];
  while (next !== 0n) {
    const times = rest / next;
    [rest, next] = [next, rest - times * next];
    [factor, nextFactor] = [nextFactor, factor - times * nextFactor];
  }
  return modulo(factor, by);
}

const numberIn = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : hex(Buffer.from(bytes).toString("hex")));
const bytesOf = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");

const INTEGER = 0x02;
const SEQUENCE = 0x30;

function derOf(r: bigint, s: bigint): Buffer {
  const content = Buffer.concat([r, s].map((value) => element(INTEGER, signed(value))));
  return element(SEQUENCE, content);
}

/** Big-endian with a sign bit. */
function signed(value: bigint): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
}

// No signature is as long as 256 bytes.
const element = (tag: number, content: Buffer): Buffer =>
  Buffer.concat([
    content.length < 0x80 ? Buffer.of(tag, content.length) : Buffer.of(tag, 0x81, content.length),
    content,
  ]);

/** The two numbers of a signature in DER, undefined for anything else: read loosely, then written again and compared. */
function pairIn(signature: Uint8Array): readonly [bigint, bigint] | undefined {
  const bytes = Buffer.from(signature);
  const content = bytes.subarray(bytes[1] === 0x81 ? 3 : 2);
  const firstBytes = content[1] ?? 0;
  const first = content.subarray(2, 2 + firstBytes);
  const second = content.subarray(4 + firstBytes);
  if ((first[0] ?? 0x80) >= 0x80 || (second[0] ?? 0x80) >= 0x80) return undefined;
  const [r, s] = [numberIn(first), numberIn(second)];
  return derOf(r, s).equals(bytes) ? [r, s] : undefined;
}
