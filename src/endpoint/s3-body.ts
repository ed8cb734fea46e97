/**
 * The body of an S3 request as it comes: out of its `aws-chunked` envelope, against its signatures, its hash and its
 * length. Nothing is collected; an error in the middle means that nothing of the body may be kept.
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, sigv4-streaming-trailers.html
 * Gaps: the forms signed with SigV4a.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock.ts";
import type { BodyWithTrailers } from "../core/streaming-blob.ts";
import type { ChunkSigning } from "./exchange.ts";
import {
  bodyTimeout,
  contentHashMismatch,
  incompleteBody,
  invalidRequest,
  malformedTrailer,
  missingContentLength,
  signatureDoesNotMatch,
} from "./s3-errors.ts";
import { sha256Hex } from "./sigv4.ts";

const IDLE_TIMEOUT_MS = 30_000;
const MAX_LINE_BYTES = 8 * 1024;
const MAX_TRAILERS = 16;
const EMPTY_SHA256 = sha256Hex("");

export interface BodyFacts {
  /** Value of `x-amz-content-sha256`. */
  readonly contentHash: string;
  readonly signing: ChunkSigning | undefined;
  readonly clock: Clock;
  /** Called before the first byte is asked for. */
  readonly begin: () => void;
}

/** A body to be read once, with the number of its bytes. */
export interface IncomingBody {
  readonly length: number;
  readonly bytes: BodyWithTrailers;
}

/** Throws MissingContentLength when nothing says how long the body is. */
export function incomingBody(request: IncomingMessage, facts: BodyFacts): IncomingBody {
  const { headers } = request;
  const isChunked = facts.contentHash.startsWith("STREAMING-");
  const announced = isChunked ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  const length = Number(announced);
  if (announced === undefined || !Number.isSafeInteger(length) || length < 0) throw missingContentLength();
  const raw = incomingChunks(request, facts);
  const bytes = isChunked
    ? new ChunkedBody(raw, request, facts, length)
    : withoutTrailers(/^[0-9a-f]{64}$/.test(facts.contentHash) ? hashed(raw, facts.contentHash) : raw);
  return { length, bytes };
}

const withoutTrailers = (chunks: AsyncIterable<Uint8Array>): BodyWithTrailers => ({
  trailerNames: [],
  trailer: () => undefined,
  [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](),
});

/** The request's own chunks. What is not read is thrown away, so that the answer reaches the client. */
async function* incomingChunks(request: IncomingMessage, { clock, begin }: BodyFacts): AsyncGenerator<Buffer> {
  begin();
  const iterator = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await withIdleTimeout(iterator.next(), clock);
      if (done) return;
      yield value as Buffer;
    }
  } finally {
    request.resume();
  }
}

function withIdleTimeout<T>(pending: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(IDLE_TIMEOUT_MS, () => reject(bodyTimeout()));
    pending.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** Throws at the end when the bytes are not the ones that were signed. */
async function* hashed(chunks: AsyncIterable<Buffer>, expected: string): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const computed = hash.digest("hex");
  if (computed !== expected) throw contentHashMismatch(expected, computed);
}

/** `<hex size>[;chunk-signature=…] CRLF bytes CRLF … 0 CRLF [name:value CRLF …] CRLF` */
class ChunkedBody implements BodyWithTrailers {
  readonly trailerNames: readonly string[];
  readonly #trailers = new Map<string, string>();
  readonly #reader: LineReader;
  readonly #signing: ChunkSigning | undefined;
  readonly #hasTrailers: boolean;
  readonly #length: number;
  #previous: string;

