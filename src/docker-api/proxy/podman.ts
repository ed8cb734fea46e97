/**
 * Where Podman's Docker API does not do what docker's clients rely on: made good on the way.
 * Seen with Podman 4.3: `GET /_ping` names no operating system, without which the CLI refuses `--device` and others
 * (`unknown server OS`); `wait?condition=removed` answers 0 for a container that removes itself, whatever it ended with.
 */

import type { Socket } from "node:net";
import type { RequestHead } from "./http-head.ts";
import { type ProxySession, relay } from "./session.ts";

/** The target to ask Podman for; undefined: as it is. */
export function podmanTarget(path: string, url: URL): string | undefined {
  if (!/^\/containers\/[^/]+\/wait$/.test(path) || url.searchParams.get("condition") !== "removed") return undefined;
  url.searchParams.set("condition", "next-exit");
  return url.pathname + url.search;
}

/** `/_ping` with the header that docker's engine has. */
export async function pingPodman(client: Socket, head: RequestHead, { client: engine }: ProxySession): Promise<void> {
  const response = await engine.send(head.method, head.target);
  await relay(client, response, undefined, response.headers["ostype"] === undefined ? ["Ostype: linux"] : []);
}
