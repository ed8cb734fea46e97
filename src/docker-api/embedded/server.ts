/**
 * The embedded builder's Docker Engine API on a unix socket: as much of it as builds use, the rest refused by name.
 * Routing and the answers' form are here; what they do is in the folders beside.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/
 */
import { chmod } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { MINUTE_MS } from "../../core/clock.ts";
import { debug } from "../../core/log.ts";
import { refusedCall } from "../proxy/refusals.ts";
import {
  API_VERSION,
  ApiError,
  type ApiRoute,
  type BuilderContext,
  MIN_API_VERSION,
  notDone,
  sendJson,
  type UpgradeRoute,
} from "./api.ts";
import { buildRoutes } from "./build-routes.ts";
import { BuildKit } from "./buildkit/buildkit.ts";
import { buildkitUpgradeRoutes } from "./buildkit/buildkit-routes.ts";
import { archiveRoutes } from "./containers/archive-routes.ts";
import { Containers } from "./containers/containers.ts";
import { createRoutes } from "./containers/create-routes.ts";
import { execRoutes, execUpgradeRoutes } from "./containers/exec-routes.ts";
import { inspectRoutes } from "./containers/inspect-routes.ts";
import { lifecycleRoutes } from "./containers/lifecycle-routes.ts";
import { streamRoutes, streamUpgradeRoutes } from "./containers/stream-routes.ts";
import { imageArchiveRoutes } from "./images/archive-routes.ts";
import { commitRoutes } from "./images/commit-routes.ts";
import { ImageNames } from "./images/image-names.ts";
import { imageRoutes } from "./images/image-routes.ts";
import { transferRoutes } from "./images/transfer-routes.ts";
import { networkRoutes } from "./networks/network-routes.ts";
import { Networks } from "./networks/networks.ts";
import { EventLog } from "./system/event-log.ts";
import { systemRoutes } from "./system/system-routes.ts";
import { volumeRoutes } from "./volumes/volume-routes.ts";
import { Volumes } from "./volumes/volumes.ts";

const ROUTES: readonly ApiRoute[] = [
  ...systemRoutes,
  ...buildRoutes,
  ...imageArchiveRoutes,
  ...transferRoutes,
  ...imageRoutes,
  ...commitRoutes,
  ...createRoutes,
  ...inspectRoutes,
  ...lifecycleRoutes,
  ...streamRoutes,
  ...execRoutes,
  ...archiveRoutes,
  ...networkRoutes,
  ...volumeRoutes,
];

const UPGRADE_ROUTES: readonly UpgradeRoute[] = [
  ...streamUpgradeRoutes,
  ...execUpgradeRoutes,
  ...buildkitUpgradeRoutes,
];

/** What is made here from what the caller gives. */
type Given = Omit<BuilderContext, "names" | "containers" | "volumes" | "networks" | "events" | "buildkit">;

/** Listens on `socketPath` until `close`, which also ends what runs and removes what containers wrote. */
export async function startEmbeddedServer(given: Given, socketPath: string): Promise<{ close(): Promise<void> }> {
  const { clock, ids } = given;
  const events = new EventLog(clock);
  const networks = new Networks({ clock, ids, events });
  // Not below the build's folder, where its commands could put a link in a volume's place.
  const volumes = new Volumes({ makeDir: () => given.store.temporary(), clock, ids, events });
  const names = new ImageNames();
  const containers = new Containers({ ...given, networks, volumes, events });
  const buildkit = new BuildKit(clock);
  const context: BuilderContext = { ...given, events, networks, volumes, names, containers, buildkit };
  const sockets = new Set<Duplex>();
  const running = new Set<Promise<void>>();
  const closing = new AbortController();
  const started = (work: Promise<void>): void => {
    const kept = work.finally(() => running.delete(kept));
    running.add(kept);
  };
  const server = createServer({ requestTimeout: 0, headersTimeout: MINUTE_MS }, (incoming, response) =>
    started(answer(context, incoming, response, closing.signal)),
  );
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
    started(answerUpgrade(context, incoming, socket, head, closing.signal)),
  );
  server.on("connection", (socket: Duplex) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(socketPath, resolve);
  });
  await chmod(socketPath, 0o600);
  return {
    async close() {
      closing.abort(new Error("the build is over"));
      buildkit.close();
      await containers.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await Promise.allSettled(running);
      await closed;
      // What was asked for while the rest ended.
      await containers.close();
      await volumes.close();
    },
  };
}

