/** The proxy's own requests to the engine: tag, push, load, build, clean-up. */
import { type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export class EngineClient {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** A body of unknown length goes in chunks unless the headers give one. */
  send(
    method: string,
    path: string,
    options: {
      readonly headers?: OutgoingHttpHeaders;
      readonly body?: AsyncIterable<Buffer>;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<IncomingMessage> {
    const { headers, body, signal } = options;
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.socketPath,
          method,
          path,
          headers: { host: "docker", ...(body === undefined && { "content-length": "0" }), ...headers },
          ...(signal && { signal }),
        },
        resolve,
      );
      sent.on("error", reject);
      // An engine may answer before it has read the whole body: then only its answer counts.
      if (body) pipeline(Readable.from(body, { objectMode: false }), sent).catch(reject);
      else sent.end();
    });
  }

  /** Status and text of the whole answer. */
  async text(
    method: string,
    path: string,
    options: Parameters<EngineClient["send"]>[2] = {},
  ): Promise<{ status: number; text: string }> {
    const response = await this.send(method, path, options);
    let text = "";
    response.setEncoding("utf8");
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode ?? 500, text };
  }

  /** The parsed answer, or undefined when the engine does not have it. */
  async json<T>(path: string): Promise<T | undefined> {
    const { status, text } = await this.text("GET", path);
    return status < 400 ? (JSON.parse(text) as T) : undefined;
  }
}
