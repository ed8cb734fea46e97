/**
 * One suite for the Docker API socket of a build, whatever stands behind it: Docker or Podman with Kiln's proxy, or the
 * embedded builder. What a build sees must be the same; where it cannot be, `DIFFERENCES` has a line.
 * Engines: `KILN_TEST_DOCKER_HOST`, `KILN_TEST_PODMAN_HOST`; one that does not answer is skipped with the reason printed.
 */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerClient, type DockerFixture, openDockerFixture, realDocker } from "../support/docker-fixture.ts";
import { HOLD_TIMEOUT_MS, holdEngine } from "../support/hold-engine.ts";
import { baseImages } from "./base-images.ts";
import { dockerApi, dockerApiBody } from "./docker-api.ts";

type Backend = "docker" | "podman" | "embedded";

/** Where the three are not alike, and what each does. All there is: a test that needs another line fails. */
const DIFFERENCES = {
  /** Words of a classic build's progress. Podman is given one step more: the label that the clean-up goes by. */
  stepLine: {
    docker: /^Step 2\/3 : COPY a \/a$/m,
    podman: /^STEP 2\/4: COPY a \/a$/m,
    embedded: /^Step 2\/3 : COPY a \/a$/m,
  },
  /** What `docker build` ends with when a command of the Dockerfile ends with 7. */
  failedRun: { docker: 7, podman: 1, embedded: 7 },
  failedRunText: {
    docker: "returned a non-zero code: 7",
    podman: "exit status 7",
    embedded: "returned a non-zero code: 7",
  },
} as const satisfies Record<string, Record<Backend, unknown>>;

const SOCKETS: Record<Backend, string | undefined> = {
  docker: process.env["KILN_TEST_DOCKER_HOST"],
  podman: process.env["KILN_TEST_PODMAN_HOST"],
  embedded: undefined,
};

const bases = await baseImages("kiln-socket");

async function whyNot(backend: Backend): Promise<string | undefined> {
  if (bases === undefined) return "no static busybox";
  if (backend === "embedded") return undefined;
  const host = SOCKETS[backend];
  if (!host?.startsWith("unix://")) return `KILN_TEST_${backend.toUpperCase()}_HOST names no socket`;
  const reply = await dockerApi(host.slice("unix://".length), "GET", "/_ping").catch((error: Error) => error);
  return reply instanceof Error ? reply.message : undefined;
}

