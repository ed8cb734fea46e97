/** Randomness and the shapes of AWS ids. The test implementation counts, with AWS's shapes. */
import { randomBytes, randomUUID } from "node:crypto";

export interface Ids {
  /** UUID v4: request ids, build ids, key ids. */
  uuid(): string;
  bytes(length: number): Buffer;
  /** `length` characters of A-Z2-7 (IAM unique ids and access keys without their prefix). */
  base32(length: number): string;
  /** `length` characters of A-Za-z0-9 (secret suffixes, tokens). */
  alphanumeric(length: number): string;
}

/** The characters of IAM's ids, in the order of their values. */
export const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const pick = (alphabet: string, bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  bytes: (length) => randomBytes(length),
  base32: (length) => pick(BASE32, randomBytes(length)),
  alphanumeric: (length) => pick(ALPHANUMERIC, randomBytes(length)),
};

/** Deterministic ids for tests: 1, 2, 3 … in AWS's shapes. */
export class TestIds implements Ids {
  #next = 1;

  uuid(): string {
    return `00000000-0000-4000-8000-${String(this.#next++).padStart(12, "0")}`;
  }

  bytes(length: number): Buffer {
    const buffer = Buffer.alloc(length);
    buffer.writeUInt32BE(this.#next++, Math.max(0, length - 4));
    return buffer;
  }

  base32(length: number): string {
    return String(this.#next++)
      .replace(/[01]/g, "A")
      .replace(/[89]/g, "B")
      .padStart(length, "A");
  }

  alphanumeric(length: number): string {
    return String(this.#next++).padStart(length, "x");
  }
}
