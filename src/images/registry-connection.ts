/**
 * Requests to a registry as they go over the wire: TLS, redirects, and a second try where the connection broke or the
 * registry was busy. Authentication is registry-client.ts's.
 * Redirects: blobs of registries in the network lie elsewhere (S3, a CDN). Credentials go to the registry's own origin only,
 * and nothing that was asked over TLS is fetched without.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Clock, sleep, systemClock } from "../core/clock.ts";
import { debug } from "../core/log.ts";
import { ProxyAgent, type ProxyEnvironment } from "./proxy-agent.ts";

export interface RegistryTls {
  /** PEM, beside the certificates that Node trusts. */
  readonly ca?: string | undefined;
  /** False: whoever answers, as docker does for loopback addresses. */
  readonly verifies: boolean;
}

export interface SentRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Called again when the request has to be repeated. */
  readonly body?: (() => Readable | Buffer) | undefined;
}

const MAX_REDIRECTS = 5;
const MAX_TRIES = 4;
const MAX_SOCKETS = 8;
const FIRST_PAUSE_MS = 200;
/** Longest that a registry may make us wait by `Retry-After`. */
const MAX_PAUSE_MS = 30_000;
const BROKEN = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ECONNABORTED",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
]);

/** Whether a failure is the connection's, and the same may go well the next time. */
export function isBrokenConnection(error: unknown): boolean {
  const { code = "", message = "" } = error as NodeJS.ErrnoException;
  return BROKEN.has(code) || /socket hang up|premature close|aborted/i.test(message);
}

export class RegistryConnection {
  readonly #origin: string;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  readonly #https: HttpsAgent;
  readonly #signal: AbortSignal | undefined;
  readonly #clock: Clock;

  constructor(options: {
    readonly url: URL;
    readonly signal: AbortSignal | undefined;
    readonly tls: RegistryTls | undefined;
    /** Variables that name a proxy; absent: none is used. */
    readonly proxies?: ProxyEnvironment | undefined;
    readonly clock?: Clock;
  }) {
    this.#origin = options.url.origin;
    this.#signal = options.signal;
    this.#clock = options.clock ?? systemClock;
    const { ca, verifies = true } = options.tls ?? {};
    const agent = {
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      rejectUnauthorized: verifies,
      ...(ca !== undefined && { ca }),
    };
    this.#https = options.proxies ? new ProxyAgent(agent, options.proxies) : new HttpsAgent(agent);
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /** One answer; requests that change nothing when repeated are repeated by the caller's leave (`tries`). */
  async send(sent: SentRequest, authorization: string | undefined, tries = MAX_TRIES): Promise<IncomingMessage> {
    for (let attempt = 1; ; attempt++) {
      this.#signal?.throwIfAborted();
      try {
        const response = await this.#follow(sent, authorization);
        const pauseMs = this.#busyPauseMs(response, attempt);
        if (pauseMs === undefined || attempt >= tries) return response;
        response.resume();
        await this.pause(pauseMs);
      } catch (error) {
        if (attempt >= tries || this.#signal?.aborted || !isBrokenConnection(error)) throw error;
        debug("docker", () => `registry: ${sent.method} ${sent.url.pathname}: ${(error as Error).message}; again`);
        await this.pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
      }
    }
  }

  pause(ms: number): Promise<void> {
    return sleep(this.#clock, ms, this.#signal);
  }

  #busyPauseMs(response: IncomingMessage, attempt: number): number | undefined {
    if (![429, 502, 503, 504].includes(response.statusCode ?? 0)) return undefined;
    const seconds = Number(response.headers["retry-after"]);
    const asked = Number.isFinite(seconds) ? seconds * 1000 : FIRST_PAUSE_MS * 2 ** (attempt - 1);
    // A registry that wants more than that (Docker Hub's pull limit) is answered with its own words.
    return asked > MAX_PAUSE_MS ? undefined : asked;
  }

  async #follow(sent: SentRequest, authorization: string | undefined): Promise<IncomingMessage> {
    let url = sent.url;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#once({ ...sent, url }, url.origin === this.#origin ? authorization : undefined);
      const { location } = response.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0) && location !== undefined;
      if (!isRedirect || (sent.method !== "GET" && sent.method !== "HEAD")) return response;
      response.resume();
      const next = new URL(location, url);
      const isSafe = next.protocol === "https:" || (next.protocol === "http:" && url.protocol === "http:");
      if (!isSafe) throw new Error(`the registry redirects ${url.host} to ${next.protocol}//${next.host}: refused`);
      if (redirects === MAX_REDIRECTS) throw new Error(`the registry at ${url.host} redirects without end`);
      url = next;
    }
  }

  #once(sent: SentRequest, authorization: string | undefined): Promise<IncomingMessage> {
    const isTls = sent.url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(
        sent.url,
        {
          method: sent.method,
          agent: isTls ? this.#https : this.#http,
          headers: {
            ...sent.headers,
            "user-agent": "docker/28 kiln",
            ...(authorization !== undefined && { authorization }),
          },
          ...(this.#signal && { signal: this.#signal }),
        },
        resolve,
      );
      request.on("error", reject);
      const body = sent.body?.();
      if (body instanceof Readable) pipeline(body, request).catch(reject);
      else request.end(body);
    });
  }
}
