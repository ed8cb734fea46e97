/**
 * The ciphertext blob: opaque to callers, so the layout is our own. It names the key and the material, and everything
 * in it, with the encryption context, is authenticated by AES-256-GCM.
 *
 *   01 02 02 00 78 | format 01 | length of ARN (1 byte) | key ARN | material id (32) | nonce (12) | ciphertext | tag (16)
 *
 * The first five bytes make the base64 text start with `AQICAHg`, as AWS's does.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { OperationContext } from "../../service.ts";
import type { EncryptionContext } from "../key-access.ts";
import { currentMaterial, openMaterial } from "../material/key-material.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import { encryptionContextTooLarge, invalidCiphertext } from "./errors.ts";

const MAGIC = Buffer.of(0x01, 0x02, 0x02, 0x00, 0x78);
const FORMAT = 1;
const MATERIAL_ID_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_CONTEXT_BYTES = 8192;

export interface Ciphertext {
  readonly keyArn: string;
  readonly materialId: string;
  readonly header: Buffer;
  readonly nonce: Buffer;
  readonly encrypted: Buffer;
  readonly tag: Buffer;
}

export function encryptUnder(
  context: OperationContext,
  key: KeyRecord,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext | undefined,
): Uint8Array {
  const material = currentMaterial(key);
  const arn = Buffer.from(keyArn(key));
  const header = Buffer.concat([MAGIC, Buffer.of(FORMAT, arn.length), arn, Buffer.from(material.id, "hex")]);
  const nonce = context.ids.bytes(NONCE_BYTES);
  const secret = openMaterial(context, key, material);
  const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(authenticated(header, encryptionContext));
  return Buffer.concat([header, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The parts of a blob, or an InvalidCiphertextException. */
export function parseCiphertext(blob: Uint8Array): Ciphertext {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const arnStart = MAGIC.length + 2;
  const headerEnd = arnStart + (bytes[MAGIC.length + 1] ?? 0) + MATERIAL_ID_BYTES;
  const isOurs = bytes.subarray(0, MAGIC.length).equals(MAGIC) && bytes[MAGIC.length] === FORMAT;
  if (!isOurs || bytes.length < headerEnd + NONCE_BYTES + TAG_BYTES) throw invalidCiphertext();
  return {
    keyArn: bytes.toString("utf8", arnStart, headerEnd - MATERIAL_ID_BYTES),
    materialId: bytes.toString("hex", headerEnd - MATERIAL_ID_BYTES, headerEnd),
    header: bytes.subarray(0, headerEnd),
    nonce: bytes.subarray(headerEnd, headerEnd + NONCE_BYTES),
    encrypted: bytes.subarray(headerEnd + NONCE_BYTES, -TAG_BYTES),
    tag: bytes.subarray(-TAG_BYTES),
  };
}

/** The plaintext, or an InvalidCiphertextException: changed bytes and a wrong encryption context look the same. */
export function decryptUnder(
  context: OperationContext,
  key: KeyRecord,
  ciphertext: Ciphertext,
  encryptionContext: EncryptionContext | undefined,
): Uint8Array {
  const material = key.material.find((candidate) => candidate.id === ciphertext.materialId);
  if (!material) throw invalidCiphertext();
  const secret = openMaterial(context, key, material);
  const decipher = createDecipheriv("aes-256-gcm", secret, ciphertext.nonce)
    .setAAD(authenticated(ciphertext.header, encryptionContext))
    .setAuthTag(ciphertext.tag);
  try {
    return Buffer.concat([decipher.update(ciphertext.encrypted), decipher.final()]);
  } catch {
    throw invalidCiphertext();
  }
}

/** The header and the encryption context in one form, whatever order its pairs came in. */
function authenticated(header: Buffer, encryptionContext: EncryptionContext = {}): Buffer {
  const pairs = Object.entries(encryptionContext).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = Buffer.from(JSON.stringify(pairs));
  if (text.length > MAX_CONTEXT_BYTES) throw encryptionContextTooLarge(MAX_CONTEXT_BYTES);
  return Buffer.concat([header, text]);
}
