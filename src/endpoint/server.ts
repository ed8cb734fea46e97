/**
 * The HTTP server: one port for the AWS services, the registry (`/v2/`) and this tool's own routes (`/_kiln/`).
 * Requests pass the host check, then a route by prefix or the AWS pipeline (pipeline.ts).
 * Plain node:http, no framework: the measured choice for the read path.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { AwsScope } from "../core/arn.ts";
import type { Clock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { isLoopbackListener } from "../core/loopback.ts";
import type { Identity } from "../identity/index.ts";
import type { Dispatcher } from "../services/index.ts";
import { createClientErrors, type Refusal } from "./client-errors.ts";
import { foreignHost, foreignPage } from "./errors.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { createHostCheck } from "./host-header.ts";
import { closeServer, listen } from "./listen.ts";
import { answerTo, createSteps, errorAnswer } from "./pipeline.ts";
import { createBodyReader } from "./read-body.ts";
import { CONTINUE, createReceive } from "./receive.ts";
import { isS3, protocolOf } from "./resolve.ts";
import { bucketOfHost } from "./s3-address.ts";
import { createScopeNotices } from "./scope-notice.ts";
import { sendAndLinger, sendAnswer } from "./send-answer.ts";

const MAX_BODY_BYTES = 10 * 1024 * 1024;
const MAX_DRAINED_BYTES = 8 * MAX_BODY_BYTES;
/** ECR's UploadLayerPart carries up to 20 MiB as base64. */
const MAX_LAYER_PART_BODY_BYTES = 29 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 20_000;
/** How often Node looks for heads that did not arrive in time. */
const CHECKING_INTERVAL_MS = 5_000;
/** Longer than the SDKs keep an idle connection, so that they never write into a closing one. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** Handles every request whose path starts with `prefix`, e.g. `/v2/`; the longest prefix wins. */
export interface Route {
  readonly prefix: string;
  /** False leaves a request to what comes next. Default: every one is taken. */
  accepts?(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** An error that the endpoint answers itself, as this route's clients read it. Default: as AWS's services say it. */
  refusal?(status: number, message: string): Refusal;
}

export interface EndpointOptions {
  readonly dispatcher: Pick<Dispatcher, "services" | "invoke">;
  readonly identity: Pick<Identity, "findAccessKey"> & Partial<Pick<Identity, "lenientRoot">>;
  readonly scope: AwsScope;
  /** Signatures and bodies go by it: the clients' own time. */
  readonly clock: Clock;
  /** Sessions expire by it; default `clock`. */
  readonly sessionClock?: Clock;
  readonly ids: Ids;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
  /** Told, in a line for people, of each operation that somebody called and that is not offered; once of each. */
  readonly notice?: (line: string) => void;
  /** For `GET /_kiln/health`. */
  readonly version?: string;
}

export interface Endpoint {
  /** e.g. `http://127.0.0.1:4566`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Stops taking requests, lets running ones finish for a moment, ends every connection. May be called again. */
  close(): Promise<void>;
}

/** Listens. Rejects with `KILN_E_PORT_IN_USE`, `KILN_E_ROOT_KEY_OFF_LOOPBACK` or `KILN_E_CANNOT_LISTEN`. */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  requireOwnRootKey(options);
  const clientErrors = createClientErrors(options.routes);
  const endless = new Set<ServerResponse>();
  const answer = createHandler(options, endless);
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const before = clientErrors.begin(request, response);
    if (before === undefined) answer(request, response);
    // One at a time on a connection: what is not read yet waits with the client.
    else before.once("close", () => request.destroyed || answer(request, response));
  };
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
    },
    handle,
  );
  // Node would hang up on a client that has said all and still listens.
  Object.assign(server, { httpAllowHalfOpen: true });
  // S3's clients ask for leave before they send gigabytes; they get it when the signature is good (receive.ts).
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (isS3(request)) request.once(CONTINUE, () => response.writeContinue());
    else response.writeContinue();
    handle(request, response);
  });
  server.on("clientError", (error, socket) => clientErrors.answer(error, socket as Socket));
  await listen(server, options);
  // The kernel's answer to a client that vanishes is its own business.
  server.on("error", (error) => debug("endpoint", () => `server error: ${error.message}`));
  const { port } = server.address() as AddressInfo;
  const name = options.host === "0.0.0.0" || options.host === "::" ? "127.0.0.1" : options.host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${name.includes(":") ? `[${name}]` : name}:${port}`,
    port,
    close: () => {
      closing ??= closeServer(server, options.clock, endless);
      return closing;
    },
  };
}

/** `endless` gets the answers that go on until the server stops. */
function createHandler(
  options: EndpointOptions,
  endless: Set<ServerResponse>,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { clock, ids } = options;
  const readBody = createBodyReader(clock);
  const steps = createSteps({ ...options, receive: createReceive(readBody, clock) });
  const isOwnHost = createHostCheck(options.host);
  const services = [...options.dispatcher.services.keys()].sort();
  const noteScope = createScopeNotices(options.notice);
  const routes = [healthRoute(options), ...options.routes].sort((a, b) => b.prefix.length - a.prefix.length);

  function send(response: ServerResponse, answer: Answer): void {
    noteScope(answer);
    sendAnswer(response, answer);
  }

  /** S3's body is read by the pipeline, once the signature is good. */
  function answerS3(request: IncomingMessage, response: ServerResponse, exchange: Exchange): void {
    exchange.receivedMs = clock.nowMs();
    answerTo(exchange, steps, services)
      .then((answer) => send(response, answer))
      .catch((thrown: unknown) => fail(request, response, exchange.path, thrown));
  }

  function answerAws(request: IncomingMessage, response: ServerResponse, exchange: Exchange): void {
    if (exchange.protocol.name === "restXml") {
      answerS3(request, response, exchange);
      return;
    }
    readBody(request, maxBodyBytes(request), (error, body) => {
      if (error) {
        if (request.destroyed) return;
        const refusal = errorAnswer(exchange, error, services);
        return isWorthDraining(request)
          ? sendAnswer(response, refusal)
          : sendAndLinger(request, response, refusal, clock);
      }
      exchange.body = body;
      exchange.receivedMs = clock.nowMs();
      answerTo(exchange, steps, services).then(
        (answer) => {
          if (answer.isEndless === true) {
            endless.add(response);
            response.once("close", () => endless.delete(response));
          }
          send(response, answer);
        },
        (thrown: unknown) => fail(request, response, exchange.path, thrown),
      );
    });
  }

  function fail(request: IncomingMessage, response: ServerResponse, path: string, thrown: unknown): void {
    debug("endpoint", () => `${request.method} ${path} failed: ${String((thrown as Error)?.stack ?? thrown)}`);
    if (response.headersSent) response.destroy();
    else sendAnswer(response, errorAnswer(newExchange(request, request.url ?? "/", path), thrown, services));
  }

  return (request, response) => {
    const url = request.url ?? "/";
    const path = pathOf(url);
    try {
      if (!isOwnHost(request.headers.host)) {
        const error = foreignHost(request.headers.host ?? "");
        const refused = routes.find(({ prefix }) => path.startsWith(prefix))?.refusal?.(error.status, error.message);
        if (refused) return sendAnswer(response, { status: error.status, ...refused, headers: { ...refused.headers } });
        return sendAnswer(response, errorAnswer(newExchange(request, url, path), error, services));
      }
      for (const route of routes) {
        // A key in a bucket's own host may begin like a route.
        if (!path.startsWith(route.prefix) || isForBucketHost(request)) continue;
        if (route.accepts?.(request) === false) continue;
        route.handle(request, response).catch((thrown: unknown) => fail(request, response, path, thrown));
        return;
      }
      if (isSentByOtherSite(request, url)) throw foreignPage();
      if (isPerson(request, url)) return sendAnswer(response, landingPage(options));
      answerAws(request, response, newExchange(request, url, path));
    } catch (thrown) {
      fail(request, response, path, thrown);
    }
  };

  function newExchange(request: IncomingMessage, url: string, path: string): Exchange {
    const mark = url.indexOf("?");
    return {
      request,
      method: request.method ?? "GET",
      path,
      query: mark < 0 ? "" : url.slice(mark + 1),
      body: NO_BODY,
      stream: undefined,
      requestId: ids.uuid(),
      receivedMs: 0,
      protocol: protocolOf(request),
      target: undefined,
      caller: undefined,
      input: undefined,
      output: undefined,
      injectedFault: undefined,
      answer: undefined,
    };
  }
}

const NO_BODY = Buffer.alloc(0);

/** Path of a request target; proxies send the whole URL. */
function pathOf(url: string): string {
  const mark = url.indexOf("?");
  const target = mark < 0 ? url : url.slice(0, mark);
  if (target.startsWith("/")) return target;
  const slash = target.indexOf("/", target.indexOf("://") + 3);
  return slash < 0 ? "/" : target.slice(slash);
}

/** A body that was refused unread: Node reads on to its end once the answer is out, and keeps nothing. */
const isWorthDraining = ({ headers, readableFlowing }: IncomingMessage): boolean =>
  readableFlowing === null && Number(headers["content-length"]) <= MAX_DRAINED_BYTES;

function maxBodyBytes(request: IncomingMessage): number {
  const target = request.headers["x-amz-target"];
  const isLayerPart = typeof target === "string" && target.endsWith(".UploadLayerPart");
  return isLayerPart ? MAX_LAYER_PART_BODY_BYTES : MAX_BODY_BYTES;
}

/**
 * What a page of another site can make a browser send, where it does something: the answer stays hidden from the page, but
 * whoever knows the default root key can sign. Links that read (a presigned object) are followed.
 */
const isSentByOtherSite = ({ headers, method }: IncomingMessage, url: string): boolean =>
  headers["sec-fetch-site"] === "cross-site" && ((method !== "GET" && method !== "HEAD") || url.includes("Action="));

/** A browser at the root: no signature, no query. */
const isPerson = (request: IncomingMessage, url: string): boolean =>
  url === "/" &&
  (request.method === "GET" || request.method === "HEAD") &&
  request.headers.authorization === undefined &&
  request.headers["x-amz-target"] === undefined;

const isForBucketHost = (request: IncomingMessage): boolean =>
  bucketOfHost(request.headers.host) !== undefined && isS3(request) && isSigned(request);

const isSigned = ({ headers, url = "" }: IncomingMessage): boolean =>
  headers.authorization !== undefined || url.includes("Signature=");

function landingPage({ dispatcher }: EndpointOptions): Answer {
  const services = [...dispatcher.services.values()].map(({ name, title }) => `  ${name.padEnd(16)}${title}\n`).sort();
  const body = `This is kiln: AWS CodeBuild on your own machine. AWS clients talk to this address.\n
