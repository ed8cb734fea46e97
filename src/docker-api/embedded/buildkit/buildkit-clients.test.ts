/** BuildKit's real clients against the embedded builder: buildx, compose, docker 20.10's own, and the small docker. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildKitDocker, findBuildKitClients } from "../../../../test/support/buildkit-clients.ts";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  smallDocker,
  staticBusybox,
} from "../../../../test/support/docker-fixture.ts";

const DOCKERFILE = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base
ARG GREETING=none
COPY a.txt /x/
RUN --mount=type=secret,id=token echo "greeting=$GREETING secret=$(cat /run/secrets/token)" > /out
`;
const FILES = {
  Dockerfile: DOCKERFILE,
  "a.txt": "a",
  "notes.md": "m",
  ".dockerignore": "*.md\n",
  "secret.txt": "s3cret",
};
const BASE = "FROM scratch\nCOPY busybox /bin/sh\n";

const found = findBuildKitClients();
found.report();

describe.skipIf((await staticBusybox()) === undefined)("BuildKit clients", () => {
  let at: DockerFixture;
  let small: DockerClient;
  beforeAll(async () => {
    at = await openDockerFixture();
    small = smallDocker(at.socket);
  });
  afterAll(() => at.close());

  const client = async (name: string): Promise<DockerClient> => {
    if (name === "small docker") return small;
    const dir = join(at.dir, `client-${name.replaceAll(" ", "-")}`);
    if (name === "docker 20.10")
      return buildKitDocker(at.socket, dir, {
        cli: found.old,
        environment: { DOCKER_BUILDKIT: "1", BUILDKIT_PROGRESS: "plain" },
      });
    const plugins = { "docker-buildx": found.buildx, "docker-compose": found.compose };
    return buildKitDocker(at.socket, dir, { plugins, environment: { BUILDKIT_PROGRESS: "plain" } });
  };
  const isHere = {
    "small docker": true,
    "docker 20.10": found.old !== undefined,
    "docker with buildx": found.buildx !== undefined,
  };

  describe.each(Object.entries(isHere))("%s", (name, isFound) => {
    let docker: DockerClient;
    beforeAll(async () => {
      docker = await client(name);
    });

    it.skipIf(!isFound)("builds with arguments, secrets, labels and several names", async () => {
      const cwd = await at.context(FILES);
      const args = [
        "-t",
        `${name.replaceAll(" ", "-")}/one`,
        "-t",
        "two:2",
        "--build-arg",
        "GREETING=hi",
        "--label",
        "x=y",
      ];
      const ran = await docker(["build", ...args, "--secret", "id=token,src=secret.txt", "--iidfile", "iid", "."], {
        cwd,
      });
      expect(ran.err).toContain("DONE 0.");
      expect(ran.code).toBe(0);
      const id = await readFile(join(cwd, "iid"), "utf8");
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect((await small(["run", "--rm", "two:2", "sh", "-c", "cat /out; ls /x"])).out).toBe(
        "greeting=hi secret=s3cret\na.txt\n",
      );
      const [inspected] = JSON.parse((await small(["inspect", `${name.replaceAll(" ", "-")}/one`])).out) as [
        { Id: string; Config: { Labels: object } },
      ];
      expect(inspected).toMatchObject({ Id: id, Config: { Labels: { x: "y" } } });
    });

    it.skipIf(!isFound)("says what failed, with exit code 1", async () => {
      const cwd = await at.context({ Dockerfile: `${BASE}RUN echo before; exit 3\n` });
      const ran = await docker(["build", "."], { cwd });
      const text = 'process "/bin/sh -c echo before; exit 3" did not complete successfully: exit code: 3';
      expect(ran.code).toBe(1);
      expect(ran.err).toContain(`failed to solve: ${text}\n`);
      expect(ran.err).toContain(`ERROR: ${text}\n`);
      if (name === "docker 20.10") return;
      expect(ran.err).toContain(
        "Dockerfile:3\n--------------------\n   1 |     FROM scratch\n   2 |     COPY busybox /bin/sh\n   3 | >>> RUN echo before; exit 3\n   4 |     \n--------------------\n",
      );
    });

    it.skipIf(!isFound)("prints the image's id alone when quiet", async () => {
      const ran = await docker(["build", "-q", "."], {
        cwd: await at.context({ Dockerfile: `${BASE}LABEL quiet=1\n` }),
      });
      expect(ran).toMatchObject({ code: 0, err: "" });
      expect(ran.out).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    });

    it.skipIf(!isFound)("takes the Dockerfile from standard input, with and without a context", async () => {
      const cwd = await at.context({ "a.txt": "a" });
      const withContext = await docker(["build", "-q", "-f", "-", "."], {
        cwd,
        stdin: "FROM scratch\nCOPY a.txt /a\n",
      });
      expect(withContext).toMatchObject({ code: 0, err: "" });
      const without = await docker(["build", "-q", "-"], { cwd, stdin: "FROM scratch\nLABEL stdin=1\n" });
      expect(without).toMatchObject({ code: 0, err: "" });
    });

    it.skipIf(!isFound)("names a missing Dockerfile", async () => {
      const cwd = await at.context({ "a.txt": "a" });
      const ran = await docker(["build", "."], { cwd });
      expect(ran.code).toBe(1);
      expect(ran.err).toMatch(/failed to read dockerfile: open .*Dockerfile: no such file or directory/);
    });

    it.skipIf(!isFound)("is told by name what is not done", async () => {
      const cwd = await at.context({ Dockerfile: `${BASE}LABEL p=1\n` });
      const ran = await docker(["build", "--platform", "linux/s390x", "."], { cwd });
      expect(ran.code).toBe(1);
      expect(ran.err).toMatch(/linux\/s390x/);
    });
  });

  describe("docker with buildx, more of it", () => {
    let docker: DockerClient;
    beforeAll(async () => {
      docker = await client("docker with buildx");
    });
    const test = it.skipIf(found.buildx === undefined);

    test("lists, inspects and prunes the builder", async () => {
      expect((await docker(["buildx", "ls"])).out).toMatch(/default\s+running\s+v0\.13\.0-kiln\s+linux\//);
      expect((await docker(["buildx", "inspect"])).out).toContain("BuildKit version: v0.13.0-kiln");
      expect(await docker(["buildx", "du"])).toMatchObject({ code: 0 });
      expect(await docker(["buildx", "prune", "-f"])).toMatchObject({ code: 0 });
    });

    test("writes metadata, pushes to Kiln's registry, takes other contexts and other builds' cache", async () => {
      const cwd = await at.context({ Dockerfile: `${BASE}COPY --from=more /f /g\n`, "more/f": "f" });
      const login = await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" });
      expect(login.code).toBe(0);
      const args = [
        "--build-context",
        "more=more",
        "--cache-from",
        "type=registry,ref=me/none",
        "--metadata-file",
        "meta.json",
      ];
      const ran = await docker(["buildx", "build", "--push", "-t", "me/pushed:1", ...args, "."], { cwd });
      expect(ran.err).not.toContain("ERROR");
      expect(at.pushed.at(-1)?.reference).toBe("docker.io/me/pushed:1");
      expect(JSON.parse(await readFile(join(cwd, "meta.json"), "utf8"))).toMatchObject({
        "image.name": "docker.io/me/pushed:1",
      });
    });

    test("writes the result's files into a folder or an archive", async () => {
      const cwd = await at.context({ Dockerfile: "FROM scratch\nCOPY a.txt /d/a\n", "a.txt": "contents" });
      expect(await docker(["buildx", "build", "-o", "out", "."], { cwd })).toMatchObject({ code: 0 });
      expect(await readFile(join(cwd, "out/d/a"), "utf8")).toBe("contents");
      const tar = await docker(["buildx", "build", "-o", "-", "."], { cwd });
      expect(tar.out).toContain("d/a\0");
    });

    test("takes an archive from standard input", async () => {
      const cwd = await at.context({ Dockerfile: "FROM scratch\nCOPY a.txt /a\n", "a.txt": "a" });
      const { execFileSync } = await import("node:child_process");
      const tar = execFileSync("tar", ["-C", cwd, "-c", "Dockerfile", "a.txt"], { encoding: "latin1" });
      expect(await docker(["buildx", "build", "-q", "-"], { cwd, stdin: tar })).toMatchObject({ code: 0 });
    });

    test("leaves nothing behind when the client is killed", async () => {
      const cwd = await at.context({ Dockerfile: `${BASE}RUN echo running; sleep 600\n` });
      const killed = new AbortController();
      // The plugin by itself: killing the docker CLI would leave its plugin.
      const options = {
        cli: found.buildx,
        signal: killed.signal,
        onError: (text: string) => void (text.includes(" running\n") && killed.abort()),
      };
      const direct = await buildKitDocker(at.socket, join(at.dir, "direct"), options);
      await direct(["build", "--progress", "plain", "."], { cwd });
      expect(killed.signal.aborted).toBe(true);
      await expect.poll(() => readdir(join(at.dir, "images/tmp"))).toEqual([]);
      expect(await docker(["buildx", "ls"])).toMatchObject({ code: 0 });
    });
  });

  it.skipIf(found.compose === undefined)("docker compose builds several services at once", async () => {
    const docker = await client("docker with buildx");
    const cwd = await at.context({
      Dockerfile: `${BASE}ARG WHO\nLABEL who=$WHO\n`,
      "compose.yaml":
        "name: shop\nservices:\n  web: {image: shop/web, build: {context: ., args: {WHO: web}}}\n  worker: {build: {context: ., args: {WHO: worker}}}\n",
    });
    const ran = await docker(["compose", "build"], { cwd });
    expect(ran.err).not.toContain("failed");
    expect(ran.code).toBe(0);
    for (const [name, who] of [
      ["shop/web", "web"],
      ["shop-worker", "worker"],
    ] as const) {
      const [inspected] = JSON.parse((await small(["inspect", name])).out) as [{ Config: { Labels: { who: string } } }];
      expect(inspected.Config.Labels).toMatchObject({ who });
    }
  });

  it("the small docker has the classic builder's words under DOCKER_BUILDKIT=0", async () => {
    const classic = smallDocker({ ...at.socket, variables: { ...at.socket.variables, DOCKER_BUILDKIT: "0" } });
    const cwd = await at.context({ Dockerfile: `${BASE}RUN exit 3\n`, s: "x" });
    const ran = await classic(["build", "."], { cwd });
    expect(ran).toMatchObject({ code: 3, err: "The command '/bin/sh -c exit 3' returned a non-zero code: 3\n" });
    expect(ran.out).toContain("Step 3/3 : RUN exit 3\n");
    expect((await classic(["build", "--secret", "id=x,src=s", "."], { cwd })).err).toContain(
      "the --secret option requires BuildKit.",
    );
  });
});
