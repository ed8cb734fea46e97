/**
 * The docker CLI's plugins, buildx and compose, through the proxy before a real Docker: BuildKit's `/session` and `/grpc`
 * pass, what is built carries the build's label and goes at the end, FROM finds what only Kiln has, pushes land in
 * Kiln's registry. `KILN_TEST_DOCKER_PLUGINS` names the folder with `docker-buildx` and `docker-compose`.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerClient, type DockerFixture, openDockerFixture, realDocker } from "../support/docker-fixture.ts";
import { HOLD_TIMEOUT_MS, holdEngine } from "../support/hold-engine.ts";
import { baseImages } from "./base-images.ts";
import { dockerApi, dockerApiBody, engineSocket } from "./docker-api.ts";

const plugins = process.env["KILN_TEST_DOCKER_PLUGINS"] ?? "/usr/libexec/docker/cli-plugins";
const engine = await engineSocket();
const bases = await baseImages("kiln-buildx");
const has = (name: string): boolean => existsSync(join(plugins, name));
const reason =
  engine === undefined
    ? "no Docker engine answers (KILN_TEST_DOCKER_HOST names one)"
    : !has("docker-buildx")
      ? `there is no buildx in ${plugins} (KILN_TEST_DOCKER_PLUGINS)`
      : bases === undefined
        ? "no static busybox"
        : undefined;
if (reason !== undefined) process.stderr.write(`buildx and compose through the proxy are not tested: ${reason}\n`);

describe.skipIf(reason !== undefined)("buildx through the proxy", () => {
  let at: DockerFixture;
  let docker: DockerClient;
  let config: string;
  const build = async (text: string, more: string[], files: Record<string, string> = {}) =>
    docker(["buildx", "build", "--progress=plain", "--network", "none", ...more, "."], {
      cwd: await at.context({ Dockerfile: text, ...files }),
    });

  let release: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    release = await holdEngine(`unix://${engine}`);
    // The plugins are where the machine's CLI finds them, as for a user who has them installed.
    config = await mkdtemp(join(tmpdir(), "kiln-plugins-"));
    await symlink(plugins, join(config, "cli-plugins"));
    const environment = { ...process.env, DOCKER_HOST: `unix://${engine}`, DOCKER_CONFIG: config };
    at = await openDockerFixture({ backend: "docker", buildId: "buildx:1" }, environment);
    docker = realDocker(at.socket, { DOCKER_BUILDKIT: "1" }) ?? expect.fail("no docker CLI");
    await at.registry.registry.accounts.declare("docker.io", "me", "secret");
    const socket = (at.socket.dockerHost ?? "").slice("unix://".length);
    await dockerApiBody(socket, "POST", "/images/load?quiet=1", bases);
    expect((await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" })).out).toBe(
      "Login Succeeded\n",
    );
  }, HOLD_TIMEOUT_MS);
  afterAll(async () => {
    await at?.close();
    await release?.();
    await rm(config, { recursive: true, force: true });
    if (engine === undefined) return;
    const left = (await dockerApi(engine, "GET", "/images/json")).body.toString("utf8");
    expect(left).not.toMatch(/"me\/|buildx:1/);
  });

  it("builds with a session: context, mounts, secrets, arguments", async () => {
    const secret = join(at.dir, "work", "token");
    await writeFile(secret, "hush");
    const built = await build(
      "FROM kiln-buildx/base:1\nARG V\nRUN --mount=type=secret,id=t --mount=type=cache,target=/c wc -c < /run/secrets/t > /n; echo $V >> /n\nCOPY a /a\n",
      ["--load", "-t", "me/bk:1", "--build-arg", "V=9", "--secret", `id=t,src=${secret}`],
      { a: "from the context" },
    );
    expect(built, built.err).toMatchObject({ code: 0 });
    const shown = await docker(["run", "--rm", "--network", "none", "me/bk:1", "cat", "/n", "/a"]);
    expect(shown.out).toBe("4\n9\nfrom the context");
  });

  it("labels what it builds, so that it goes at the end", async () => {
    await build("FROM kiln-buildx/base:1\nLABEL x=y\n", ["--load", "-t", "me/labelled"]);
    const labels = await docker(["inspect", "--format", '{{index .Config.Labels "dev.kiln.build"}}', "me/labelled"]);
    expect(labels.out).toBe("buildx:1\n");
  });

  it("finds a FROM image that only Kiln has", async () => {
    expect(
      (await build("FROM kiln-buildx/base:1\nRUN touch /only-kiln\n", ["--load", "-t", "me/only-kiln:1"])).code,
    ).toBe(0);
    const pushed = await docker(["push", "me/only-kiln:1"]);
    expect(pushed, pushed.err).toMatchObject({ code: 0 });
    expect((await docker(["rmi", "-f", "me/only-kiln:1"])).code).toBe(0);
    const built = await build("FROM me/only-kiln:1\nRUN test -e /only-kiln\n", ["--load", "-t", "me/above"]);
    expect(built, built.err).toMatchObject({ code: 0 });
  });

  it("fails with BuildKit's words", async () => {
    const failed = await build("FROM kiln-buildx/base:1\nRUN exit 7\n", ["-t", "me/none"]);
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/exit code: 7/);
  });

  it("pushes with --push into Kiln's registry", async () => {
    const pushed = await build("FROM kiln-buildx/base:1\nLABEL pushed=by-buildx\n", ["--push", "-t", "me/pushed:1"]);
    expect(pushed, pushed.err).toMatchObject({ code: 0 });
    expect(await at.registry.registry.manifest("docker.io/me/pushed:1")).toBeDefined();
    expect(at.pushed.map(({ reference }) => reference)).toContain("docker.io/me/pushed:1");
  });

  it.skipIf(!has("docker-compose"))(
    "compose builds without a label or a name of ours, and it goes all the same",
    async () => {
      const before = await dockerApi(engine ?? "", "GET", "/images/json?all=1");
      const cwd = await at.context({
        Dockerfile: "FROM kiln-buildx/base:1\nCOPY only /only\n",
        only: String(performance.now()),
        "compose.yaml": "name: kilnunnamed\nservices:\n  web:\n    build: .\n",
      });
      const own = await openDockerFixture(
        { backend: "docker", buildId: "compose:2" },
        { ...process.env, DOCKER_HOST: `unix://${engine}`, DOCKER_CONFIG: config },
      );
      const compose = realDocker(own.socket, { DOCKER_BUILDKIT: "1" }) ?? expect.fail("no docker CLI");
      const built = await compose(["compose", "build"], { cwd });
      expect(built, built.err).toMatchObject({ code: 0 });
      expect((await compose(["images", "-q", "kilnunnamed-web"])).out).not.toBe("");
      await own.close();
      const ids = ({ body }: { body: Buffer }): string[] =>
        (JSON.parse(body.toString("utf8")) as { Id: string }[]).map(({ Id }) => Id).sort();
      expect(ids(await dockerApi(engine ?? "", "GET", "/images/json?all=1"))).toEqual(ids(before));
    },
  );

  it.skipIf(!has("docker-compose"))("compose builds and pushes", async () => {
    const cwd = await at.context({
      Dockerfile: "FROM kiln-buildx/base:1\nCOPY Dockerfile /by-compose\n",
      "compose.yaml": "services:\n  web:\n    image: me/composed:1\n    build: .\n",
    });
    const built = await docker(["compose", "build"], { cwd });
    expect(built, built.err).toMatchObject({ code: 0 });
    expect((await docker(["compose", "push"], { cwd })).code).toBe(0);
    expect(await at.registry.registry.manifest("docker.io/me/composed:1")).toBeDefined();
  });
});
