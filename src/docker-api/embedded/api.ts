/**
 * What the routes of the embedded Docker Engine API share: the call, its answers, its errors, its query parameters.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { bytesWithin } from "../../core/bounded-body.ts";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import type { LayerStore } from "../../images/layer-store.ts";
import { type ImageReference, InvalidReference, parseReference } from "../../images/reference.ts";
import type { TransferDeps } from "../../images/transfer.ts";
import type { DockerSocketRequest } from "../docker-api.ts";
import type { BuildKit } from "./buildkit/buildkit.ts";
import type { Containers } from "./containers/containers.ts";
import type { ImageNames } from "./images/image-names.ts";
import type { Isolation } from "./isolation.ts";
import type { Networks } from "./networks/networks.ts";
import type { EventLog } from "./system/event-log.ts";
import type { Volumes } from "./volumes/volumes.ts";

export const API_VERSION = "1.43";
export const MIN_API_VERSION = "1.24";

export interface BuilderContext {
  readonly request: DockerSocketRequest;
  readonly store: LayerStore;
  readonly isolation: Isolation;
  readonly names: ImageNames;
  readonly transfer: TransferDeps;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly containers: Containers;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly events: EventLog;
  readonly buildkit: BuildKit;
}

interface Call {
  readonly context: BuilderContext;
  readonly query: URLSearchParams;
  /** Groups of the route's pattern, decoded. */
  readonly path: readonly string[];
  readonly incoming: IncomingMessage;
  /** Of the API that the client speaks, e.g. 1.41 is 41. */
  readonly minorVersion: number;
  /** Ends when the client goes away or the build ends. */
  readonly signal: AbortSignal;
}

export interface ApiCall extends Call {
  readonly response: ServerResponse;
}

/** A request with `Connection: Upgrade`: the connection is the handler's, bytes after the request's head in `head`. */
export interface UpgradeCall extends Call {
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface ApiRoute {
  readonly method: string;
  /** Of the path without `/v1.43`. */
  readonly pattern: RegExp;
  handle(call: ApiCall): Promise<void> | void;
}

export interface UpgradeRoute {
  readonly pattern: RegExp;
  /** Has to answer the head itself; what it throws before that is answered like a route's. */
  handle(call: UpgradeCall): Promise<void> | void;
}

/** An answer with a message, as docker's daemon gives it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What this API does not do; the client shows the text. */
export const notDone = (what: string): ApiError =>
  new ApiError(501, `kiln's embedded builder does not do ${what}; start Docker or Podman for it`);

const MAX_JSON_BYTES = 4 * 1024 * 1024;

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(value)}\n`);
}

export const sendNothing = (response: ServerResponse, status = 204): void => void response.writeHead(status).end();

/** Starts a stream of JSON lines; the client sees the status at once. */
export function jsonLines(response: ServerResponse): (message: Record<string, unknown>) => void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  return (message) => void response.write(`${JSON.stringify(message)}\r\n`);
}

/** The body as an object; the shapes of its members are the caller's to check. */
export async function readJson<T extends object>(incoming: AsyncIterable<Uint8Array>): Promise<T> {
  const body = await bytesWithin(incoming, MAX_JSON_BYTES);
  if (!body) throw new ApiError(413, "http: request body too large");
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8") || "{}");
  } catch (error) {
    throw new ApiError(400, `invalid JSON: ${(error as Error).message}`);
  }
  // Some clients send `null` for nothing.
  if (value === null) return {} as T;
  if (typeof value !== "object" || Array.isArray(value))
    throw new ApiError(400, "invalid JSON: the body has to be an object");
  return value as T;
}

/** Docker's way to read a boolean of the query. */
export const isOn = (query: URLSearchParams, name: string): boolean =>
  !["", "0", "no", "false", "none"].includes((query.get(name) ?? "").trim().toLowerCase());

/** Throws docker's answer for a name that is none. */
export function namedReference(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReference) throw new ApiError(400, error.message);
    throw error;
  }
}
