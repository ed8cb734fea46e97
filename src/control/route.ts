/**
 * The control API over HTTP: JSON below `/_kiln/control`, for programs of this machine alone. Refuses who comes from
 * elsewhere (by address, by name, through a proxy) and pages in browsers, before it looks at what is asked; a page can send
 * neither its kind of body nor its methods without asking first, and is told no. docs/control-api.md has every endpoint.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { requestBody } from "../core/bounded-body.ts";
import type { Clock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { debug } from "../core/log.ts";
import { isLoopbackAddress, isLoopbackHost } from "../core/loopback.ts";
import { percentDecoded } from "../core/percent-decoded.ts";
import { shownText } from "../core/shown-value.ts";
import type { Control, KeysState, ResetOptions } from "./control.ts";
import { ControlError, notFound, wrongInput } from "./control-error.ts";
import type { FaultInput } from "./fault-rules.ts";
import { membersOf, valueIn } from "./input.ts";

const CONTROL_PREFIX = "/_kiln/control";
const LIMITS = { maxBytes: 64 * 1024, timeoutMs: 10_000 };

interface Asked {
  readonly control: Control;
  readonly body: unknown;
  /** The part of the path that the endpoint leaves open: a name, an id. */
  readonly name: string;
}

type Run = (asked: Asked) => unknown;
type Methods = Readonly<Record<string, Run>>;

const NAME = "*";

/** The path says it all: `DELETE /faults` with an id in its body was to remove that one, not all of them. */
const bare =
  (run: Run): Run =>
  (asked) => {
    const { body } = asked;
    if (typeof body === "object" && body && !Array.isArray(body) && Object.keys(body).length === 0) return run(asked);
    throw wrongInput("this request takes no members", "send it without a body; what is meant is named in the path");
  };

/** By path below the prefix. An answer that is undefined is 204 without a body. */
export const ENDPOINTS: Readonly<Record<string, Methods>> = {
  "": { GET: ({ control }) => control.status() },
  reset: { POST: ({ control, body }) => control.reset(body as ResetOptions) },
  clock: {
    GET: ({ control }) => control.clock(),
    POST: ({ control, body }) => moveClock(control, body),
    DELETE: bare(({ control }) => control.resetClock()),
  },
  faults: {
    GET: ({ control }) => ({ faults: control.faults.list() }),
    POST: ({ control, body }) => control.faults.inject(body as FaultInput),
    DELETE: bare(({ control }) => control.faults.clear()),
  },
  [`faults/${NAME}`]: { DELETE: bare(({ control, name }) => control.faults.remove(name)) },
  keys: {
    GET: ({ control }) => control.keys(),
    PUT: ({ control, body }) => control.setKeys(body as Partial<KeysState>),
    DELETE: bare(({ control }) => control.setKeys({})),
  },
  snapshots: { GET: async ({ control }) => ({ snapshots: await control.snapshots() }) },
  [`snapshots/${NAME}`]: {
    GET: async ({ control, name }) => snapshotNamed(control, name),
    PUT: bare(({ control, name }) => control.saveSnapshot(name)),
    DELETE: bare(({ control, name }) => control.deleteSnapshot(name)),
  },
  [`snapshots/${NAME}/restore`]: { POST: bare(({ control, name }) => control.restoreSnapshot(name)) },
  "rotation-functions": { GET: ({ control }) => ({ rotationFunctions: control.rotationFunctions() }) },
  [`rotation-functions/${NAME}`]: {
    PUT: ({ control, name, body }) => control.setRotationFunction(name, body as { readonly url: string }),
    DELETE: bare(({ control, name }) => control.removeRotationFunction(name)),
  },
};

/** Answers every request below the prefix; `control` is undefined where the API is off, `clock` the clients' own time. */
export async function handleControl(
  { control, clock }: { readonly control: Control | undefined; readonly clock: Clock },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    requireThisMachine(request);
    if (!control) throw isOff();
    const { methods, name } = endpointOf(request.url ?? "");
    const method = request.method ?? "GET";
    const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!run) throw methodNotAllowed(method, Object.keys(methods), response);
    const body = method === "GET" ? undefined : await bodyOf(request, clock);
    const answer = await run({ control, body: body ?? {}, name });
    if (answer === undefined) response.writeHead(204, { "Cache-Control": "no-store" }).end();
    else send(response, 200, answer);
  } catch (thrown) {
    refuse(request, response, thrown);
  }
}

async function snapshotNamed(control: Control, name: string): Promise<unknown> {
  const found = (await control.snapshots()).find((one) => one.name === name);
  if (found) return found;
  const message = `there is no snapshot \`${shownText(name)}\``;
  throw new KilnError({ code: "KILN_E_NO_SNAPSHOT", message, fix: [`GET ${CONTROL_PREFIX}/snapshots`], exitCode: 1 });
}

function moveClock(control: Control, body: unknown): Promise<unknown> {
  const members = membersOf(body, "a move of the clock", ["advance", "to"]);
  const [advance, to] = [valueIn(members, "advance"), valueIn(members, "to")];
  if ((advance === undefined) === (to === undefined)) {
    throw wrongInput("a move of the clock needs `advance` or `to`, one of them", '{"advance":"36h"}');
  }
  return advance === undefined ? control.moveTo(to as string) : control.advance(advance as string);
}

