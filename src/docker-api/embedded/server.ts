/**
 * The embedded builder's Docker Engine API on a unix socket: as much of it as builds use, the rest refused by name.
 * Routing and the answers' form are here; what they do is in the *-routes.ts files.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/
 */
import { chmod } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { debug } from "../../core/log.ts";
import { API_VERSION, ApiError, type ApiRoute, type BuilderContext, sendJson } from "./api.ts";
import { buildRoutes } from "./build-routes.ts";
import { containerRoutes } from "./container-routes.ts";
import { Containers } from "./containers.ts";
import { ImageNames } from "./image-names.ts";
import { imageRoutes } from "./image-routes.ts";
import { systemRoutes } from "./system-routes.ts";

/** Listens on `socketPath` until `close`, which also ends what runs. */
export async function startEmbeddedServer(
  context: Omit<BuilderContext, "names" | "containers">,
  socketPath: string,
): Promise<{ close(): Promise<void> }> {
  const full: BuilderContext = { ...context, names: new ImageNames(), containers: new Containers(context) };
  const routes = [...systemRoutes, ...buildRoutes, ...imageRoutes, ...containerRoutes];
  const sockets = new Set<Duplex>();
  const running = new Set<Promise<void>>();
  const closing = new AbortController();
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000 }, (incoming, response) => {
    const work = answer(full, routes, incoming, response, closing.signal).finally(() => running.delete(work));
    running.add(work);
  });
  // `Connection: Upgrade` of attach: Node then gives the socket instead of a request and response pair's body.
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    full.containers.attachUpgrade(incoming, socket, head);
  });
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
      await full.containers.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await Promise.allSettled(running);
      await closed;
    },
  };
}

async function answer(
  context: BuilderContext,
  routes: readonly ApiRoute[],
  incoming: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://docker");
  const path = url.pathname.replace(/^\/v\d+\.\d+(?=\/)/, "");
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the client went away")));
  const signal = AbortSignal.any([gone.signal, closing, context.request.signal]);
  debug("docker", () => `${incoming.method} ${path}`);
  response.setHeader("api-version", API_VERSION);
  response.setHeader("ostype", "linux");
  response.setHeader("server", "Kiln");
  try {
    for (const route of routes) {
      const match = route.method === incoming.method ? route.pattern.exec(path) : null;
      if (!match) continue;
      await route.handle({
        context,
        query: url.searchParams,
        path: match.slice(1).map((part) => decodeURIComponent(part ?? "")),
        incoming,
        response,
        signal,
      });
      return;
    }
    throw new ApiError(
      501,
      `kiln's embedded builder does not do ${incoming.method} ${path}; start Docker or Podman for it`,
    );
  } catch (error) {
    debug("docker", () => `${incoming.method} ${path} failed: ${(error as Error).stack}`);
    const status = error instanceof ApiError ? error.status : 500;
    const message = (error as Error).message;
    if (response.headersSent) response.end(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
    else sendJson(response, status, { message });
  }
}
