import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, get } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeSelfSigned } from "../../test/support/self-signed.ts";
import { ProxyAgent, proxyFor } from "./proxy-agent.ts";

describe("the proxy for a registry", () => {
  const HTTPS_PROXY = "proxy.example:3128";
  it.for([
    ["ghcr.io", {}, undefined],
    ["ghcr.io", { HTTPS_PROXY }, "http://proxy.example:3128/"],
    ["ghcr.io", { https_proxy: "http://u:p@proxy:1" }, "http://u:p@proxy:1/"],
    ["localhost", { HTTPS_PROXY }, undefined],
    ["127.9.9.9", { HTTPS_PROXY }, undefined],
    ["ghcr.io", { HTTPS_PROXY, NO_PROXY: "a.b, ghcr.io" }, undefined],
    ["x.ghcr.io", { HTTPS_PROXY, no_proxy: "ghcr.io" }, undefined],
    ["ghcr.io", { HTTPS_PROXY, NO_PROXY: ".ghcr.io" }, "http://proxy.example:3128/"],
    ["xghcr.io", { HTTPS_PROXY, NO_PROXY: "ghcr.io" }, "http://proxy.example:3128/"],
    ["ghcr.io", { HTTPS_PROXY, NO_PROXY: "ghcr.io:8443" }, "http://proxy.example:3128/"],
    ["ghcr.io", { HTTPS_PROXY, NO_PROXY: "ghcr.io:443" }, undefined],
    ["ghcr.io", { HTTPS_PROXY, NO_PROXY: "*" }, undefined],
  ] as const)("%s with %o is %s", ([host, environment, expected]) => {
    expect(proxyFor(host, 443, environment)?.href).toBe(expected);
  });
});

describe("a request through a proxy", () => {
  let proxy: Server;
  let target: Server;
  let seen: { readonly asked: string | undefined; readonly login: string | undefined }[];
  let isRefusing: boolean;
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  beforeEach(async () => {
    [seen, isRefusing] = [[], false];
    const { key, cert } = makeSelfSigned();
    target = createTlsServer({ key, cert }, (_, response) => void response.end("from the registry"));
    proxy = createServer();
    proxy.on("connect", (request, socket) => {
      seen.push({ asked: request.url, login: request.headers["proxy-authorization"] });
      if (isRefusing) return socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      const there = connect(portOf(target), "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      socket.pipe(there).pipe(socket);
      return undefined;
    });
    for (const server of [target, proxy])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  });
  afterEach(() => {
    for (const server of [target, proxy]) {
      server.closeAllConnections();
      server.close();
    }
  });
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const environment = { HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${portOf(proxy)}` };
      const agent = new ProxyAgent({ rejectUnauthorized: false }, environment);
      get("https://registry.kiln.invalid/v2/", { agent }, (response) => {
        response.setEncoding("utf8").on("data", (text: string) => {
          resolve(text);
          agent.destroy();
        });
      }).on("error", reject);
    });

  it("is the registry's TLS inside, with the proxy's own login", async () => {
    expect(await ask()).toBe("from the registry");
    expect(seen).toEqual([
      { asked: "registry.kiln.invalid:443", login: `Basic ${Buffer.from("me:p@ss").toString("base64")}` },
    ]);
  });

  it("says what the proxy answers, without its login", async () => {
    isRefusing = true;
    await expect(ask()).rejects.toThrow(`proxy http://127.0.0.1:${portOf(proxy)}: 407 Proxy Authentication Required`);
  });
});
