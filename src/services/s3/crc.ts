/**
 * The CRCs of S3: CRC-32 (zlib's), CRC-32C (Castagnoli) and CRC-64/NVME, each over a stream, and their combination from
 * the CRCs of parts without the parts' bytes.
 * Sources: RFC 3720 B.4, https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html, the NVM Express command set
 * specification (polynomial 0xAD93D23594C93659, reflected), zlib's crc32_combine for the method of combining.
 */
import { crc32 } from "node:zlib";
import type { ChecksumAlgorithm } from "./records.ts";

export type CrcAlgorithm = Extract<ChecksumAlgorithm, `CRC${string}`>;

export interface Crc {
  update(chunk: Uint8Array): void;
  /** Big endian. */
  digest(): Buffer;
}

/** Reflected polynomials with their width in bits. */
const POLYNOMIALS: Readonly<Record<CrcAlgorithm, { readonly width: 32 | 64; readonly reflected: bigint }>> = {
  CRC32: { width: 32, reflected: 0xedb88320n },
  CRC32C: { width: 32, reflected: 0x82f63b78n },
  CRC64NVME: { width: 64, reflected: 0x9a6c9329ac4bc9b5n },
};

export function createCrc(algorithm: CrcAlgorithm): Crc {
  if (algorithm === "CRC64NVME") return new Crc64();
  return algorithm === "CRC32" ? new Crc32() : new Crc32c();
}

class Crc32 implements Crc {
  #value = 0;

  update(chunk: Uint8Array): void {
    this.#value = crc32(chunk, this.#value);
  }

  digest(): Buffer {
    return bigEndian(BigInt(this.#value), 32);
  }
}

/** Eight tables of 256: eight bytes a step. */
let castagnoli: Int32Array | undefined;

function castagnoliTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    tables[byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    let value = tables[byte] as number;
    for (let table = 1; table < 8; table++) {
      value = (value >>> 8) ^ (tables[value & 0xff] as number);
      tables[table * 256 + byte] = value;
    }
  }
  return tables;
}

class Crc32c implements Crc {
  #value = -1;

  update(chunk: Uint8Array): void {
    castagnoli ??= castagnoliTables();
    const t = castagnoli;
    const at = (table: number, byte: number): number => t[(table << 8) | byte] as number;
    let value = this.#value;
    let i = 0;
    for (const end = chunk.length - 7; i < end; i += 8) {
      const low =
        value ^
        ((chunk[i] as number) |
          ((chunk[i + 1] as number) << 8) |
          ((chunk[i + 2] as number) << 16) |
          ((chunk[i + 3] as number) << 24));
      value =
        at(7, low & 0xff) ^
        at(6, (low >>> 8) & 0xff) ^
        at(5, (low >>> 16) & 0xff) ^
        at(4, low >>> 24) ^
        at(3, chunk[i + 4] as number) ^
        at(2, chunk[i + 5] as number) ^
        at(1, chunk[i + 6] as number) ^
        at(0, chunk[i + 7] as number);
    }
    for (; i < chunk.length; i++) value = (value >>> 8) ^ at(0, (value ^ (chunk[i] as number)) & 0xff);
    this.#value = value;
  }

  digest(): Buffer {
    return bigEndian(BigInt((this.#value ^ -1) >>> 0), 32);
  }
}

/** High and low halves of the 256 entries. */
let nvme: { readonly high: Int32Array; readonly low: Int32Array } | undefined;

function nvmeTables(): { high: Int32Array; low: Int32Array } {
  const tables = { high: new Int32Array(256), low: new Int32Array(256) };
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++)
      value = value & 1n ? (value >> 1n) ^ POLYNOMIALS.CRC64NVME.reflected : value >> 1n;
    tables.high[byte] = Number(value >> 32n) | 0;
    tables.low[byte] = Number(value & 0xffffffffn) | 0;
  }
  return tables;
}

class Crc64 implements Crc {
  #high = -1;
  #low = -1;

  update(chunk: Uint8Array): void {
    nvme ??= nvmeTables();
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < chunk.length; i++) {
      const index = (low ^ (chunk[i] as number)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (nvme.low[index] as number);
      high = (high >>> 8) ^ (nvme.high[index] as number);
    }
    this.#high = high;
    this.#low = low;
  }

  digest(): Buffer {
    return bigEndian((BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0), 64);
  }
}

function bigEndian(value: bigint, width: 32 | 64): Buffer {
  const bytes = Buffer.alloc(width / 8);
  if (width === 32) bytes.writeUInt32BE(Number(value));
  else bytes.writeBigUInt64BE(value);
  return bytes;
}

/** The CRC of bytes followed by others, from the CRCs of both and the length of the second. */
export function combineCrcs(algorithm: CrcAlgorithm, first: Buffer, second: Buffer, secondBytes: number): Buffer {
  const { width, reflected } = POLYNOMIALS[algorithm];
  const value = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
  let crc = value(first);
  // Appending n zero bytes to a text multiplies its CRC by x^(8n) modulo the polynomial.
  crc = multiply(crc, powerOfX(8n * BigInt(secondBytes), width, reflected), width, reflected);
  return bigEndian(crc ^ value(second), width);
}

/** x^n modulo the polynomial, reflected: the highest bit is x^0. */
function powerOfX(exponent: bigint, width: 32 | 64, reflected: bigint): bigint {
  const one = 1n << BigInt(width - 1);
  let result = one;
  let square = one >> 1n;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = multiply(result, square, width, reflected);
    square = multiply(square, square, width, reflected);
  }
  return result;
}

/** Product of two reflected polynomials modulo the third. */
function multiply(a: bigint, b: bigint, width: 32 | 64, reflected: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 1n << BigInt(width - 1); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ reflected : shifted >> 1n;
  }
  return product;
}
