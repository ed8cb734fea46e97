/**
 * Published ports: containers are on this machine's network, so a port published under its own number is simply there.
 * Under another number a forwarder on loopback leads to it. Loopback only: a build's servers are not the network's.
 * Gaps: UDP and SCTP under another number, addresses other than this machine's own.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { ApiError } from "../api.ts";
import type { PublishedPort } from "./container.ts";

export interface Forwards {
  /** Host ports by `80/tcp`. */
  readonly hostPorts: ReadonlyMap<string, number>;
  close(): void;
}

/** Throws docker's answer when a port is taken. */
export async function publish(ports: readonly PublishedPort[], endpoint: string): Promise<Forwards> {
  const hostPorts = new Map<string, number>();
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const close = (): void => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  };
  try {
    for (const { port, hostPort } of ports) {
      const target = Number(port.split("/")[0]);
      const server = createServer({ allowHalfOpen: true }, (client) => forward(client, target, sockets));
      const taken = new ApiError(
        500,
        `driver failed programming external connectivity on endpoint ${endpoint}: Bind for 0.0.0.0:${hostPort} failed: port is already allocated`,
      );
      const used = await listen(server, hostPort ?? 0).catch(() => {
        throw taken;
      });
      // Held only to see that it is free; the container's own process listens there.
      if (used === target) await new Promise((resolve) => server.close(resolve));
      else servers.push(server);
      hostPorts.set(port, used);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { hostPorts, close };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function forward(client: Socket, port: number, sockets: Set<Socket>): void {
  const inside = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  for (const [from, to] of [
    [client, inside],
    [inside, client],
  ] as const) {
    sockets.add(from);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroySoon();
    });
    from.pipe(to);
  }
}
