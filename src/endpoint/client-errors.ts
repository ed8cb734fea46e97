/**
 * Answers what node:http cannot read as a request: headers that are too large, no HTTP at all, a head that does not arrive.
 * Node answers by a bare status line; clients of a route with a `refusal` get a body that they can print.
 * Source: https://nodejs.org/api/http.html#event-clienterror. Gap: a head that arrives in pieces is known by its last one,
 * so its path may be unknown, and the answer is Node's.
 */
import { type IncomingMessage, maxHeaderSize, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { debug } from "../core/log.ts";

/** The answer of a route to what the endpoint refuses: a body that the route's clients can read. */
export interface Refusal {
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

interface RefusingRoute {
  readonly prefix: string;
  refusal?(status: number, message: string): Refusal;
}

interface ParseError extends Error {
  readonly code?: string;
  /** Bytes of the piece that could not be read. */
  readonly rawPacket?: Buffer;
}

export interface ClientErrors {
  /**
   * Tells of a request that could be read, so that nothing is written into its answer. Gives the answer before it on the same
   * connection while that is not written yet.
   */
  begin(request: IncomingMessage, response: ServerResponse): ServerResponse | undefined;
  /** Listener of the server's `clientError`. */
  answer(error: ParseError, socket: Socket): void;
}

/** Makes the listener for one server. */
export function createClientErrors(routes: readonly RefusingRoute[]): ClientErrors {
  const running = new WeakMap<Socket, { readonly path: string; readonly response: ServerResponse }>();
  return {
    begin(request, response) {
      const before = running.get(request.socket)?.response;
      running.set(request.socket, { path: request.url ?? "/", response });
      return before === undefined || before.writableFinished || before.destroyed ? undefined : before;
    },

    answer(error, socket) {
      debug("endpoint", () => `no request: ${error.code ?? ""} ${error.message}`);
      const current = running.get(socket);
      const isAnswering = current !== undefined && !current.response.writableFinished;
      if (!socket.writable || error.code === "ECONNRESET" || (isAnswering && current.response.headersSent)) {
        socket.destroy();
        return;
      }
      const { status, message } = faultOf(error);
      const path = isAnswering ? current.path : requestTarget(error.rawPacket);
      const route = routes.find(({ prefix, refusal }) => refusal && path?.startsWith(prefix));
      const { headers, body } = route?.refusal?.(status, message) ?? { headers: {}, body: "" };
      const lines = Object.entries({ ...headers, Connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`, () => socket.destroy());
    },
  };
}

function faultOf({ code }: ParseError): { readonly status: number; readonly message: string } {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, message: `the headers of the request are larger than ${maxHeaderSize} bytes` };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, message: "the chunk extensions of the request are too large" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, message: "the request did not arrive in time" };
    default:
      return { status: 400, message: "the request is not HTTP/1.1 as its specification has it" };
  }
}

/** What stands in the request line. */
const requestTarget = (packet: Buffer | undefined): string | undefined =>
  packet?.toString("latin1", 0, maxHeaderSize).match(/^[A-Z]+ (\/\S*)/)?.[1];
