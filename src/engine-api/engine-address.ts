/**
 * Where an engine answers, as `DOCKER_HOST` and the contexts of the docker CLI write it: `unix:///path`, `tcp://host:port`
 * (with TLS where it is asked for), `ssh://[user@]host[:port]`.
 * Sources: https://docs.docker.com/reference/cli/docker/#environment-variables,
 * https://docs.docker.com/engine/security/protect-access/
 * Gap: `npipe://` (Windows).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isLoopbackHost } from "../core/loopback.ts";
import { err, ok, type Result } from "../core/result.ts";

export type EngineAddress =
  | { readonly kind: "unix"; readonly socketPath: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: EngineTls }
  | {
      readonly kind: "ssh";
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      /** Socket on the other machine; absent: its own default. */
      readonly socketPath?: string;
    };

/** PEM texts; absent ones are the machine's own. */
export interface EngineTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False: encrypted only, whoever answers. */
  readonly verifies: boolean;
}

const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/** The address, or what is wrong with the text. `tls` counts for `tcp://` alone. */
export function parseEngineAddress(text: string, tls?: EngineTls): Result<EngineAddress, string> {
  if (text.startsWith("unix://")) {
    const socketPath = text.slice("unix://".length);
    return socketPath.startsWith("/")
      ? ok({ kind: "unix", socketPath })
      : err("the path after `unix://` is not absolute");
  }
  if (!/^(?:tcp|ssh|http|https):\/\//.test(text)) return err("expected `unix://`, `tcp://` or `ssh://`");
  let url: URL;
  try {
    // Only http is known to URL as having a host and a port like these.
    url = new URL(text.replace(/^[a-z]+:/, "http:"));
  } catch {
    return err("it is no address");
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "" || host.startsWith("-")) return err("it names no host");
  const port = /:(\d+)(?:\/|$)/.exec(text.replace(/^[a-z]+:\/\//, ""))?.[1];
  if (text.startsWith("ssh://")) {
    const user = decodeURIComponent(url.username);
    if (user.startsWith("-") || url.password !== "") return err("only a user's name can stand before the host");
    return ok({
      kind: "ssh",
      host,
      ...(user === "" ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(url.pathname === "/" ? {} : { socketPath: url.pathname }),
    });
  }
  const encrypted = text.startsWith("https:") ? (tls ?? { verifies: true }) : tls;
  return ok({
    kind: "tcp",
    host,
    port: port === undefined ? (encrypted ? TLS_PORT : PLAIN_PORT) : Number(port),
    ...(encrypted ? { tls: encrypted } : {}),
  });
}

/** The three files the docker CLI reads; absent ones are left out. */
export function readTlsFolder(folder: string, verifies: boolean): EngineTls {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch {
      return undefined;
    }
  };
  const [ca, cert, key] = [read("ca.pem"), read("cert.pem"), read("key.pem")];
  return {
    verifies,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** For people, and as a key: the same for the same engine. */
export function formatEngineAddress(address: EngineAddress): string {
  switch (address.kind) {
    case "unix":
      return address.socketPath;
    case "tcp":
      return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
    case "ssh":
      return `ssh://${address.user === undefined ? "" : `${address.user}@`}${address.host}${address.port === undefined ? "" : `:${address.port}`}${address.socketPath ?? ""}`;
  }
}

/** Whether the engine runs on this machine, as far as its address tells. */
export function isLocalAddress(address: EngineAddress): boolean {
  if (address.kind !== "tcp") return address.kind === "unix";
  return isLoopbackHost(address.host);
}
