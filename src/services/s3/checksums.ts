/**
 * Checksums of objects: what a client says it sent, computed while the bytes pass, and kept for those who ask again.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 * Gaps: SHA512, MD5 and the XXHASH family are refused; an object sent without a checksum gets none (AWS adds CRC64NVME).
 */
import { createHash, type Hash } from "node:crypto";
import { hasTrailers, type StreamingBlob } from "../../core/streaming-blob.ts";
import { type Crc, createCrc } from "./crc.ts";
import { badChecksum, badContentMd5, invalidDigest, invalidRequest, notOfferedHere } from "./errors.ts";
import type { ChecksumAlgorithm, ChecksumRecord } from "./records.ts";

export const checksumErrors = [badChecksum, badContentMd5, invalidDigest, invalidRequest, notOfferedHere];

const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};
const ALGORITHMS = Object.keys(DIGEST_BYTES) as ChecksumAlgorithm[];
const NOT_OFFERED = ["SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"];

/** CRCs of parts can be put together, hashes cannot. */
export const isFullObjectCapable = (algorithm: ChecksumAlgorithm): boolean => algorithm.startsWith("CRC");

type Member = `Checksum${ChecksumAlgorithm}`;

/** The checksum members of an input. */
export type ChecksumInput = { readonly [member in Member]?: string | undefined } & {
  readonly ChecksumAlgorithm?: string | undefined;
  readonly ContentMD5?: string | undefined;
};

/** What the client says about its body. `value` may come after the body, as a trailer. */
export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string | undefined;
  readonly trailer: string | undefined;
}

const headerOf = (algorithm: string): string => `x-amz-checksum-${algorithm.toLowerCase()}`;

/** Throws AWS's errors for checksums that cannot be right. */
export function expectedChecksum(input: ChecksumInput, body?: StreamingBlob): ExpectedChecksum | undefined {
  const members = input as Readonly<Record<string, string | undefined>>;
  const trailers = body !== undefined && hasTrailers(body) ? body.trailerNames : [];
  for (const name of NOT_OFFERED) {
    if (members[`Checksum${name}`] !== undefined || trailers.includes(headerOf(name))) {
      throw notOfferedHere(`${name} checksums`);
    }
  }
  const given = ALGORITHMS.filter(
    (name) => members[`Checksum${name}`] !== undefined || trailers.includes(headerOf(name)),
  );
  if (given.length > 1) {
    throw invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  const algorithm = given[0] ?? requestedAlgorithm(input.ChecksumAlgorithm);
  if (algorithm === undefined) return undefined;
  const value = members[`Checksum${algorithm}`];
  if (value !== undefined) requireForm(algorithm, value);
  const trailer = trailers.includes(headerOf(algorithm)) ? headerOf(algorithm) : undefined;
  return { algorithm, value, trailer };
}

/** The algorithm by its name; refused by name when it is one of AWS's that is not offered. */
export function requestedAlgorithm(name: string | undefined): ChecksumAlgorithm | undefined {
  if (name === undefined) return undefined;
  if (NOT_OFFERED.includes(name)) throw notOfferedHere(`${name} checksums`);
  return ALGORITHMS.find((algorithm) => algorithm === name);
}

function requireForm(algorithm: ChecksumAlgorithm, value: string): void {
  const bytes = Buffer.from(value, "base64");
  if (bytes.length === DIGEST_BYTES[algorithm] && bytes.toString("base64") === value) return;
  throw invalidRequest(`Value for ${headerOf(algorithm)} header is invalid.`);
}

/** The member of an answer or of a list of parts, e.g. `{ ChecksumCRC32: "…" }`. */
export const checksumMember = (
  algorithm: ChecksumAlgorithm,
  value: string,
): { readonly [member in Member]?: string } => ({
  [`Checksum${algorithm}`]: value,
});

/** The members that answers about an object carry. */
export const checksumAnswer = (checksum: ChecksumRecord | undefined) =>
  checksum === undefined ? {} : { ...checksumMember(checksum.algorithm, checksum.value), ChecksumType: checksum.type };

/** A running checksum. */
export interface Running {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

export const createChecksum = (algorithm: ChecksumAlgorithm): Running | Crc =>
  algorithm === "SHA1" || algorithm === "SHA256" ? createHash(algorithm.toLowerCase()) : createCrc(algorithm);

/** Watches a body pass: its MD5 (the ETag) and what the client expects of it. */
export class BodyWatch {
  readonly #md5: Hash = createHash("md5");
  readonly #running: Running | undefined;
  readonly #expected: ExpectedChecksum | undefined;
  readonly #contentMd5: string | undefined;
  readonly #body: StreamingBlob | undefined;
  size = 0;

  constructor(input: ChecksumInput, body: StreamingBlob | undefined) {
    this.#expected = expectedChecksum(input, body);
    this.#running = this.#expected && createChecksum(this.#expected.algorithm);
    this.#contentMd5 = input.ContentMD5;
    this.#body = body;
    if (this.#contentMd5 !== undefined) {
      const bytes = Buffer.from(this.#contentMd5, "base64");
      if (bytes.length !== 16 || bytes.toString("base64") !== this.#contentMd5) throw invalidDigest(this.#contentMd5);
    }
  }

  async *pass(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.size += chunk.length;
      this.#md5.update(chunk);
      this.#running?.update(chunk);
      yield chunk;
    }
  }

  /** After the last chunk: throws when it is not what the client said, else what to keep of it. */
  finish(): { readonly md5: Buffer; readonly checksum: ChecksumRecord | undefined } {
    const md5 = this.#md5.digest();
    const calculatedMd5 = md5.toString("base64");
    if (this.#contentMd5 !== undefined && this.#contentMd5 !== calculatedMd5) {
      throw badContentMd5(this.#contentMd5, calculatedMd5);
    }
    if (!this.#expected || !this.#running) return { md5, checksum: undefined };
    const { algorithm, trailer } = this.#expected;
    const value = this.#running.digest().toString("base64");
    const said =
      trailer !== undefined && this.#body && hasTrailers(this.#body)
        ? this.#body.trailer(trailer)
        : this.#expected.value;
    if (said !== undefined && said !== value) {
      requireForm(algorithm, said);
      throw badChecksum(algorithm);
    }
    return { md5, checksum: { algorithm, value, type: "FULL_OBJECT" } };
  }
}