Services:\n${services.join("")}
Point your clients here:   eval "$(kiln env)"
Is it well:                /_kiln/health\n`;
  return { status: 200, headers: { "Content-Type": "text/plain; charset=utf-8" }, body };
}

function healthRoute({ dispatcher, version = "unknown" }: EndpointOptions): Route {
  return {
    prefix: "/_kiln/health",
    handle(_request, response) {
      const services = [...dispatcher.services.keys()].sort();
      const body = `${JSON.stringify({ status: "running", version, services })}\n`;
      sendAnswer(response, { status: 200, headers: { "Content-Type": "application/json" }, body });
      return Promise.resolve();
    },
  };
}

/** The default key is public knowledge: nobody but this machine may use it. */
function requireOwnRootKey({ host, identity }: EndpointOptions): void {
  if (isLoopbackListener(host) || identity.findAccessKey("test")?.secret.reveal() !== "test") return;
  throw new KilnError({
    code: "KILN_E_ROOT_KEY_OFF_LOOPBACK",
    message: `\`${host}\` can be reached from other machines while the root key is still the default one`,
    why: "anybody who reaches the port could sign in as the account's root",
    fix: [
      "set a key of your own: KILN_ROOT_ACCESS_KEY_ID and KILN_ROOT_SECRET_ACCESS_KEY",
      "or listen on this machine only: --host 127.0.0.1",
    ],
    exitCode: 4,
  });
}
