/**
 * Signature Version 4 as the server computes it: canonical request, string to sign, signing key, comparison.
 * Pure but for the cache of signing keys. The order of checks and their texts are in authenticate.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * Gaps: SigV4a. Chunks signed one by one are in s3-body.ts.
 */
import { createHmac, hash, timingSafeEqual } from "node:crypto";

export const ALGORITHM = "AWS4-HMAC-SHA256";

/** The parts of a request that a signature covers. */
export interface SignedParts {
  readonly method: string;
  /** As on the wire. */
  readonly path: string;
  /** S3 signs the path as it is; all other services normalise and encode it once more. */
  readonly isPathLiteral?: boolean;
  /** As on the wire, without `?`. */
  readonly query: string;
  /** Lower-case names in the order of `SignedHeaders`. */
  readonly signedHeaders: readonly string[];
  /** The same names joined with `;`. */
  readonly signedHeaderList?: string;
  /** Value of a header, repeated ones joined with `,`. */
  readonly header: (name: string) => string;
  readonly payloadHash: string;
}

/** `<date>/<region>/<service>/aws4_request` in parts. */
export interface CredentialScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export const sha256Hex = (data: string | Uint8Array): string => hash("sha256", data, "hex");

export function canonicalRequest(parts: SignedParts): string {
  let headers = "";
  for (const name of parts.signedHeaders) headers += `${name}:${collapse(parts.header(name))}\n`;
  return `${parts.method}\n${parts.isPathLiteral ? parts.path || "/" : canonicalPath(parts.path)}\n${canonicalQuery(parts.query)}\n${headers}\n${parts.signedHeaderList ?? parts.signedHeaders.join(";")}\n${parts.payloadHash}`;
}

export const stringToSign = (date: string, scope: CredentialScope, canonical: string): string =>
  `${ALGORITHM}\n${date}\n${scope.date}/${scope.region}/${scope.service}/aws4_request\n${sha256Hex(canonical)}`;

/** Inner runs of spaces count as one. */
function collapse(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes("  ") ? trimmed.replace(/ {2,}/g, " ") : trimmed;
}

/** Every service but S3: dots and empty segments removed, each segment percent-encoded once more. */
function canonicalPath(path: string): string {
  if (path === "/" || path === "") return "/";
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(encodeRfc3986(segment));
  }
  const trailing = path.endsWith("/") && segments.length > 0 ? "/" : "";
  return `/${segments.join("/")}${trailing}`;
}

const encodeRfc3986 = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Parameters sorted by their encoded text; the signature itself is left out. */
function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .filter((part) => part !== "" && !part.startsWith("X-Amz-Signature="))
    .map((part) => (part.includes("=") ? part : `${part}=`))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .join("&");
}

const MAX_CACHED_KEYS = 1_000;

/** Signing keys by access key, day, region and service: deriving one costs four HMACs. */
export class SigningKeys {
  readonly #keys = new Map<string, { readonly secret: string; readonly key: SigningKey }>();
  /** Of the last request: those of one client are alike. */
  #last: { accessKeyId: string; secret: string; scope: CredentialScope; key: SigningKey } | undefined;

  keyFor(accessKeyId: string, secret: string, scope: CredentialScope): SigningKey {
    const last = this.#last;
    if (last?.scope === scope && last.accessKeyId === accessKeyId && last.secret === secret) return last.key;
    const key = this.#find(accessKeyId, secret, scope);
    this.#last = { accessKeyId, secret, scope, key };
    return key;
  }

  #find(accessKeyId: string, secret: string, scope: CredentialScope): SigningKey {
    const id = `${accessKeyId}/${scope.date}/${scope.region}/${scope.service}`;
    const cached = this.#keys.get(id);
    if (cached && cached.secret === secret) return cached.key;
    const key = new SigningKey(deriveSigningKey(secret, scope));
    if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.clear();
    this.#keys.set(id, { secret, key });
    return key;
  }
}

export function deriveSigningKey(secret: string, scope: CredentialScope): Buffer {
  let key = hmac(`AWS4${secret}`, scope.date);
  for (const part of [scope.region, scope.service, "aws4_request"]) key = hmac(key, part);
  return key;
}

const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

/**
 * A key ready to sign many texts: HMAC (RFC 2104) as two one-shot hashes over its padded blocks. Node's Hmac object costs
 * twice as much to make as the hashing itself, and every request needs one signature.
 */
export class SigningKey {
  /** The inner padded key, then room for a text; grows to the longest one. */
  #inner: Buffer;
  /** The outer padded key, then the inner digest. */
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);
  readonly #expected = Buffer.alloc(DIGEST_BYTES);
  readonly #given = Buffer.alloc(DIGEST_BYTES);

  /** `key` is at most 64 bytes long; SigV4's has 32. */
  constructor(key: Uint8Array) {
    this.#inner = Buffer.alloc(BLOCK_BYTES + 256, 0x36);
    key.forEach((byte, i) => {
      this.#inner[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    });
  }

  /** True when `signature` (hex) is this key's for `text`; takes the same time for every wrong one. */
  matches(text: string, signature: string): boolean {
    if (signature.length !== 2 * DIGEST_BYTES) return false;
    this.#expected.write(this.#hmac(text), "latin1");
    return this.#given.write(signature, "hex") === DIGEST_BYTES && timingSafeEqual(this.#given, this.#expected);
  }

  /** The digest, one character a byte: cheaper to hand over than a buffer. */
  #hmac(text: string): string {
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    const room = BLOCK_BYTES + text.length * 3;
    if (this.#inner.length < room) {
      const longer = Buffer.alloc(room);
      this.#inner.copy(longer, 0, 0, BLOCK_BYTES);
      this.#inner = longer;
    }
    const length = BLOCK_BYTES + this.#inner.write(text, BLOCK_BYTES);
    this.#outer.write(hash("sha256", this.#inner.subarray(0, length), "binary"), BLOCK_BYTES, "latin1");
    return hash("sha256", this.#outer, "binary");
  }
}

/** `20150830T123600Z` from epoch milliseconds. */
export const basicDate = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replaceAll("-", "").replaceAll(":", "")}Z`;

const BASIC_DATE = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
/** Requests of one client carry the same text for a second. */
let lastDate: { readonly text: string; readonly ms: number } | undefined;

/** Epoch milliseconds of `20150830T123600Z`; undefined for anything else, and for a day or time that there is not. */
export function parseBasicDate(text: string): number | undefined {
  if (lastDate?.text === text) return lastDate.ms;
  const match = BASIC_DATE.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  if (basicDate(ms) !== text) return undefined;
  lastDate = { text, ms };
  return ms;
}