for (const backend of ["docker", "podman", "embedded"] as const) {
  const reason = await whyNot(backend);
  if (reason !== undefined) process.stderr.write(`the build's docker over ${backend} is not tested: ${reason}\n`);

  describe.skipIf(reason !== undefined)(`docker in a build, ${backend}`, () => {
    let at: DockerFixture;
    let docker: DockerClient;
    const engineSocket = (SOCKETS[backend] ?? "").slice("unix://".length);
    const buildSocket = (): string => (at.socket.dockerHost ?? "").slice("unix://".length);
    const login = (password: string) => docker(["login", "-u", "me", "--password-stdin"], { stdin: password });
    const runArgs = ["run", "--rm", "--network", "none"];
    const build = async (text: string, tag: string, files: Record<string, string> = {}, more: string[] = []) =>
      docker(["build", "--network", "none", "-t", tag, ...more, "."], {
        cwd: await at.context({ Dockerfile: text, ...files }),
      });

    let release: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      if (backend !== "embedded") release = await holdEngine(SOCKETS[backend] ?? "");
      at = await openDockerFixture(
        { backend, buildId: `socket:${backend}` },
        { ...process.env, DOCKER_HOST: SOCKETS[backend] },
      );
      docker = realDocker(at.socket, { DOCKER_BUILDKIT: "0" }) ?? expect.fail("no docker CLI");
      await at.registry.registry.accounts.declare("docker.io", "me", "secret");
      await at.registry.createEcrRepository("app");
      await dockerApiBody(buildSocket(), "POST", "/images/load?quiet=1", bases);
    }, HOLD_TIMEOUT_MS);
    afterAll(async () => {
      await at?.close();
      await release?.();
    });

    it("says which engine it is and answers version and info", async () => {
      expect(at.socket.backend).toBe(backend);
      expect((await docker(["version", "--format", "{{.Server.Os}}"])).out).toBe("linux\n");
      expect((await docker(["info", "--format", "{{.OSType}}"])).out).toBe("linux\n");
    });

    it("builds, names, lists, inspects", async () => {
      const built = await build("FROM kiln-socket/base:1\nCOPY a /a\nRUN cat /a && mkdir /made\n", "me/app:1", {
        a: "file",
      });
      expect(built, built.err).toMatchObject({ code: 0 });
      expect(built.out).toMatch(DIFFERENCES.stepLine[backend]);
      expect(built.out).toContain("Successfully tagged ");
      const listed = await docker(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
      expect(listed.out.split("\n")).toContain("me/app:1");
      expect((await docker(["inspect", "--format", "{{json .Config.Cmd}}", "me/app:1"])).out).toBe('["sh"]\n');
      const layers = await docker(["history", "--format", "{{.CreatedBy}}", "--no-trunc", "me/app:1"]);
      expect(layers.out).toContain("cat /a && mkdir /made");
    });

    it("ends with what a failed command says", async () => {
      const failed = await build("FROM kiln-socket/base:1\nRUN echo before; exit 7\n", "me/none:1");
      expect(failed.code).toBe(DIFFERENCES.failedRun[backend]);
      expect(failed.err).toContain(DIFFERENCES.failedRunText[backend]);
      expect(failed.out).toContain("before");
      expect((await docker(["inspect", "me/none:1"])).code).toBe(1);
    });

    it("builds from several stages with arguments, a target and a .dockerignore", async () => {
      const built = await build(
        "ARG B=base\nFROM kiln-socket/$B:1 AS one\nARG V=0\nCOPY . /all\nRUN ls /all > /list && echo $V > /v\nFROM kiln-socket/base:1 AS two\nCOPY --from=one /list /v /\nFROM two AS three\nRUN exit 3\n",
        "me/stages",
        { a: "a", b: "b", ".dockerignore": "b\nDockerfile\nbusybox\n.dockerignore\n" },
        ["--build-arg", "V=2", "--target", "two"],
      );
      expect(built, built.err).toMatchObject({ code: 0 });
      expect((await docker([...runArgs, "me/stages", "cat", "/list", "/v"])).out).toBe("a\n2\n");
    });

    it("pushes to Kiln's registry once logged in, and says so when not", async () => {
      const refused = await docker(["push", "me/app:1"]);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain("denied: requested access to the resource is denied");
      expect((await login("wrong")).err).toContain("unauthorized: incorrect username or password");
      expect((await login("secret")).out).toBe("Login Succeeded\n");
      const pushed = await docker(["push", "me/app:1"]);
      expect(pushed, pushed.err).toMatchObject({ code: 0 });
      expect(pushed.out).toContain("The push refers to repository [docker.io/me/app]");
      expect(pushed.out).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+/);
      expect(pushed.out).not.toContain("127.0.0.1");
      expect(at.pushed.at(-1)).toMatchObject({ reference: "docker.io/me/app:1" });
      const kept = await at.registry.registry.manifest("docker.io/me/app:1");
      expect(kept?.digest).toBe(at.pushed.at(-1)?.digest);
    });

    it("pushes under an ECR name, with ECR's words where the repository is missing", async () => {
      const host = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
      for (const name of ["app", "missing"])
        expect((await docker(["tag", "me/app:1", `${host}/${name}:v1`])).code).toBe(0);
      expect((await docker(["push", `${host}/app:v1`])).err).toContain("no basic auth credentials");
      const ecr = await docker(["login", "-u", "test", "--password-stdin", host], { stdin: "test" });
      expect(ecr.out).toBe("Login Succeeded\n");
      expect((await docker(["push", `${host}/app:v1`])).out).toMatch(/v1: digest: sha256:/);
      expect(at.pushed.at(-1)?.reference).toBe(`${host}/app:v1`);
      const missing = await docker(["push", `${host}/missing:v1`]);
      expect(missing.code).toBe(1);
      expect(missing.err).toContain(
        "name unknown: The repository with name 'missing' does not exist in the registry with id '000000000000'",
      );
      const names = (await docker(["images", "--format", "{{.Repository}}"])).out;
      expect(names).not.toContain("127.0.0.1");
    });

    it("says that an image to push was never made", async () => {
      const none = await docker(["push", "me/never:1"]);
      expect(none.code).toBe(1);
      expect(none.err).toContain("An image does not exist locally with the tag: me/never");
    });

    it("pulls what Kiln has, and builds from it", async () => {
      await login("secret");
      expect((await docker(["push", "me/app:1"])).code).toBe(0);
      expect((await docker(["rmi", "-f", "me/app:1"])).code).toBe(0);
      expect((await docker(["inspect", "me/app:1"])).code).toBe(1);
      const pulled = await docker(["pull", "me/app:1"]);
      expect(pulled, pulled.err).toMatchObject({ code: 0 });
      expect(pulled.out).toContain("Status: Downloaded newer image for me/app:1");
      expect((await docker([...runArgs, "me/app:1", "cat", "/a"])).out).toBe("file");
      await docker(["rmi", "-f", "me/app:1"]);
      const built = await build("FROM me/app:1\nRUN test -d /made\n", "me/second");
      expect(built, built.err).toMatchObject({ code: 0 });
    });

    it("runs what was built: output, input, exit code, user, variables", async () => {
      await build(
        "FROM kiln-socket/base:1\nUSER app\nENV X=y\nCMD echo ran as $(id -un) with $X; echo err >&2; exit 5\n",
        "me/run",
      );
      expect(await docker([...runArgs, "me/run"])).toEqual({ code: 5, out: "ran as app with y\n", err: "err\n" });
      const piped = await docker([...runArgs, "-i", "me/run", "cat"], { stdin: "through" });
      expect(piped).toEqual({ code: 0, out: "through", err: "" });
      const set = await docker([
        ...runArgs,
        "-e",
        "X=z",
        "-w",
        "/tmp",
        "-u",
        "0",
        "--entrypoint",
        "sh",
        "me/run",
        "-c",
        "echo $X; pwd; id -u",
      ]);
      expect(set.out).toBe("z\n/tmp\n0\n");
    });

    it("keeps a container until it is removed: start, logs, exec, cp, stop", async () => {
      const started = await docker([
        "run",
        "-d",
        "--name",
        "worker",
        "--network",
        "none",
        "kiln-socket/base:1",
        "sh",
        "-c",
        "echo up; sleep 600",
      ]);
      expect(started, started.err).toMatchObject({ code: 0 });
      expect(await docker(["exec", "worker", "sh", "-c", "echo inside > /f; cat /f; exit 3"])).toMatchObject({
        code: 3,
        out: "inside\n",
      });
      expect((await docker(["exec", "-i", "worker", "cat"], { stdin: "fed" })).out).toBe("fed");
      expect((await docker(["ps", "--format", "{{.Names}}"])).out).toBe("worker\n");
      expect((await docker(["logs", "worker"])).out).toBe("up\n");
      expect((await docker(["cp", "worker:/f", "-"])).code).toBe(0);
      expect((await docker(["rm", "-f", "worker"])).code).toBe(0);
      expect((await docker(["ps", "-a", "--format", "{{.Names}}"])).out).toBe("");
    });

    it("saves and loads", async () => {
      await build("FROM kiln-socket/base:1\nCOPY a /saved\n", "me/saved:2", { a: "in the archive" });
      const file = join(at.dir, "saved.tar");
      expect((await docker(["save", "-o", file, "me/saved:2"])).code).toBe(0);
      expect((await docker(["rmi", "-f", "me/saved:2"])).code).toBe(0);
      const loaded = await docker(["load", "-i", file]);
      expect(loaded.out).toMatch(/^Loaded image: (docker\.io\/)?me\/saved:2$/m);
      expect((await docker([...runArgs, "me/saved:2", "cat", "/saved"])).out).toBe("in the archive");
    });

    it("tags and removes names", async () => {
      await build("FROM kiln-socket/base:1\nLABEL unique=tags\n", "me/tags:1");
      expect((await docker(["tag", "me/tags:1", "me/tags:2"])).code).toBe(0);
      expect((await docker(["rmi", "me/tags:1"])).code).toBe(0);
      expect((await docker(["inspect", "me/tags:1"])).err).toContain("No such");
      expect((await docker(["inspect", "--format", "{{.Config.Labels.unique}}", "me/tags:2"])).out).toBe("tags\n");
      expect((await docker(["tag", "me/none-of-this", "me/x"])).code).toBe(1);
    });

    describe("refuses", () => {
      const refused = async (...flags: string[]) => {
        const ran = await docker([...runArgs, ...flags, "kiln-socket/base:1", "true"]);
        expect(ran.code).not.toBe(0);
        return ran.err;
      };

      it.each([
        [["--privileged"], "privileged containers are refused in a build"],
        [["-v", "/etc:/x"], "bind mounts outside the build's folder are refused: /etc"],
        [["--mount", "type=bind,source=/etc,target=/x"], "bind mounts outside the build's folder are refused: /etc"],
        [["--pid", "host"], "--pid=host is refused in a build"],
        [["--ipc", "host"], "--ipc=host is refused in a build"],
        [["--uts", "host"], "--uts=host is refused in a build"],
        [["--cap-add", "SYS_ADMIN"], "--cap-add is refused in a build: "],
        [["--device", "/dev/null:/dev/x"], "--device is refused in a build"],
        [["--security-opt", "seccomp=unconfined"], "--security-opt seccomp=unconfined is refused in a build"],
      ])("%s", async (flags, text) => {
        expect(await refused(...flags)).toContain(text);
      });

      it("a link in the build's folder that leads out of it", async () => {
        await mkdir(join(at.dir, "work", "inside"), { recursive: true });
        await writeFile(join(at.dir, "work", "inside", "f"), "shared");
        await symlink("/etc", join(at.dir, "work", "inside", "out"));
        expect(await refused("-v", `${at.dir}/work/inside/out:/x`)).toContain("are refused");
        const shown = await docker([...runArgs, "-v", `${at.dir}/work/inside:/x`, "kiln-socket/base:1", "cat", "/x/f"]);
        expect(shown, shown.err).toMatchObject({ out: "shared" });
      });

      it("docker search, plugins and swarm", async () => {
        expect((await docker(["search", "x"])).err).toMatch(/refuse|not|no /);
        expect((await docker(["swarm", "init"])).code).not.toBe(0);
      });
    });

    it("leaves other people's containers and images alone, and its own behind nowhere", async () => {
      if (backend === "embedded") return;
      await dockerApiBody(engineSocket, "POST", "/images/load?quiet=1", bases);
      const before = await names(engineSocket);
      const other = await openDockerFixture(
        { backend, buildId: `other:${backend}` },
        { ...process.env, DOCKER_HOST: SOCKETS[backend] },
      );
      const theirs = realDocker(other.socket, { DOCKER_BUILDKIT: "0" }) ?? docker;
      try {
        expect(
          (await theirs(["run", "-d", "--name", "theirs", "--network", "none", "kiln-socket/base:1", "sleep", "600"]))
            .code,
        ).toBe(0);
        expect((await docker(["ps", "-a", "--format", "{{.Names}}"])).out).not.toContain("theirs");
        expect((await docker(["rm", "-f", "theirs"])).err).toContain("No such container: theirs");
        expect((await docker(["exec", "theirs", "true"])).err).toContain("No such container: theirs");
        const context = await other.context({
          Dockerfile: "FROM kiln-socket/base:1\nRUN echo theirs > /t\nLABEL x=y\n",
        });
        expect((await theirs(["build", "--network", "none", "-t", "their/image", "."], { cwd: context })).code).toBe(0);
        expect((await docker(["rmi", "their/image"])).err).toContain("was not made by this build; kiln leaves it");
        await theirs(["volume", "create", "their-volume"]);
        expect((await docker(["volume", "rm", "their-volume"])).err).toContain(
          "was not made by this build; kiln leaves it",
        );
        expect(
          (
            await theirs(["build", "--network", "none", "-t", "their/failed", "."], {
              cwd: await other.context({ Dockerfile: "FROM kiln-socket/base:1\nRUN false\n" }),
            })
          ).code,
        ).not.toBe(0);
      } finally {
        await other.close();
      }
      expect(await names(engineSocket)).toEqual(before);
    });
  });
}

/** What of an engine a build could leave: images, containers, volumes. */
async function names(socketPath: string): Promise<unknown> {
  const ask = async (path: string) => JSON.parse((await dockerApiBody(socketPath, "GET", path)).toString("utf8"));
  const images = (await ask("/images/json?all=1")) as { Id: string; RepoTags: string[] | null }[];
  const containers = (await ask("/containers/json?all=1")) as { Id: string }[];
  const volumes = (await ask("/volumes")) as { Volumes: { Name: string }[] | null };
  return {
    images: images.map(({ Id, RepoTags }) => `${Id} ${(RepoTags ?? []).sort().join(" ")}`).sort(),
    containers: containers.map(({ Id }) => Id).sort(),
    volumes: (volumes.Volumes ?? []).map(({ Name }) => Name).sort(),
  };
}
