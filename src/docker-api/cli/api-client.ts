/** HTTP to the Docker API socket for the small CLI. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** The daemon answered with an error; the message is its own. */
export class DaemonError extends Error {
  override readonly name = "DaemonError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Nothing listens there. */
export class NoDaemon extends Error {
  override readonly name = "NoDaemon";
}

export class ApiClient {
  readonly #host: string;
  readonly #mayConnect: boolean;

  /** `unix:///path` or `tcp://host:port`; empty for docker's default. */
  constructor(host: string | undefined, mayConnect = true) {
    this.#mayConnect = mayConnect;
    this.#host = host === undefined || host === "" ? "unix:///var/run/docker.sock" : host;
  }

  /** Answers of 400 and above throw {@link DaemonError}. */
  async send(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: Readable | string } = {},
  ): Promise<IncomingMessage> {
    if (!this.#mayConnect) throw this.noDaemon();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(
        { ...this.#target(), method, path: path, headers: { host: "docker", ...options.headers } },
        resolve,
      );
      request.on("error", (error: NodeJS.ErrnoException) => reject(this.#connectionError(error)));
      if (options.body instanceof Readable) pipeline(options.body, request).catch(reject);
      else request.end(options.body);
    });
    if ((response.statusCode ?? 500) < 400) return response;
    const text = await textOf(response);
    let message = text.trim();
    try {
      message = (JSON.parse(text) as { message?: string }).message ?? message;
    } catch {
      // A plain text answer is its own message.
    }
    throw new DaemonError(response.statusCode ?? 500, message);
  }

  async json<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.send(method, path, {
      headers: {
        ...headers,
        ...(sent !== undefined && {
          "content-type": "application/json",
          "content-length": String(Buffer.byteLength(sent)),
        }),
      },
      ...(sent !== undefined && { body: sent }),
    });
    const text = await textOf(response);
    return (text.trim() === "" ? {} : JSON.parse(text)) as T;
  }

  /** Takes over a connection after `Connection: Upgrade`; the socket carries the raw stream from then on. */
  hijack(path: string, body?: unknown): Promise<Socket> {
    if (!this.#mayConnect) return Promise.reject(this.noDaemon());
    const sent = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const { socketPath, host, port } = this.#target();
      const socket = connect(
        socketPath === undefined
          ? { host: host ?? "", port: port ?? 0, allowHalfOpen: true }
          : { path: socketPath, allowHalfOpen: true },
      );
      socket.on("error", (error: NodeJS.ErrnoException) => reject(this.#connectionError(error)));
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${sent === "" ? "" : "Content-Type: application/json\r\n"}Content-Length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`,
      );
      let head = Buffer.alloc(0);
      const onData = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        socket.off("data", onData);
        socket.pause();
        const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString("latin1"))?.[1]);
        if (status !== 101 && status !== 200) {
          const [, message] = /"message":("(?:[^"\\]|\\.)*")/.exec(head.subarray(end + 4).toString("utf8")) ?? [];
          socket.destroy();
          reject(
            new DaemonError(status, message ? (JSON.parse(message) as string) : `attach failed with status ${status}`),
          );
          return;
        }
        const rest = head.subarray(end + 4);
        if (rest.length > 0) socket.unshift(rest);
        resolve(socket);
      };
      socket.on("data", onData);
    });
  }

  #target(): { socketPath?: string; host?: string; port?: number } {
    if (this.#host.startsWith("unix://")) return { socketPath: this.#host.slice("unix://".length) };
    const url = new URL(this.#host.replace(/^tcp:/, "http:"));
    return { host: url.hostname, port: Number(url.port || 2375) };
  }

  #connectionError(error: NodeJS.ErrnoException): Error {
    if (error.code === "EACCES") {
      return new NoDaemon(`permission denied while trying to connect to the Docker daemon socket at ${this.#host}`);
    }
    const isAbsent = ["ENOENT", "ECONNREFUSED", "ENOTFOUND", "ENOTSOCK"].includes(error.code ?? "");
    return isAbsent ? this.noDaemon() : error;
  }

  /** What docker says when nothing listens. */
  noDaemon(): NoDaemon {
    return new NoDaemon(`Cannot connect to the Docker daemon at ${this.#host}. Is the docker daemon running?`);
  }
}

export async function textOf(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export interface StreamMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message?: string };
  readonly aux?: Record<string, unknown>;
}

/** JSON lines of a build, push or pull. */
export async function* streamMessages(response: AsyncIterable<Buffer>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as StreamMessage;
  }
  if (rest.trim() !== "") yield JSON.parse(rest) as StreamMessage;
}
