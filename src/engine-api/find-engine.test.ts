/** Over every kind of address, with a small server in the engine's place. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSelfSigned } from "../../test/support/self-signed.ts";
import { EngineClient } from "./engine-client.ts";
import { findEngine, lookForEngines } from "./find-engine.ts";

const answer: RequestListener = (request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.url === "/version")
    return void response.end(JSON.stringify({ Version: "28.0.1", Components: [{ Name: "Engine" }] }));
  response.statusCode = 404;
  response.end(JSON.stringify({ message: "No such container: x" }));
};
const signal = AbortSignal.timeout(20_000);

describe("an engine", () => {
  let folder = "";
  let socketPath = "";
  let plain: Server;
  const nowhere = (): NodeJS.ProcessEnv => ({ HOME: folder, PATH: process.env["PATH"] });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-find-"));
    socketPath = join(folder, "engine.sock");
    plain = createServer(answer);
    await new Promise<void>((resolve) => plain.listen(socketPath, resolve));
  });
  afterAll(async () => {
    plain.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("is found at the socket that DOCKER_HOST names, and its refusals have its words", async () => {
    const engine = await findEngine({ ...nowhere(), DOCKER_HOST: `unix://${socketPath}` }, "auto", signal);
    expect(engine).toEqual({
      kind: "docker",
      address: { kind: "unix", socketPath },
      description: `Docker 28.0.1 at ${socketPath}`,
    });
    const client = new EngineClient({ kind: "unix", socketPath });
    await expect(client.call("POST", "/containers/x/start")).rejects.toMatchObject({
      status: 404,
      message: "No such container: x",
    });
  });

  it("is found over TCP, with TLS and the CA of DOCKER_CERT_PATH", async () => {
    const { key, cert } = makeSelfSigned();
    await writeFile(join(folder, "ca.pem"), cert);
    const server = createTlsServer({ key, cert }, answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const DOCKER_HOST = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const trusting = { ...nowhere(), DOCKER_HOST, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder };
      expect((await findEngine(trusting, "docker", signal))?.description).toBe(`Docker 28.0.1 at ${DOCKER_HOST}`);
      const [other] = await lookForEngines({ ...trusting, DOCKER_CERT_PATH: join(folder, "none") }, signal);
      expect(other?.found.ok).toBe(false);
    } finally {
      server.close();
    }
  });

  it("is found behind ssh, and what ssh says is the reason where it is not", async () => {
    const bin = join(folder, "bin");
    const relay = `const s = require("net").connect(${JSON.stringify(socketPath)}); process.stdin.pipe(s); s.pipe(process.stdout);`;
    const script = `#!/bin/sh\ncase "$*" in\n*' -- near docker system dial-stdio') exec ${process.execPath} -e '${relay}' ;;\nesac\necho "ssh: no way to that host" >&2\nexit 255\n`;
    await mkdir(bin);
    await writeFile(join(bin, "ssh"), script);
    await chmod(join(bin, "ssh"), 0o755);
    const path = process.env["PATH"];
    process.env["PATH"] = `${bin}${delimiter}${path}`;
    try {
      const near = await findEngine({ ...nowhere(), DOCKER_HOST: "ssh://me@near" }, "docker", signal);
      expect(near?.description).toBe("Docker 28.0.1 at ssh://me@near");
      const [far] = await lookForEngines({ ...nowhere(), DOCKER_HOST: "ssh://far" }, signal);
      expect(far).toEqual({
        source: "DOCKER_HOST",
        address: "ssh://far",
        found: { ok: false, error: "ssh: ssh: no way to that host" },
      });
    } finally {
      process.env["PATH"] = path;
    }
  });

  it.each([
    ["Docker/28.0.1 (linux)", "docker", "Docker 28.0.1"],
    ["Libpod/5.4.2 (linux)", "podman", "Podman 5.4.2"],
  ])("is asked no more than it answers at once: %s", async (server, kind, name) => {
    const asked: string[] = [];
    const quick = createServer(({ url = "" }, response) => {
      asked.push(url);
      response.setHeader("server", server).end("OK");
    });
    const path = join(folder, `quick-${kind}.sock`);
    await new Promise<void>((resolve) => quick.listen(path, resolve));
    try {
      const engine = await findEngine({ ...nowhere(), DOCKER_HOST: `unix://${path}` }, "auto", signal);
      expect(engine).toMatchObject({ kind, description: `${name} at ${path}` });
      expect(asked).toEqual(["/_ping"]);
    } finally {
      quick.close();
    }
  });

  it("is looked for in order, and each place says why not", async () => {
    const looked = await lookForEngines({ ...nowhere(), DOCKER_HOST: "npipe://x", XDG_RUNTIME_DIR: folder }, signal);
    expect(looked[0]).toEqual({
      source: "DOCKER_HOST",
      address: "npipe://x",
      found: { ok: false, error: "expected `unix://`, `tcp://` or `ssh://`" },
    });
    expect(looked.map(({ address }) => address).slice(1)).toEqual([
      "/var/run/docker.sock",
      join(folder, "docker.sock"),
      join(folder, ".docker/run/docker.sock"),
      join(folder, ".colima/docker.sock"),
      join(folder, ".orbstack/run/docker.sock"),
      join(folder, ".rd/docker.sock"),
      join(folder, "podman/podman.sock"),
      "/run/podman/podman.sock",
    ]);
    expect(looked[2]?.found).toEqual({ ok: false, error: "there is no such socket" });
  });
});
