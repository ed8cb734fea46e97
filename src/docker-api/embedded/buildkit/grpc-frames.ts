/**
 * What gRPC's both ends share: messages in frames of an HTTP/2 stream, and the status that ends a call.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md . Gap: compressed messages are refused; a
 * client compresses only what it was told the other end can read.
 */
import type { Http2Stream } from "node:http2";
import { percentDecoded } from "../../../core/percent-decoded.ts";
import { Status, type StatusDetail } from "./messages.ts";

/** Of google.rpc.Code, those used here. */
export const CODE = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

const HEAD_BYTES = 5;
/** Clients read messages of up to 16 MiB; theirs are far smaller. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Room for the names in a long `.dockerignore`, which travel as headers. */
export const MAX_HEADER_BYTES = 4 * 1024 * 1024;
/** Of one stream and of one connection, in flight. */
export const WINDOW_BYTES = 4 * 1024 * 1024;

/** How a call ended; thrown by a handler it becomes the call's status. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  readonly details: readonly StatusDetail[];

  constructor(code: number, message: string, details: readonly StatusDetail[] = []) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Messages of a stream in order; ends with the stream, between two messages. */
export async function* readMessages(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  let wanted = HEAD_BYTES;
  for await (const chunk of stream) {
    parts.push(chunk);
    held += chunk.length;
    if (held < wanted) continue;
    let buffer = parts.length === 1 ? chunk : Buffer.concat(parts);
    for (;;) {
      wanted = HEAD_BYTES;
      if (buffer.length < wanted) break;
      if (buffer[0] !== 0) throw new GrpcError(CODE.unimplemented, "kiln reads no compressed gRPC messages");
      const length = buffer.readUInt32BE(1);
      if (length > MAX_MESSAGE_BYTES)
        throw new GrpcError(
          CODE.resourceExhausted,
          `grpc: received message larger than max (${length} vs. ${MAX_MESSAGE_BYTES})`,
        );
      wanted = HEAD_BYTES + length;
      if (buffer.length < wanted) break;
      yield buffer.subarray(HEAD_BYTES, wanted);
      buffer = buffer.subarray(wanted);
    }
    parts = buffer.length > 0 ? [buffer] : [];
    held = buffer.length;
  }
  if (held > 0) throw new GrpcError(CODE.internal, "a gRPC stream ended inside a message");
}

/** Writes one message and waits until there is room for more. */
export function writeMessage(stream: Http2Stream, message: Uint8Array): Promise<void> {
  if (stream.destroyed) return Promise.reject(new GrpcError(CODE.canceled, "context canceled"));
  if (stream.write(frame(message))) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", closed);
      resolve();
    };
    const closed = (): void => {
      stream.off("drain", done);
      reject(new GrpcError(CODE.canceled, "context canceled"));
    };
    stream.once("drain", done);
    stream.once("close", closed);
  });
}

/** The trailers of a call that ended so. */
export function statusTrailers(error: GrpcError | undefined): Record<string, string> {
  if (!error) return { "grpc-status": "0" };
  const { code, message } = error;
  const details = Status.encode({ code, message, details: [...error.details] });
  return {
    "grpc-status": String(code),
    "grpc-message": percentEncoded(message),
    "grpc-status-details-bin": details.toString("base64").replace(/=+$/, ""),
  };
}

/** The failure that trailers (or the headers of an answer without a body) tell, or undefined for success. */
export function statusOf(headers: Readonly<Record<string, string | string[] | undefined>>): GrpcError | undefined {
  const one = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const code = Number(one("grpc-status") ?? Number.NaN);
  if (code === CODE.ok) return undefined;
  if (!Number.isInteger(code)) return new GrpcError(CODE.unavailable, "the client ended a call without a status");
  return new GrpcError(code, percentDecoded(one("grpc-message") ?? ""));
}

const percentEncoded = (message: string): string =>
  [...Buffer.from(message, "utf8")]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
