/**
 * TLS connections through the proxy that HTTPS_PROXY names, unless NO_PROXY names the host: for registries of the network.
 * Node 20 has none of its own. Rules as Go's, which docker's engine has: this machine itself is never asked through a proxy.
 * Source: https://pkg.go.dev/golang.org/x/net/http/httpproxy , https://www.rfc-editor.org/rfc/rfc9110#name-connect
 * Gap: proxies that speak TLS or SOCKS themselves are refused by name; address ranges in NO_PROXY are not understood.
 */
import { request } from "node:http";
import { Agent, type AgentOptions } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { isLoopbackHost } from "../core/loopback.ts";

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** The proxy for a host, or undefined. */
export function proxyFor(host: string, port: number, environment: ProxyEnvironment): URL | undefined {
  const text = environment["HTTPS_PROXY"] || environment["https_proxy"];
  if (!text || isLoopbackHost(host)) return undefined;
  const excepted = (environment["NO_PROXY"] || environment["no_proxy"] || "").split(",").map((entry) => entry.trim());
  for (const entry of excepted) {
    const [, name = "", only] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (entry === "*") return undefined;
    if (name === "" || (only !== undefined && Number(only) !== port)) continue;
    const isBelow = host.endsWith(`.${name}`);
    if (isBelow || (host === name && !/^\*?\./.test(entry))) return undefined;
  }
  return new URL(text.includes("://") ? text : `http://${text}`);
}

/** An agent for `https:` requests that goes through the proxy where there is one for the host. */
export class ProxyAgent extends Agent {
  readonly #environment: ProxyEnvironment;

  constructor(options: AgentOptions, environment: ProxyEnvironment) {
    super(options);
    this.#environment = environment;
  }

  override createConnection(
    options: Parameters<Agent["createConnection"]>[0],
    callback: NonNullable<Parameters<Agent["createConnection"]>[1]>,
  ): Duplex | null | undefined {
    const { host = "", port } = options as { host?: string; port?: number | string };
    const proxy = proxyFor(host.toLowerCase(), Number(port), this.#environment);
    if (!proxy) return super.createConnection(options, callback);
    const fail = (message: string): void =>
      callback(new Error(`proxy ${proxy.protocol}//${proxy.host}: ${message}`), undefined as never);
    if (proxy.protocol !== "http:") {
      fail("kiln reaches proxies by plain HTTP only");
      return undefined;
    }
    const login = [proxy.username, proxy.password].map(decodeURIComponent).join(":");
    const asked = request({
      host: proxy.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: proxy.port || 80,
      method: "CONNECT",
      path: `${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
      headers: login === ":" ? {} : { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` },
      agent: false,
    });
    asked.on("connect", (response, socket) => {
      if (response.statusCode === 200) callback(null, connect({ ...(options as object), socket }));
      else {
        socket.destroy();
        fail(`${response.statusCode} ${response.statusMessage}`);
      }
    });
    asked.on("response", (response) => {
      response.destroy();
      fail(`${response.statusCode} ${response.statusMessage}`);
    });
    asked.on("error", (error) => fail(error.message));
    asked.end();
    return undefined;
  }
}
