/**
 * A body of any size on its way in or out (S3's objects): bytes that are asked for chunk by chunk, so that nobody holds
 * them whole. Made by endpoint/ from a request, by callers from inside, and by S3 for its answers.
 * Who takes one reads it once; an error thrown by it means that nothing of it may be kept.
 */

/** Bytes in one piece or in chunks. */
export type StreamingBlob = Uint8Array | AsyncIterable<Uint8Array>;

/** A streamed body with what the request says after it (HTTP trailers of `aws-chunked`). */
export interface BodyWithTrailers extends AsyncIterable<Uint8Array> {
  /** Lower-case names announced before the body. */
  readonly trailerNames: readonly string[];
  /** Value of a trailer; undefined until the body was read to its end. */
  trailer(name: string): string | undefined;
}

export const isStreamingBlob = (value: unknown): value is StreamingBlob =>
  value instanceof Uint8Array ||
  (typeof value === "object" && value !== null && typeof Reflect.get(value, Symbol.asyncIterator) === "function");

export const hasTrailers = (body: StreamingBlob): body is BodyWithTrailers => "trailerNames" in body;

/** The chunks of a body; none for an absent one. */
export async function* chunksOf(body: StreamingBlob | undefined): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

/** A whole body in memory: only for ones known to be small. */
export async function bytesOf(body: StreamingBlob | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(body)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