  constructor(
    raw: AsyncIterable<Buffer>,
    request: IncomingMessage,
    { contentHash, signing }: BodyFacts,
    length: number,
  ) {
    const names = String(request.headers["x-amz-trailer"] ?? "").toLowerCase();
    this.#hasTrailers = contentHash.endsWith("-TRAILER");
    this.trailerNames = this.#hasTrailers
      ? names
          .split(",")
          .map((name) => name.trim())
          .filter(Boolean)
      : [];
    this.#reader = new LineReader(raw);
    this.#signing = contentHash.startsWith("STREAMING-AWS4-") ? signing : undefined;
    this.#previous = signing?.signature ?? "";
    this.#length = length;
    if (contentHash.startsWith("STREAMING-AWS4-") && !signing) {
      throw invalidRequest("A presigned URL cannot have a body that is signed chunk by chunk");
    }
  }

  trailer(name: string): string | undefined {
    return this.#trailers.get(name);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      let received = 0;
      for (;;) {
        const { size, signature } = parseHead(await this.#reader.line());
        const hash = this.#signing && createHash("sha256");
        for await (const bytes of this.#reader.bytes(size)) {
          hash?.update(bytes);
          received += bytes.length;
          if (received > this.#length) throw incompleteBody();
          yield bytes;
        }
        this.#verify("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY_SHA256}\n${hash?.digest("hex")}`, signature);
        if (size === 0) break;
        if ((await this.#reader.line()) !== "") throw incompleteBody();
      }
      if (received !== this.#length) throw incompleteBody();
      await this.#readTrailers();
    } finally {
      await this.#reader.close();
    }
  }

  async #readTrailers(): Promise<void> {
    let signed = "";
    let signature: string | undefined;
    for (let lines = 0; ; lines++) {
      const line = await this.#reader.lastLine();
      if (line === undefined || line === "") break;
      const colon = line.indexOf(":");
      const name = line.slice(0, Math.max(colon, 0)).toLowerCase().trim();
      const value = line.slice(colon + 1).trim();
      if (lines >= MAX_TRAILERS || colon < 0 || !this.#hasTrailers) throw malformedTrailer();
      if (name === "x-amz-trailer-signature") {
        signature = value;
        continue;
      }
      if (!this.trailerNames.includes(name) || this.#trailers.has(name)) throw malformedTrailer();
      this.#trailers.set(name, value);
      signed += `${name}:${value}\n`;
    }
    if (this.trailerNames.some((name) => !this.#trailers.has(name))) throw malformedTrailer();
    if (this.#hasTrailers) this.#verify("AWS4-HMAC-SHA256-TRAILER", sha256Hex(signed), signature);
  }

  /** Each signature covers the one before it. */
  #verify(kind: string, what: string, signature: string | undefined): void {
    const signing = this.#signing;
    if (!signing) return;
    const text = `${kind}\n${signing.date}\n${signing.scope}\n${this.#previous}\n${what}`;
    if (signature === undefined || !signing.key.matches(text, signature)) {
      throw signatureDoesNotMatch({
        accessKeyId: signing.accessKeyId,
        stringToSign: text,
        signature: signature ?? "",
      });
    }
    this.#previous = signature;
  }
}

const HEAD = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/;

function parseHead(line: string): { readonly size: number; readonly signature: string | undefined } {
  const match = HEAD.exec(line);
  if (!match) throw incompleteBody();
  return { size: Number.parseInt(match[1] as string, 16), signature: match[2] };
}

/** Lines and counted bytes out of chunks that know nothing of either. */
class LineReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #isEnd = false;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** Without its CRLF. */
  async line(): Promise<string> {
    const line = await this.lastLine();
    if (line === undefined) throw incompleteBody();
    return line;
  }

  /** Undefined at the end of the body; the last line may lack its CRLF. */
  async lastLine(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#rest.toString("latin1", 0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw incompleteBody();
      if (await this.#more()) continue;
      if (this.#rest.length === 0) return undefined;
      const line = this.#rest.toString("latin1");
      this.#rest = Buffer.alloc(0);
      return line;
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) throw incompleteBody();
      const taken = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(taken.length);
      left -= taken.length;
      if (taken.length > 0) yield taken;
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #more(): Promise<boolean> {
    if (this.#isEnd) return false;
    const { done, value } = await this.#iterator.next();
    if (done) {
      this.#isEnd = true;
      return false;
    }
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}