function endpointOf(url: string): { readonly methods: Methods; readonly name: string } {
  const path = url.replace(/[?#].*$/s, "");
  // A reset that did not keep what it was asked to would be worse than none.
  if (url.includes("?")) throw wrongInput("the control API takes no query", "give it as JSON in the body");
  const below = path.slice(path.indexOf(CONTROL_PREFIX) + CONTROL_PREFIX.length);
  const parts = below.split("/").slice(1);
  if (parts.at(-1) === "") parts.pop();
  const [, name = ""] = parts;
  if (parts.length > 1) parts[1] = NAME;
  const key = parts.join("/");
  const methods = Object.hasOwn(ENDPOINTS, key) && !/^[^/]/.test(below) ? ENDPOINTS[key] : undefined;
  if (methods) return { methods, name: percentDecoded(name) };
  throw notFound(`there is nothing at \`${path.slice(0, 200)}\``, `see GET ${CONTROL_PREFIX} and docs/control-api.md`);
}

function isOff(): ControlError {
  return new ControlError(
    404,
    "KILN_E_CONTROL_OFF",
    "the control API is off",
    "turn it on: kiln start --control, KILN_CONTROL=1, or startKiln({ control: true })",
  );
}

function methodNotAllowed(method: string, allowed: readonly string[], response: ServerResponse): ControlError {
  response.setHeader("Allow", allowed.join(", "));
  const text = `\`${method}\` is not for this path`;
  return new ControlError(405, "KILN_E_CONTROL_METHOD", text, `use ${allowed.join(" or ")}`);
}

const forbidden = (message: string, ...fix: string[]): ControlError =>
  new ControlError(403, "KILN_E_CONTROL_FORBIDDEN", message, ...fix);

const PROXY_HEADER = /^(?:forwarded|via|x-forwarded-.*|x-real-ip)$/;

/** The socket's other end, the name it was asked by, and that no page in a browser asks. */
function requireThisMachine({ headers, socket }: IncomingMessage): void {
  if (!isLoopbackAddress(socket.remoteAddress ?? "")) {
    throw forbidden("the control API answers programs of this machine only", "call it by 127.0.0.1");
  }
  const proxied = Object.keys(headers).find((name) => PROXY_HEADER.test(name));
  if (proxied !== undefined) throw forbidden(`the control API is not for proxies: there is a header \`${proxied}\``);
  if (!isLoopbackHost(hostIn(headers.host ?? ""))) {
    throw forbidden(
      "the control API is called by this machine's own name",
      "use 127.0.0.1 or localhost in the address",
    );
  }
  const site = headers["sec-fetch-site"];
  if (headers.origin !== undefined || (site !== undefined && site !== "none")) {
    throw forbidden("the control API does not answer pages in a browser", "call it from a program, for instance curl");
  }
}

/** The host of a Host header, without its port. */
const hostIn = (header: string): string => header.toLowerCase().replace(/:\d{1,5}$/, "");

/** The parsed body, undefined for an empty one. */
async function bodyOf(request: IncomingMessage, clock: Clock): Promise<unknown> {
  const { headers, method } = request;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  // PUT and DELETE need a browser's leave in any case; what a form can send must not pass for JSON.
  if ((hasBody || method === "POST") && !/^application\/json\s*(?:;|$)/i.test(headers["content-type"] ?? "")) {
    throw new ControlError(
      415,
      "KILN_E_CONTROL_MEDIA_TYPE",
      "the control API takes JSON only",
      "send the header `Content-Type: application/json`",
    );
  }
  if (!hasBody) return undefined;
  const bytes = await requestBody(request, { ...LIMITS, clock });
  if (bytes === 408) throw new ControlError(408, "KILN_E_CONTROL_TIMEOUT", "the body did not arrive in time");
  if (bytes === 413) {
    throw new ControlError(413, "KILN_E_CONTROL_TOO_LARGE", `the body is larger than ${LIMITS.maxBytes} bytes`);
  }
  if (bytes.byteLength === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw wrongInput("the body is not JSON", 'send an object such as `{"advance":"1d"}`, or no body');
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  if (response.headersSent || request.socket.destroyed) {
    response.destroy();
    return;
  }
  // What was refused unread is not waited for.
  if (!request.complete) response.setHeader("Connection", "close");
  if (!(thrown instanceof KilnError)) {
    debug("endpoint", () => `control API: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
    const error = {
      code: "KILN_E_CONTROL_BUG",
      message: "this is a bug in Kiln",
      fix: ["see it with KILN_DEBUG=endpoint"],
    };
    send(response, 500, { error });
    return;
  }
  const { code, message, why, fix } = thrown;
  send(response, statusOf(thrown), { error: { code, message, ...(why !== undefined && { why }), fix } });
}

/** Others have errors of their own: a snapshot that is not there, a URL of another machine, a folder that is full. */
function statusOf(error: KilnError): number {
  if (error instanceof ControlError) return error.status;
  if (error.code === "KILN_E_NO_SNAPSHOT") return 404;
  return error.exitCode === 2 ? 400 : 500;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
