/**
 * Requests to a container engine over any of its addresses: JSON, streams in and out, and calls that take over the
 * connection (exec). One connection a request, but over ssh, where making one is slow.
 * Source: https://docs.docker.com/reference/api/engine/
 */
import { Agent, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connectEngine } from "./connect-engine.ts";
import type { EngineAddress } from "./engine-address.ts";

/** An answer of 400 and above: the message is the engine's own. */
export class EngineRequestError extends Error {
  override readonly name = "EngineRequestError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface SendOptions {
  readonly headers?: OutgoingHttpHeaders;
  /** Bytes go with the head in one piece: an engine may answer and close before a second one. */
  readonly body?: AsyncIterable<Buffer> | Buffer;
  readonly signal?: AbortSignal;
}

export class EngineClient {
  readonly address: EngineAddress;
  readonly #agent: Agent | undefined;

  constructor(address: EngineAddress) {
    this.address = address;
    this.#agent = address.kind === "ssh" ? new ConnectionPool(address) : undefined;
  }

  /** A body of unknown length goes in chunks unless the headers give one. */
  send(method: string, path: string, options: SendOptions = {}): Promise<IncomingMessage> {
    const { headers, body, signal } = options;
    return new Promise((resolve, reject) => {
      const sent = this.#request(
        method,
        path,
        { ...(body === undefined && { "content-length": "0" }), ...headers },
        signal,
        resolve,
      );
      sent.on("error", reject);
      // An engine may answer before it has read the whole body: then only its answer counts.
      if (body === undefined || Buffer.isBuffer(body)) sent.end(body);
      else pipeline(Readable.from(body, { objectMode: false }), sent).catch(reject);
    });
  }

  /** Status and text of the whole answer. */
  async text(method: string, path: string, options: SendOptions = {}): Promise<{ status: number; text: string }> {
    const response = await this.send(method, path, options);
    return { status: response.statusCode ?? 500, text: await textOf(response) };
  }

  /** The parsed answer, or undefined when the engine does not have it. */
  async json<T>(path: string): Promise<T | undefined> {
    const { status, text } = await this.text("GET", path);
    return status < 400 ? (JSON.parse(text) as T) : undefined;
  }

  /** Sends a value as JSON and gives the answer's; undefined for an empty one. Throws `EngineRequestError`. */
  async call<T>(method: string, path: string, value?: unknown, signal?: AbortSignal): Promise<T> {
    const bytes = value === undefined ? undefined : Buffer.from(JSON.stringify(value));
    const { status, text } = await this.text(method, path, {
      ...(bytes && {
        headers: { "content-type": "application/json", "content-length": bytes.length },
        body: bytes,
      }),
      ...(signal && { signal }),
    });
    if (status >= 400) throw new EngineRequestError(status, messageOf(text));
    return (text.trim() === "" ? undefined : JSON.parse(text)) as T;
  }

  /** A call whose answer is the connection itself, for bytes in both directions. Throws `EngineRequestError`. */
  hijack(path: string, value: unknown, signal?: AbortSignal): Promise<Duplex> {
    const body = JSON.stringify(value);
    return new Promise((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        connection: "Upgrade",
        upgrade: "tcp",
      };
      const sent = this.#request("POST", path, headers, signal, (response) => {
        const status = response.statusCode ?? 500;
        textOf(response).then((text) => reject(new EngineRequestError(status, messageOf(text))), reject);
      });
      sent.on("upgrade", (_response, socket: Duplex, head: Buffer) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Ends connections that are kept. */
  close(): void {
    this.#agent?.destroy();
  }

  #request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    signal: AbortSignal | undefined,
    onResponse: (response: IncomingMessage) => void,
  ): ClientRequest {
    const { address } = this;
    return request(
      {
        ...(this.#agent ? { agent: this.#agent } : { createConnection: () => connectEngine(address) }),
        method,
        path,
        headers: { host: "docker", ...headers },
        ...(signal && { signal }),
      },
      onResponse,
    );
  }
}

class ConnectionPool extends Agent {
  readonly #address: EngineAddress;

  constructor(address: EngineAddress) {
    super({ keepAlive: true, maxFreeSockets: 2 });
    this.#address = address;
  }

  override createConnection(): Duplex {
    return connectEngine(this.#address);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** `message` of the engine's JSON, else the text as it is. */
export function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    return message ?? text.trim();
  } catch {
    return text.trim();
  }
}
