/**
 * Puts an answer on the wire: the last step of a request. Answers that become ready in one turn of the event loop are
 * written together at its end. Waking up a client that waits costs more than making its answer, so many clients are served
 * half as many answers again; an answer by itself waits for nothing.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../core/clock.ts";
import { debug } from "../core/log.ts";
import type { Answer } from "./exchange.ts";

type ShortBody = string | Uint8Array;

/** A client that reads nothing for so long is gone; what waits for it would stay in memory. */
const UNREAD_TIMEOUT_MS = 30_000;
const LINGER_MS = 1_000;

/** Answers of this turn of the event loop. */
let ready: { readonly response: ServerResponse; readonly body: ShortBody }[] = [];

export function sendAnswer(response: ServerResponse, { status, headers, body, isDropped }: Answer): void {
  if (isDropped === true) {
    response.destroy();
    return;
  }
  response.writeHead(status, headers);
  if (typeof body === "string" || body instanceof Uint8Array) {
    if (ready.push({ response, body }) === 1) setImmediate(sendReady);
    return;
  }
  response.socket?.setTimeout(UNREAD_TIMEOUT_MS);
  // Ends the source too when the client goes away; a source that fails breaks the connection, so that nobody takes
  // a part for the whole.
  pipeline(Readable.from(body, { objectMode: false }), response).catch((error: unknown) => {
    debug("endpoint", () => `an answer broke off: ${String(error)}`);
    response.destroy();
  });
}

/**
 * Answers a request whose body is not worth reading to its end, and then closes the connection. Not at once: a client that
 * still writes to a closed connection never sees the answer.
 */
export function sendAndLinger(request: IncomingMessage, response: ServerResponse, answer: Answer, clock: Clock): void {
  response.setHeader("Connection", "close");
  response.writeHead(answer.status, answer.headers);
  response.write(answer.body);
  const timer = clock.after(LINGER_MS, () => response.end());
  request.resume();
  request.once("close", () => {
    timer.cancel();
    response.end();
  });
}

function sendReady(): void {
  const answers = ready;
  ready = [];
  for (const { response, body } of answers) {
    const { socket } = response;
    // Head and body go out as one piece. `end(body)` makes two of them, and to write two at once costs a twentieth of a read.
    socket?.cork();
    response.write(body);
    socket?.uncork();
    response.end();
    // Node takes the limit off again when the answer has gone.
    if (response.socket !== null && response.socket.writableLength > 0) response.socket.setTimeout(UNREAD_TIMEOUT_MS);
  }
}
