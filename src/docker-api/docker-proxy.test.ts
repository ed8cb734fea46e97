/** The proxy in front of a real engine: skipped, with the reason printed, where none answers. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  realDocker,
  smallDocker,
  staticBusybox,
} from "../../test/support/docker-fixture.ts";
import { HOLD_TIMEOUT_MS, holdEngine } from "../../test/support/hold-engine.ts";
import { findEngine } from "../engine-api/find-engine.ts";

const environment = { ...process.env, DOCKER_HOST: process.env["KILN_TEST_DOCKER_HOST"] ?? process.env["DOCKER_HOST"] };
const engine = await findEngine(environment, "auto", new AbortController().signal);
const reason = engine ? undefined : "no container engine answers on this machine";
if (reason) process.stderr.write(`tests of the engine proxy are skipped: ${reason}\n`);

const DOCKERFILE = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["sh", "-c", "echo ran"]
`;

describe.skipIf(!engine || (await staticBusybox()) === undefined).each(["the docker CLI", "Kiln's small docker"])(
  "the proxy before an engine, with %s",
  (name) => {
    let at: DockerFixture;
    let docker: DockerClient;
    let release: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      release = await holdEngine(environment.DOCKER_HOST ?? "");
      at = await openDockerFixture({ backend: "auto", buildId: `proxy:${name.length}` }, environment);
      const found = name === "the docker CLI" ? realDocker(at.socket) : smallDocker(at.socket);
      docker = found ?? smallDocker(at.socket);
      await at.registry.registry.accounts.declare("docker.io", "me", "secret");
      const cwd = await at.context({ Dockerfile: DOCKERFILE });
      const built = await docker(["build", "-t", "me/proxied:1", "."], { cwd });
      expect(built.err + built.out).toContain("Successfully tagged me/proxied:1");
    }, HOLD_TIMEOUT_MS);
    afterAll(async () => {
      await at.close();
      await release?.();
    });

    it("pushes to Kiln's registry under the names that the build wrote", async () => {
      expect((await docker(["push", "me/proxied:1"])).err).toContain(
        "denied: requested access to the resource is denied",
      );
      expect((await docker(["login", "-u", "me", "--password-stdin"], { stdin: "wrong" })).err).toContain(
        'Error response from daemon: Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
      );
      expect((await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" })).out).toBe(
        "Login Succeeded\n",
      );
      const pushed = await docker(["push", "me/proxied:1"]);
      expect(pushed.out).toContain("The push refers to repository [docker.io/me/proxied]");
      expect(pushed.out).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+/);
      expect(pushed.code).toBe(0);
      expect(at.pushed.at(-1)).toMatchObject({ reference: "docker.io/me/proxied:1" });
      expect(await at.registry.registry.manifest("docker.io/me/proxied:1")).toBeDefined();
      expect((await docker(["images"])).out).not.toContain("127.0.0.1");
      expect((await docker(["push", "me/never:1"])).err).toContain(
        "An image does not exist locally with the tag: me/never",
      );
    });

    it("pulls from Kiln's registry what it has", async () => {
      await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" });
      await docker(["push", "me/proxied:1"]);
      await docker(["rmi", "-f", "me/proxied:1"]);
      expect((await docker(["pull", "me/proxied:1"])).code).toBe(0);
      expect((await docker(["run", "--rm", "--network", "none", "me/proxied:1"])).out).toBe("ran\n");
    });

    it("runs containers with input and exit code", async () => {
      const args = ["run", "--rm", "--network", "none"];
      expect(await docker([...args, "-i", "me/proxied:1", "cat"], { stdin: "piped" })).toMatchObject({
        code: 0,
        out: "piped",
      });
      expect((await docker([...args, "me/proxied:1", "sh", "-c", "exit 7"])).code).toBe(7);
    });

    it("refuses what would reach the machine", async () => {
      const refused = async (...flags: string[]) =>
        (await docker(["run", "--rm", ...flags, "me/proxied:1", "true"])).err;
      expect(await refused("--privileged")).toContain("privileged containers are refused in a build");
      expect(await refused("-v", "/etc:/x")).toContain("bind mounts outside the build's folder are refused: /etc");
      await mkdir(join(at.dir, "work", "inside"), { recursive: true });
      await writeFile(join(at.dir, "work", "inside", "f"), "shared");
      await symlink("/etc", join(at.dir, "work", "inside", "out"));
      expect(await refused("-v", `${at.dir}/work/inside/out:/x`)).toContain("are refused");
      const shown = await docker([
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        `${at.dir}/work/inside:/x`,
        "me/proxied:1",
        "cat",
        "/x/f",
      ]);
      expect(shown.out).toBe("shared");
    });
  },
);
