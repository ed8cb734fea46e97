/** The proxy's own requests to the engine: tag, push, pull, clean-up. */
import { type IncomingMessage, request } from "node:http";

export class EngineClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  send(method: string, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socketPath,
          method,
          path: path,
          headers: { host: "docker", "content-length": "0", ...headers },
        },
        resolve,
      );
      sent.on("error", reject);
      sent.end();
    });
  }

  /** Status and text of the whole answer. */
  async text(
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const response = await this.send(method, path, headers);
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode ?? 500, text };
  }
}
