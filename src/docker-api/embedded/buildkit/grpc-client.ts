/**
 * gRPC calls over a connection that the other end opened: the session of a BuildKit client, in which the client is the
 * server and Kiln asks for files, secrets and places to put results.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  CODE,
  frame,
  GrpcError,
  MAX_HEADER_BYTES,
  readMessages,
  statusOf,
  WINDOW_BYTES,
  writeMessage,
} from "./grpc-frames.ts";
import type { MessageType } from "./protobuf.ts";

export type Metadata = Readonly<Record<string, string | readonly string[]>>;

/** A call in both directions. Reading `messages` to the end tells how it ended: it throws the call's status. */
export interface ClientCall {
  readonly messages: AsyncGenerator<Buffer>;
  send(message: Uint8Array): Promise<void>;
  /**
   * No more messages from here, after a last one. A server that has answered before it knows resets the stream, and what
   * it sent last may be lost: the end travels with the last message, before the answer is read.
   */
  end(last?: Uint8Array): void;
  /** Ends the call whatever its state. */
  cancel(): void;
}

export class GrpcClient {
  readonly #session: ClientHttp2Session;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;

  constructor(socket: Duplex) {
    this.#session = connect("http://session", {
      createConnection: () => socket as Socket,
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
      maxSendHeaderBlockLength: MAX_HEADER_BYTES,
      maxSessionMemory: 64,
    });
    this.#session.on("error", () => undefined);
    this.#session.on("connect", () => this.#session.setLocalWindowSize(WINDOW_BYTES));
    this.closed = new Promise((resolve) => this.#session.once("close", resolve));
  }

  get isClosed(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  open(method: string, metadata: Metadata, signal: AbortSignal): ClientCall {
    signal.throwIfAborted();
    if (this.isClosed) throw new GrpcError(CODE.unavailable, "the client's session is gone");
    const stream = this.#session.request({
      ":method": "POST",
      ":path": method,
      "content-type": "application/grpc",
      te: "trailers",
      ...(metadata as Record<string, string | string[]>),
    });
    stream.on("error", () => undefined);
    const cancel = (): void => void stream.destroy();
    signal.addEventListener("abort", cancel, { once: true });
    stream.once("close", () => signal.removeEventListener("abort", cancel));
    return {
      messages: receive(stream, signal),
      send: (message) => writeMessage(stream, message),
      end: (last) => void (last ? stream.end(frame(last)) : stream.end()),
      cancel,
    };
  }

  async unary<Q, A>(
    method: string,
    types: { readonly request: MessageType<Q>; readonly response: MessageType<A> },
    request: Partial<Q>,
    signal: AbortSignal,
  ): Promise<A> {
    const call = this.open(method, {}, signal);
    try {
      call.end(types.request.encode(request));
      let answer: A | undefined;
      for await (const message of call.messages) answer ??= types.response.decode(message);
      if (answer === undefined) throw new GrpcError(CODE.internal, `${method} gave no answer`);
      return answer;
    } finally {
      call.cancel();
    }
  }

  close(): void {
    this.#session.destroy();
  }
}

/** Listens from now on, so that an end before the first read is not missed. */
function receive(stream: ClientHttp2Stream, signal: AbortSignal): AsyncGenerator<Buffer> {
  const end: { status: GrpcError | "success" | undefined } = { status: undefined };
  const onHeaders = (headers: IncomingHttpHeaders): void => {
    if (headers["grpc-status"] !== undefined) end.status = statusOf(headers) ?? "success";
  };
  stream.on("response", onHeaders);
  stream.on("trailers", onHeaders);
  return (async function* () {
    let failure: unknown;
    try {
      yield* readMessages(stream);
    } catch (error) {
      failure = error;
    }
    signal.throwIfAborted();
    if (end.status instanceof GrpcError) throw end.status;
    if (failure instanceof GrpcError) throw failure;
    if (failure !== undefined || end.status === undefined)
      throw new GrpcError(CODE.unavailable, "the client's session is gone");
  })();
}
