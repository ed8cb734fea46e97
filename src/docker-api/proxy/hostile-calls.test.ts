/** Calls made to get past the proxy's policy: the engine must not see them. Its place is taken by a socket that notes all bytes. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DockerSocketRequest } from "../docker-api.ts";
import { startProxy } from "./proxy.ts";

let dir = "";
let socketPath = "";
let seen = "";
/** The bytes of each connection to the engine. */
let connections: string[] = [];
let engine: Server;
let proxy: { close(): Promise<void> };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "kiln-calls-"));
  const enginePath = join(dir, "engine.sock");
  socketPath = join(dir, "docker.sock");
  await mkdir(join(dir, "work"));
  engine = createServer((socket) => {
    const at = connections.push("") - 1;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      seen += text;
      connections[at] += text;
      // As an engine that keeps its connections, and knows nothing yet.
      const isFree = /connection: close/i.test(text) && !/^[\s\S]*upgrade:/i.test(text);
      const status = text.startsWith("POST /v1.43/exec/good/start") ? "101 UPGRADED" : "404 Not Found";
      socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\n{}`);
      if (isFree) socket.end();
    });
  });
  await new Promise<void>((resolve) => engine.listen(enginePath, resolve));
  const request: DockerSocketRequest = {
    ...{
      buildId: "b:1",
      workDir: join(dir, "work"),
      imageStoreDir: join(dir, "images"),
      registryUrl: "http://127.0.0.1:9",
    },
    ...{ rootKey: { accessKeyId: "test", secretAccessKey: "test" }, privileged: true, pushForReal: false },
    scope: { region: "us-east-1", accountId: "000000000000", partition: "aws" } as DockerSocketRequest["scope"],
    signal: new AbortController().signal,
    onPushed: () => undefined,
    onNotice: () => undefined,
  };
  const address = { kind: "unix", socketPath: enginePath } as const;
  proxy = await startProxy({ request, engine: { kind: "docker", address, description: "" }, socketPath });
});
afterAll(async () => {
  await proxy.close();
  await new Promise((resolve) => engine.close(resolve));
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  seen = "";
  connections = [];
});

/** Sends bytes as they are; what the proxy answers until it ends, or says nothing more for half a second. */
const raw = (...parts: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    const socket = connect(socketPath, () => socket.write(parts.join("")));
    let timer = setTimeout(() => socket.destroy(), 20_000);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), 500);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.on("end", () => socket.end());
  });

const post = (path: string, body: unknown, version = "HTTP/1.1"): string => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return `POST ${path} ${version}\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};
const evil = { Image: "i", Cmd: ["sh"], HostConfig: { Privileged: true } };

describe("a privileged container", () => {
  it.each([
    "/containers/create",
    "/v1.43/containers/create",
    "/v1.41.0/containers/create",
    "/v1/containers/create",
    "/v1.43/containers/%63reate",
    "/v1.43/containers%2Fcreate",
    "/v1.43/%63ontainers/create",
    "/v1.43//containers/create",
    "//containers/create",
    "/x/../containers/create",
    "/x/%2e%2e/containers/create",
    "http://d/containers/create",
    "/v1.43/libpod/containers/create",
    "/v4.3.1/libpod/containers/create",
    "/libpod/containers/create",
  ])("is not made at %s", async (path) => {
    const answer = await raw(post(path, evil));
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|403) /);
    expect(seen).not.toContain("Privileged");
  });

  it.each([
    { hostconfig: { Privileged: true } },
    { HostConfig: { privileged: true } },
    { HoſtConfig: { Privileged: true } },
    { HostConfig: {}, hostConfig: { Binds: ["/:/host"] } },
    { HostConfig: { bindſ: ["/:/host"] } },
    { HostConfig: { Mounts: [{ type: "bind", source: "/", target: "/host" }] } },
    {
      HostConfig: {
        Mounts: [{ Type: "volume", Target: "/h", VolumeOptions: { driverconfig: { Options: { device: "/" } } } }],
      },
    },
    { HostConfig: { DeviceRequests: null, MaskedPaths: [] } },
    { HostConfig: { ReadonlyPaths: [] } },
    { HostConfig: { PidMode: "host" } },
    { HostConfig: { SecurityOpt: ["systempaths=unconfined"] } },
    {
      HostConfig: {
        Mounts: [
          {
            Type: "volume",
            Target: "/h",
            VolumeOptions: { DriverConfig: { Options: { type: "tmpfs", o: "size=1,bind", device: "/" } } },
          },
        ],
      },
    },
  ])("is not made by %j", async (body) => {
    expect(await raw(post("/v1.43/containers/create", { Image: "i", ...body }))).toMatch(/^HTTP\/1\.1 (?:403|500) /);
    expect(seen).not.toContain("POST");
  });

  it("is not made by members beside the HostConfig", async () => {
    for (const rest of [{}, { HostConfig: null }]) {
      seen = "";
      await raw(post("/v1.43/containers/create", { Image: "i", Privileged: true, Binds: ["/:/host"], ...rest }));
      // An engine looks at them only where there is no HostConfig.
      expect(seen).toContain('"HostConfig":{}');
    }
  });

  it("is not made of one that starts", async () => {
    await raw(post("/v1.23/containers/c/start", { Privileged: true, Binds: ["/:/host"] }));
    expect(seen).toContain("POST /v1.23/containers/c/start");
    expect(seen).not.toContain("Privileged");
  });

  it("is not made of one that is changed, however often a member is written", async () => {
    const body = '{"RestartPolicy":{"Name":"always"},"RestartPolicy":{}}';
    await raw(post("/v1.43/containers/c/update", body));
    expect(seen).not.toContain("always");
    await raw(post("/v1.43/containers/c/exec", '{"Privileged":true,"Privileged":false}'));
    expect(seen).not.toContain("true");
    expect(await raw(post("/v1.43/containers/c/exec", { privileged: true }))).toContain(
      "kiln takes the member `Privileged` in this spelling only, not `privileged`",
    );
  });

  it("is not made by a second request behind another", async () => {
    const second = post("/v1.43/containers/create", evil);
    const ping = "GET /_ping HTTP/1.1\r\nHost: d\r\n";
    const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    await raw(`${ping}\r\n`, second);
    await raw(`${ping}Connection: keep-alive\r\n\r\n`, second);
    await raw(`${ping}${upgrade}\r\n`, second);
    await raw(`${ping}X: y\n\n`, `${second}`);
    await raw(`${ping}X: y\nConnection: Upgrade\nUpgrade: tcp\r\n\r\n`, second);
    await raw(`POST /v1.43/exec/none/start HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Length: 2\r\n\r\n{}`, second);
    await raw(
      `POST /v1.43/exec/none/start HTTP/1.1\r\nHost: d\r\n${upgrade}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      second,
    );
    await raw(
      `POST /v1.43/containers/c/attach HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Length: 0\r\nContent-Length: 400\r\n\r\n`,
      second,
    );
    expect(connections.length).toBeGreaterThan(2);
    // An engine reads no further behind a request that closes the connection; behind another one nothing may follow.
    for (const bytes of connections)
      if (!/^connection: close\r$/im.test(bytes)) expect(bytes).not.toContain("Privileged");
  });
});

it("gives the connection to a client that the engine gave it to, early bytes included", async () => {
  const head =
    "POST /v1.43/exec/good/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n";
  expect(await raw(head, "{}", "early")).toContain("HTTP/1.1 101 UPGRADED");
  expect(seen).toMatch(/\{\}early$/);
});

it("volumes that are folders of the machine are refused, whatever type they say", async () => {
  for (const DriverOpts of [
    { device: "/", o: "bind" },
    { type: "tmpfs", device: "/", o: "ro,rbind" },
  ])
    expect(await raw(post("/v1.43/volumes/create", { Name: "v", DriverOpts }))).toContain(
      "volumes outside the build's folder are refused: /",
    );
  expect(seen).not.toContain("POST");
});
