/**
 * The proxy before an engine on another machine (`DOCKER_HOST=tcp://…`): nothing of it relies on shared files or on the same
 * 127.0.0.1. The other machine is this one's engine behind a forwarder that knows bytes only.
 */

import { mkdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerClient, type DockerFixture, openDockerFixture, realDocker } from "../support/docker-fixture.ts";
import { HOLD_TIMEOUT_MS, holdEngine } from "../support/hold-engine.ts";
import { baseImages } from "./base-images.ts";
import { dockerApiBody, engineSocket } from "./docker-api.ts";

const engine = await engineSocket();
const bases = await baseImages("kiln-remote");
const reason =
  engine === undefined ? "no Docker engine answers" : bases === undefined ? "no static busybox" : undefined;
if (reason !== undefined) process.stderr.write(`remote engines are not tested: ${reason}\n`);

describe.skipIf(reason !== undefined)("docker in a build, an engine over TCP", () => {
  let at: DockerFixture;
  let docker: DockerClient;
  let server: Server;
  const sockets = new Set<Socket>();

  let release: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    release = await holdEngine(`unix://${engine}`);
    server = createServer({ allowHalfOpen: true }, (socket) => {
      const there = connect({ path: engine ?? "", allowHalfOpen: true });
      for (const one of [socket, there]) {
        sockets.add(one);
        one.on("error", () => one.destroy());
      }
      socket.pipe(there);
      there.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    at = await openDockerFixture({ backend: "docker", buildId: "remote:1" }, { ...process.env, DOCKER_HOST: host });
    docker = realDocker(at.socket, { DOCKER_BUILDKIT: "0" }) ?? expect.fail("no docker CLI");
    await at.registry.registry.accounts.declare("docker.io", "me", "secret");
    const socket = (at.socket.dockerHost ?? "").slice("unix://".length);
    await dockerApiBody(socket, "POST", "/images/load?quiet=1", bases);
    const built = await docker(["build", "--network", "none", "-t", "me/remote:1", "."], {
      cwd: await at.context({ Dockerfile: "FROM kiln-remote/base:1\nCOPY a /a\nRUN echo made > /made\n", a: "a" }),
    });
    expect(built, built.err).toMatchObject({ code: 0 });
  }, HOLD_TIMEOUT_MS);
  afterAll(async () => {
    await at?.close();
    await release?.();
    for (const socket of sockets) socket.destroy();
    server?.close();
  });

  it("pushes through Kiln: the engine has no way to its registry", async () => {
    expect((await docker(["push", "me/remote:1"])).err).toContain("denied: requested access to the resource is denied");
    await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" });
    const pushed = await docker(["push", "me/remote:1"]);
    expect(pushed, pushed.err).toMatchObject({ code: 0 });
    expect(pushed.out).toContain("The push refers to repository [docker.io/me/remote]");
    const kept = await at.registry.registry.manifest("docker.io/me/remote:1");
    expect(kept?.digest).toBe(at.pushed.at(-1)?.digest);
    expect((await docker(["push", "me/never:1"])).err).toContain(
      "An image does not exist locally with the tag: me/never",
    );
  });

  it("gives it the images that only Kiln has, and runs what it built", async () => {
    expect((await docker(["rmi", "-f", "me/remote:1"])).code).toBe(0);
    const built = await docker(["build", "--network", "none", "-t", "me/above", "."], {
      cwd: await at.context({ Dockerfile: "FROM me/remote:1\nRUN test -e /made\n" }),
    });
    expect(built, built.err).toMatchObject({ code: 0 });
    const ran = await docker(["run", "--rm", "-i", "--network", "none", "me/above", "cat", "/a", "-"], {
      stdin: "fed",
    });
    expect(ran).toMatchObject({ code: 0, out: "afed" });
  });

  it("refuses binds: the other machine has other files", async () => {
    const dir = join(at.dir, "work", "inside");
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "f"), "here");
    const ran = await docker(["run", "--rm", "--network", "none", "-v", `${dir}:/x`, "kiln-remote/base:1", "true"]);
    expect(ran.err).toContain(`bind mounts are refused: the engine is on another machine, which lacks ${dir}`);
  });
});
