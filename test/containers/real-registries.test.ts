/**
 * `--push-for-real` and `--pull-for-real` against Debian's docker-registry (TLS and a password; plain and open on loopback)
 * and another Kiln, from the embedded builder with both builders and through the proxy before a real Docker.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DebianRegistry, startDebianRegistry, whyNoDebianRegistry } from "../support/debian-registry.ts";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  realDocker,
  smallDocker,
} from "../support/docker-fixture.ts";
import { HOLD_TIMEOUT_MS, holdEngine } from "../support/hold-engine.ts";
import { type RegistryFixture, startRegistry } from "../support/registry-fixture.ts";
import { baseImages } from "./base-images.ts";
import { dockerApiBody, engineSocket } from "./docker-api.ts";

const bases = await baseImages("kiln-real");
const engine = await engineSocket();
const reason = whyNoDebianRegistry() ?? (bases === undefined ? "no static busybox" : undefined);
if (reason !== undefined) process.stderr.write(`pushes and pulls for real are not tested: ${reason}\n`);

describe.skipIf(reason !== undefined).each([
  { backend: "embedded", style: "classic" },
  { backend: "embedded", style: "buildkit" },
  { backend: "docker", style: "classic" },
] as const)("pushes and pulls for real, $backend, $style", ({ backend, style }) => {
  if (backend === "docker" && engine === undefined) {
    it.skip("no Docker engine answers (KILN_TEST_DOCKER_HOST names one)");
    return;
  }
  let at: DockerFixture;
  let docker: DockerClient;
  let closed: DebianRegistry;
  let open: DebianRegistry;
  let other: RegistryFixture;
  let release: (() => Promise<void>) | undefined;
  const loaded = async (fixture: DockerFixture): Promise<void> => {
    const socket = (fixture.socket.dockerHost ?? "").slice("unix://".length);
    await dockerApiBody(socket, "POST", "/images/load?quiet=1", bases);
  };
  const build = async (dockerfile: string, tag: string) => {
    const cwd = await at.context({ Dockerfile: dockerfile });
    return docker(["build", "--network", "none", "-t", tag, "."], { cwd });
  };

  beforeAll(async () => {
    if (backend === "docker") release = await holdEngine(`unix://${engine}`);
    [closed, open, other] = await Promise.all([startDebianRegistry(true), startDebianRegistry(false), startRegistry()]);
    at = await openDockerFixture(
      { backend, buildId: `real:${style}`, pushForReal: true, pullForReal: true },
      { ...process.env, ...(backend === "docker" && { DOCKER_HOST: `unix://${engine}` }) },
    );
    docker = smallDocker(at.socket);
    if (style === "classic") {
      const variables = { DOCKER_BUILDKIT: "0" };
      docker = realDocker(at.socket, variables) ?? expect.fail("no docker CLI");
    }
    await loaded(at);
  }, HOLD_TIMEOUT_MS);
  afterAll(async () => {
    await at?.close();
    await Promise.all([closed?.close(), open?.close(), other?.close()]);
    await release?.();
  });

  it("log in, push and pull with a password over TLS", async () => {
    const name = `${closed.host}/me/app:1`;
    const built = await build("FROM kiln-real/base:1\nRUN echo made > /made\n", name);
    expect(built, built.err).toMatchObject({ code: 0 });
    expect((await docker(["push", name])).err).toContain("no basic auth credentials");
    const wrong = await docker(["login", "-u", "me", "--password-stdin", closed.host], { stdin: "wrong" });
    expect(wrong.err).toMatch(/401 Unauthorized|unauthorized/);
    const login = await docker(["login", "-u", "me", "--password-stdin", closed.host], { stdin: "secret" });
    expect(login.out, login.err).toContain("Login Succeeded");
    const pushed = await docker(["push", name]);
    expect(pushed, pushed.err).toMatchObject({ code: 0 });
    expect(await closed.tags("me/app")).toEqual(["1"]);
    expect(await at.registry.registry.manifest(name)).toBeUndefined();
    await docker(["rmi", "-f", name]);
    const pulled = await docker(["pull", name]);
    expect(pulled, pulled.err).toMatchObject({ code: 0 });
    await docker(["rmi", "-f", name]);
    const above = await build(`FROM ${name}\nRUN test -e /made && echo above > /above\n`, "me/above");
    expect(above, above.err).toMatchObject({ code: 0 });
    expect((await docker(["logout", closed.host])).code).toBe(0);
    await docker(["rmi", "-f", name, "me/above"]);
    const refused = await build(`FROM ${name}\nRUN true\n`, "me/refused");
    expect(refused.code).toBe(1);
    // An engine tries a loopback address without TLS, too, and tells of that.
    if (backend === "docker") return expect(refused.err).toMatch(/no basic auth credentials|to an HTTPS server/);
    expect(refused.err).toContain(
      style === "buildkit"
        ? `${name}: failed to resolve source metadata for ${name}: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`
        : "no basic auth credentials",
    );
  });

  it("push and pull plainly on loopback, and say what is not there", async () => {
    const name = `${open.host}/plain:2`;
    expect((await build("FROM kiln-real/base:1\nRUN echo plain > /plain\n", name)).code).toBe(0);
    const pushed = await docker(["push", name]);
    expect(pushed, pushed.err).toMatchObject({ code: 0 });
    expect(await open.tags("plain")).toEqual(["2"]);
    await docker(["rmi", "-f", name]);
    const above = await build(`FROM ${name}\nRUN test -e /plain\n`, "me/above-plain");
    expect(above, above.err).toMatchObject({ code: 0 });
    const missing = await build(`FROM ${open.host}/plain:none\nRUN true\n`, "me/missing");
    expect(missing.err).toContain(
      style === "buildkit"
        ? `failed to resolve source metadata for ${open.host}/plain:none: ${open.host}/plain:none: not found`
        : `manifest for ${open.host}/plain:none not found: manifest unknown`,
    );
  });

  it("reach another Kiln", async () => {
    const { host } = new URL(other.url);
    await other.createEcrRepository("app");
    const name = `${host}/000000000000.dkr.ecr.us-east-1.amazonaws.com/app:3`;
    expect((await build("FROM kiln-real/base:1\nRUN echo kiln > /kiln\n", name)).code).toBe(0);
    await docker(["login", "-u", "test", "--password-stdin", host], { stdin: "test" });
    const pushed = await docker(["push", name]);
    expect(pushed, pushed.err).toMatchObject({ code: 0 });
    await docker(["rmi", "-f", name]);
    const above = await build(`FROM ${name}\nRUN test -e /kiln\n`, "me/above-kiln");
    expect(above, above.err).toMatchObject({ code: 0 });
  });
});
