/** What the routes of the embedded builder share: the call, its answers, its errors. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import type { LayerStore } from "../../images/layer-store.ts";
import type { TransferDeps } from "../../images/transfer.ts";
import type { DockerSocketRequest } from "../docker-api.ts";
import type { Containers } from "./containers.ts";
import type { ImageNames } from "./image-names.ts";
import type { Isolation } from "./namespace.ts";

export const API_VERSION = "1.43";

export interface BuilderContext {
  readonly request: DockerSocketRequest;
  readonly store: LayerStore;
  readonly isolation: Isolation;
  readonly names: ImageNames;
  readonly transfer: TransferDeps;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly containers: Containers;
}

export interface ApiCall {
  readonly context: BuilderContext;
  readonly query: URLSearchParams;
  /** Groups of the route's pattern, decoded. */
  readonly path: readonly string[];
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Ends when the client goes away or the build ends. */
  readonly signal: AbortSignal;
}

export interface ApiRoute {
  readonly method: string;
  /** Of the path without `/v1.43`. */
  readonly pattern: RegExp;
  handle(call: ApiCall): Promise<void> | void;
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

const MAX_JSON_BYTES = 4 * 1024 * 1024;

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(value)}\n`);
}

/** Starts a stream of JSON lines; the client sees the status at once. */
export function jsonLines(response: ServerResponse): (message: Record<string, unknown>) => void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  return (message) => void response.write(`${JSON.stringify(message)}\r\n`);
}

export async function readJson<T>(incoming: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > MAX_JSON_BYTES) throw new ApiError(413, "request body too large");
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}") as T;
  } catch {
    throw new ApiError(400, "invalid JSON in the request body");
  }
}
