/**
 * A gRPC server on one connection that a client has already opened: the socket after `Upgrade: h2c`.
 * The calls are a table of full method names (`/moby.buildkit.v1.Control/Solve`); others are answered as unimplemented.
 */
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { debug } from "../../../core/log.ts";
import {
  CODE,
  GrpcError,
  MAX_HEADER_BYTES,
  readMessages,
  statusTrailers,
  WINDOW_BYTES,
  writeMessage,
} from "./grpc-frames.ts";
import type { MessageType } from "./protobuf.ts";
import { ProtobufError } from "./protobuf.ts";

export interface GrpcCall {
  readonly metadata: IncomingHttpHeaders;
  /** Ends when the client goes away. */
  readonly signal: AbortSignal;
  readonly requests: AsyncIterable<Buffer>;
  /** Waits while the client is slow. */
  send(message: Uint8Array): Promise<void>;
}

export type GrpcHandler = (call: GrpcCall) => Promise<void>;
export type GrpcHandlers = Readonly<Record<string, GrpcHandler>>;

/** A call with one request; `answer` may send any number of messages through `call`. */
export const oneRequest =
  <Q>(type: MessageType<Q>, answer: (request: Q, call: GrpcCall) => Promise<void>): GrpcHandler =>
  async (call) => {
    const requests = call.requests[Symbol.asyncIterator]();
    const first = await requests.next();
    if (first.done) throw new GrpcError(CODE.internal, "the call has no request");
    // To the end, without ending the stream, which carries the answer too.
    const rest = async (): Promise<void> => {
      while (!(await requests.next()).done);
    };
    rest().catch(() => undefined);
    return answer(type.decode(first.value), call);
  };

/** A call with one request and one answer. */
export const unary = <Q, A>(
  request: MessageType<Q>,
  response: MessageType<A>,
  answer: (request: Q, call: GrpcCall) => Promise<Partial<A>>,
): GrpcHandler => oneRequest(request, async (given, call) => call.send(response.encode(await answer(given, call))));

/** Serves until the connection ends; `closed` then resolves. Calls still running are told by their signal. */
export function serveGrpc(socket: Duplex, handlers: GrpcHandlers): { readonly closed: Promise<void> } {
  const server = createServer({
    settings: { initialWindowSize: WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_BYTES },
    maxSessionMemory: 64,
  });
  const running = new Set<Promise<void>>();
  server.on("session", (session) => session.on("error", () => undefined));
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers) => {
    const work = answer(stream, headers, handlers).finally(() => running.delete(work));
    running.add(work);
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => undefined);
    socket.once("close", () => void Promise.allSettled([...running]).then(() => resolve()));
  });
  server.emit("connection", socket);
  return { closed };
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, handlers: GrpcHandlers): Promise<void> {
  const path = headers[":path"] ?? "";
  const gone = new AbortController();
  stream.on("error", () => undefined);
  stream.on("aborted", () => gone.abort(new Error("context canceled")));
  stream.on("close", () => gone.abort(new Error("context canceled")));
  let failure: GrpcError | undefined;
  stream.on("wantTrailers", () => {
    if (!stream.destroyed && !stream.closed) stream.sendTrailers(statusTrailers(failure));
  });
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  try {
    const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
    if (!handler) throw new GrpcError(CODE.unimplemented, `kiln's embedded builder does not do ${path}`);
    await handler({
      metadata: headers,
      signal: gone.signal,
      requests: readMessages(stream),
      send: (message) => writeMessage(stream, message),
    });
  } catch (error) {
    failure = grpcErrorOf(error);
    debug("docker", () => `grpc ${path} failed: ${(error as Error).stack}`);
  }
  if (!stream.destroyed) stream.end();
}

function grpcErrorOf(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  const code = error instanceof ProtobufError ? CODE.internal : CODE.unknown;
  return new GrpcError(code, (error as Error).message);
}
