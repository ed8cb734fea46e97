/**
 * Sends the output of one process to the clients attached to it, in docker's form: frames of a header of eight bytes
 * `{stream, 0, 0, 0, length}` and the payload; without frames when it has a terminal.
 * A client that does not read holds the process up, as with docker, until it goes away.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (ContainerAttach, stream format)
 */
import type { Readable, Writable } from "node:stream";

export interface WantedStreams {
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export class OutputHub {
  readonly #isTty: boolean;
  readonly #clients = new Map<Writable, WantedStreams>();
  readonly #full = new Set<Writable>();
  #sources: readonly Readable[] = [];

  constructor(isTty: boolean) {
    this.#isTty = isTty;
  }

  /** Output of `sources` is what comes through `write`; they are paused while a client is full. */
  from(sources: readonly Readable[]): void {
    this.#sources = sources;
    if (this.#full.size > 0) for (const source of sources) source.pause();
  }

  add(client: Writable, wanted: WantedStreams): void {
    this.#clients.set(client, wanted);
    const forget = (): void => {
      this.#clients.delete(client);
      this.#ready(client);
    };
    client.on("close", forget);
    client.on("error", forget);
    client.on("drain", () => this.#ready(client));
  }

  write(stream: 1 | 2, chunk: Buffer): void {
    for (const [client, wanted] of this.#clients) {
      if (!(stream === 1 ? wanted.stdout : wanted.stderr)) continue;
      if (client.write(this.frame(stream, chunk)) || this.#full.has(client)) continue;
      this.#full.add(client);
      for (const source of this.#sources) source.pause();
    }
  }

  frame(stream: 1 | 2, chunk: Buffer): Buffer {
    return this.#isTty ? chunk : frameOf(stream, chunk);
  }

  /** The process ended: so do the connections. */
  end(): void {
    for (const client of this.#clients.keys()) client.end();
    this.#clients.clear();
  }

  #ready(client: Writable): void {
    if (!this.#full.delete(client) || this.#full.size > 0) return;
    for (const source of this.#sources) source.resume();
  }
}

function frameOf(stream: 1 | 2, chunk: Buffer): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(chunk.length, 4);
  return Buffer.concat([header, chunk]);
}
