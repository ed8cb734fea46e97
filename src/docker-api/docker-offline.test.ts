/** The machine's docker CLI in a build asks nobody but the build's socket: a proxy that it would use sees no request. */
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  realDocker,
} from "../../test/support/docker-fixture.ts";
import { writeDockerGuard } from "./cli/wrapper.ts";

const hasCli = realDocker({
  variables: {},
  pathPrefix: [],
  dockerHost: "",
  backend: "none",
  forContainer: async () => ({ variables: {}, pathPrefix: [] }),
  close: async () => undefined,
});

describe.skipIf(!hasCli)("the docker CLI in a build", () => {
  const asked: string[] = [];
  let sink: Server;
  let at: DockerFixture;
  let docker: DockerClient;
  beforeAll(async () => {
    sink = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (bytes) => {
        asked.push(bytes.toString("latin1").split("\r\n")[0] ?? "");
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    const address = sink.address();
    const proxy = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    at = await openDockerFixture();
    await at.registry.registry.accounts.declare("docker.io", "me", "secret");
    docker = realDocker(at.socket, { HTTPS_PROXY: proxy, HTTP_PROXY: proxy }) as DockerClient;
  });
  afterAll(async () => {
    await at.close();
    sink.close();
  });

  it.each([
    [["login"], "", 1, "Error: Cannot perform an interactive login from a non TTY device"],
    [["login", "-u", "me", "--password-stdin"], "wrong", 1, "unauthorized: incorrect username or password"],
    [["login", "-u", "me", "--password-stdin"], "secret", 0, "Login Succeeded"],
    [["pull", "nowhere/x:1"], "", 1, "pull access denied for nowhere/x, "],
    [["push", "nowhere/x:1"], "", 1, "An image does not exist locally with the tag: nowhere/x"],
    [["run", "nowhere/x:1"], "", 125, "pull access denied for nowhere/x, "],
    [["search", "x"], "", 1, "kiln refuses GET /images/search in a build: docker search would ask Docker Hub"],
    [
      ["manifest", "inspect", "python:3"],
      "",
      1,
      "kiln refuses docker manifest in a build: it would ask the real registry",
    ],
    [
      ["trust", "inspect", "python:3"],
      "",
      1,
      "kiln refuses docker trust in a build: it would ask a real Notary server",
    ],
    [["logout"], "", 0, "Removing login credentials"],
  ] as const)("%j: answers from the socket or is refused by name", async (args, stdin, code, text) => {
    const ran = await docker([...args], { stdin });
    expect(ran.out + ran.err).toContain(text);
    expect(ran.code).toBe(code);
    expect(asked).toEqual([]);
  });

  it.each([
    [["--config", "/x", "manifest", "create", "a", "b"], "kiln refuses docker manifest"],
    [["buildx", "imagetools", "inspect", "a"], "kiln refuses docker buildx imagetools"],
    [["buildx", "build", "--push", "."], "kiln refuses docker buildx --push"],
    [["build", "--output=type=registry", "."], "kiln refuses docker build --push"],
    [["build", "-o", "type=image,name=a,push=true", "."], "kiln refuses docker build --push"],
    [["build", "--build-arg", "push=true", "-t", "manifest", "."], undefined],
    [["run", "image", "manifest", "--push"], undefined],
    [["-H", "manifest", "images"], undefined],
  ])("the guard reads docker %j", async (args, refusal) => {
    const dir = join(at.dir, "guard");
    await mkdir(dir, { recursive: true });
    const cli = join(dir, "it's docker");
    await writeFile(cli, '#!/bin/sh\necho "ran $*"\n');
    await chmod(cli, 0o755);
    await writeDockerGuard(join(dir, "bin"), cli);
    const guarded = realDocker({ ...at.socket, pathPrefix: [join(dir, "bin")] }) as DockerClient;
    const ran = await guarded(args);
    if (refusal === undefined) expect(ran).toMatchObject({ code: 0, out: `ran ${args.join(" ")}\n` });
    else expect(ran).toMatchObject({ code: 1, out: "", err: expect.stringContaining(refusal) });
  });

  it("gives what BuildKit builds the build's label", async () => {
    const dir = join(at.dir, "labels");
    await mkdir(dir);
    await writeFile(join(dir, "docker"), '#!/bin/sh\necho "ran $*"\n', { mode: 0o755 });
    await writeDockerGuard(join(dir, "bin"), join(dir, "docker"), { label: "a=b:1" });
    const guarded = realDocker({ ...at.socket, pathPrefix: [join(dir, "bin")] }) as DockerClient;
    expect((await guarded(["build", "-t", "build", "a b"])).out).toBe("ran build --label a=b:1 -t build a b\n");
    expect((await guarded(["-D", "buildx", "build", "."])).out).toBe("ran -D buildx build --label a=b:1 .\n");
    expect((await guarded(["run", "build"])).out).toBe("ran run build\n");
  });

  it("gives builds to Kiln's small docker where the machine's CLI has no buildx, unless they ask for the classic builder", async () => {
    const dir = join(at.dir, "builds");
    await mkdir(dir);
    await writeFile(join(dir, "docker"), '#!/bin/sh\necho "ran $*"\n', { mode: 0o755 });
    await writeDockerGuard(join(dir, "bin"), join(dir, "docker"), { pushes: "kiln", buildsWithSmallDocker: true });
    const script = await readFile(join(dir, "bin/docker"), "utf8");
    // The small docker itself is built code; what stands in for it says how it was called.
    const small = script.replaceAll(/exec '[^']*node[^']*' '[^']*main\.js'/g, "exec echo small");
    await writeFile(join(dir, "bin/docker"), small);
    const plain = realDocker({ ...at.socket, pathPrefix: [join(dir, "bin")] }) as DockerClient;
    const classic = realDocker(
      { ...at.socket, pathPrefix: [join(dir, "bin")] },
      { DOCKER_BUILDKIT: "0" },
    ) as DockerClient;
    for (const args of [
      ["build", "--push", "a b"],
      ["image", "build", "."],
      ["builder", "build", "."],
      ["buildx", "build", "."],
    ])
      expect((await plain(args)).out).toBe(`small ${args.join(" ")}\n`);
    for (const args of [
      ["build", "."],
      ["image", "build", "."],
    ])
      expect((await classic(args)).out).toBe(`ran ${args.join(" ")}\n`);
    expect((await classic(["buildx", "ls"])).out).toBe("small buildx ls\n");
    for (const args of [["images"], ["image", "ls"], ["run", "build"], ["compose", "build"]])
      expect((await plain(args)).out).toBe(`ran ${args.join(" ")}\n`);
    expect((await plain(["manifest", "create", "a"])).err).toContain("kiln refuses docker manifest");
  });

  it("refuses signing with Notary", async () => {
    const trusting = realDocker(at.socket, { DOCKER_CONTENT_TRUST: "1" }) as DockerClient;
    expect((await trusting(["push", "a/b"])).err).toContain("DOCKER_CONTENT_TRUST would ask a real Notary server");
  });
});
