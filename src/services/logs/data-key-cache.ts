/**
 * The data keys that this process has decrypted, and encryption with them (AES-256-GCM). A key is forgotten after five
 * minutes, so that what changes at the KMS key takes effect as on AWS.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { MINUTE_MS } from "../../core/clock.ts";

const VALID_MS = 5 * MINUTE_MS;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export class DataKeyCache {
  readonly #keys = new Map<string, { readonly key: Uint8Array; readonly untilMs: number }>();

  has(id: string, nowMs: number): boolean {
    const known = this.#keys.get(id);
    // A clock that is set back must not make a key last.
    return known !== undefined && nowMs < known.untilMs && nowMs >= known.untilMs - VALID_MS;
  }

  add(id: string, key: Uint8Array, nowMs: number): void {
    for (const [old, { untilMs }] of this.#keys) if (untilMs <= nowMs) this.#keys.delete(old);
    this.#keys.set(id, { key, untilMs: nowMs + VALID_MS });
  }

  /** invariant: added a moment ago. Throws for a key that another process made just now: the caller tries again. */
  require(id: string): Uint8Array {
    const known = this.#keys.get(id);
    if (!known) throw new Error(`the data key ${id} of a log group is not open`);
    return known.key;
  }
}

/** Nonce, tag, ciphertext. */
export function seal(bytes: Uint8Array, key: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const encrypted = cipher.update(bytes);
  cipher.final();
  return Buffer.concat([iv, cipher.getAuthTag(), encrypted]);
}

export const newIv = (ids: { bytes(count: number): Uint8Array }): Uint8Array => ids.bytes(IV_BYTES);

export function openSealed(bytes: Buffer, key: Uint8Array): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const opened = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
  decipher.final();
  return opened;
}