async function answer(
  context: BuilderContext,
  incoming: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the client went away")));
  response.on("error", () => undefined);
  response.setHeader("api-version", API_VERSION);
  response.setHeader("ostype", "linux");
  response.setHeader("docker-experimental", "false");
  response.setHeader("server", "Kiln");
  let shown = `${incoming.method} ${incoming.url}`;
  try {
    const asked = parseUrl(incoming);
    shown = `${incoming.method} ${asked.path}`;
    debug("docker", () => shown);
    const signal = AbortSignal.any([gone.signal, closing, context.request.signal]);
    for (const route of ROUTES) {
      const match = route.method === incoming.method ? route.pattern.exec(asked.path) : null;
      if (!match) continue;
      await route.handle({ context, ...asked, path: groupsOf(match), incoming, response, signal });
      return;
    }
    const refused = refusedCall(incoming.method ?? "", asked.path);
    throw refused === undefined ? notDone(shown) : new ApiError(403, refused);
  } catch (error) {
    debug("docker", () => `${shown} failed: ${(error as Error).stack}`);
    const { status, message } = problemOf(error);
    if (response.headersSent) response.end(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
    else sendJson(response, status, { message });
    // Of a body that nobody reads any more.
    incoming.resume();
  }
}

async function answerUpgrade(
  context: BuilderContext,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  socket.on("close", () => gone.abort(new Error("the client went away")));
  socket.on("error", () => undefined);
  try {
    const asked = parseUrl(incoming);
    debug("docker", () => `${incoming.method} ${asked.path} (upgrade)`);
    const signal = AbortSignal.any([gone.signal, closing, context.request.signal]);
    for (const route of UPGRADE_ROUTES) {
      const match = route.pattern.exec(asked.path);
      if (!match) continue;
      await route.handle({ context, ...asked, path: groupsOf(match), incoming, socket, head, signal });
      return;
    }
    throw notDone(`${incoming.method} ${asked.path} with an upgrade of the connection`);
  } catch (error) {
    debug("docker", () => `${incoming.method} upgrade failed: ${(error as Error).stack}`);
    const { status, message } = problemOf(error);
    const body = `${JSON.stringify({ message })}\n`;
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? "Error"}\r\nApi-Version: ${API_VERSION}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  500: "Internal Server Error",
  501: "Not Implemented",
};

function problemOf(error: unknown): { status: number; message: string } {
  return { status: error instanceof ApiError ? error.status : 500, message: (error as Error).message };
}

/** Path without its version, and the query. Throws docker's answers for versions that are not spoken. */
function parseUrl(incoming: IncomingMessage): { path: string; query: URLSearchParams; minorVersion: number } {
  const [rawPath = "/", rawQuery = ""] = (incoming.url ?? "/").split(/\?(.*)/s, 2);
  const query = new URLSearchParams(rawQuery);
  const [, version, minor, rest = ""] = /^\/v((?:0|1)\.(\d+))(\/.*)$/.exec(rawPath) ?? [];
  if (version === undefined) return { path: rawPath, query, minorVersion: minorOf(API_VERSION) };
  if (Number(minor) > minorOf(API_VERSION))
    throw new ApiError(400, `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`);
  if (Number(minor) < minorOf(MIN_API_VERSION))
    throw new ApiError(
      400,
      `client version ${version} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  return { path: rest, query, minorVersion: Number(minor) };
}

const minorOf = (version: string): number => Number(version.split(".")[1]);

function groupsOf(match: RegExpExecArray): string[] {
  return match.slice(1).map((part) => {
    try {
      return decodeURIComponent(part ?? "");
    } catch {
      throw new ApiError(400, `invalid path: ${part}`);
    }
  });
}
