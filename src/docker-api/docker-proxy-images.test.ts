/** FROM names that only Kiln has, what stays in the engine, and whose things a build may touch: before a real engine. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  smallDocker,
  staticBusybox,
} from "../../test/support/docker-fixture.ts";
import { HOLD_TIMEOUT_MS, holdEngine } from "../../test/support/hold-engine.ts";
import { EngineClient } from "../engine-api/engine-client.ts";
import { findEngine } from "../engine-api/find-engine.ts";
import { loadIntoRegistry, makeBaseImage } from "../images/index.ts";

const environment = { ...process.env, DOCKER_HOST: process.env["KILN_TEST_DOCKER_HOST"] ?? process.env["DOCKER_HOST"] };
const engine = await findEngine(environment, "auto", new AbortController().signal);
const usable = engine !== undefined && (await staticBusybox()) !== undefined;
const signal = new AbortController().signal;
const rootKey = { accessKeyId: "test", secretAccessKey: "test" };

describe.skipIf(!usable)("images that only Kiln has, before an engine", () => {
  let at: DockerFixture;
  let docker: DockerClient;
  const client = new EngineClient(engine?.address ?? { kind: "unix", socketPath: "" });
  const engineHas = async (name: string): Promise<boolean> =>
    (await client.json(`/images/${encodeURIComponent(name)}/json`)) !== undefined;
  const imagesOfEngine = async (): Promise<string[]> =>
    ((await client.json<{ Id: string }[]>("/images/json?all=1")) ?? []).map(({ Id }) => Id).sort();

  async function open(mapped: Readonly<Record<string, string>> = {}, images: readonly string[] = []): Promise<void> {
    at = await openDockerFixture(
      { backend: "auto", buildId: `images:${Math.floor(performance.now())}`, mappedImage: (name) => mapped[name] },
      environment,
    );
    docker = smallDocker(at.socket);
    const outputDir = join(at.dir, "images");
    const { image, store } = await makeBaseImage("busybox", { outputDir, onProgress: () => undefined, signal });
    for (const name of images)
      await loadIntoRegistry(store, image, name, { registryUrl: at.registry.url, rootKey, signal });
  }
  afterEach(() => at.close());
  let release: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    release = await holdEngine(environment.DOCKER_HOST ?? "");
  }, HOLD_TIMEOUT_MS);
  afterAll(() => release?.());

  it("gives the engine a FROM image of Kiln's registry, says so, and takes it back", async () => {
    const before = await imagesOfEngine();
    await open({}, ["kiln-test/base:1", "kiln-test/tools:2"]);
    const cwd = await at.context({
      "deploy/app.Dockerfile":
        "ARG VERSION=0\nFROM kiln-test/base:${VERSION} AS made\nRUN echo one > /one\nFROM made\nCOPY --from=kiln-test/tools:2 /etc/passwd /p\nRUN cat /one /p\n",
    });
    const args = ["build", "-f", "deploy/app.Dockerfile", "--build-arg", "VERSION=1", "-t", "kiln-test/app", "."];
    const built = await docker(args, { cwd });
    expect(built.err).toBe("");
    expect(built.out).toContain("Successfully tagged kiln-test/app:latest");
    expect(built.out).toContain("Step 6/6 : RUN cat /one /p\n");
    expect(built.out).not.toMatch(/LABEL|dev\.kiln/);
    expect(at.notices).toEqual(
      expect.arrayContaining([
        "docker: kiln-test/base:1 is the image of that name in Kiln's registry",
        "docker: kiln-test/tools:2 is the image of that name in Kiln's registry",
      ]),
    );
    expect(await engineHas("kiln-test/base:1")).toBe(true);
    await at.close();
    expect(await engineHas("kiln-test/base:1")).toBe(false);
    expect(await imagesOfEngine()).toEqual(before);
  });

  it("follows the image map and says which image it took", async () => {
    const before = await imagesOfEngine();
    await open({ "docker.io/library/kiln-test-mapped:3": "kiln-test/mine:1" }, ["kiln-test/mine:1"]);
    const cwd = await at.context({ Dockerfile: "FROM kiln-test-mapped:3\nRUN true\n" });
    const built = await docker(["build", "--pull", "-q", "."], { cwd });
    expect(built.err).toBe("");
    expect(built.out).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(at.notices).toContain(
      "docker: kiln-test-mapped:3 is kiln-test/mine:1 of Kiln's registry, as the image map says",
    );
    const failing = await at.context({ Dockerfile: "FROM kiln-test-mapped:3\nRUN echo why; exit 3\n" });
    const failed = await docker(["build", "-q", "."], { cwd: failing });
    expect(failed.err).toContain("The command '/bin/sh -c echo why; exit 3' returned a non-zero code: 3");
    await at.close();
    expect(await imagesOfEngine()).toEqual(before);
  });

  it("leaves nothing of a build whose RUN fails, and its exit code is the command's", async () => {
    const before = await imagesOfEngine();
    await open({}, ["kiln-test/base:1"]);
    const cwd = await at.context({ Dockerfile: "FROM kiln-test/base:1\nRUN echo x > /x\nRUN exit 7\n" });
    const built = await docker(["build", "."], { cwd });
    expect(built.err).toContain("The command '/bin/sh -c exit 7' returned a non-zero code: 7");
    expect(built.code).toBe(7);
    await at.close();
    expect(await imagesOfEngine()).toEqual(before);
    expect((await client.json<unknown[]>("/containers/json?all=1"))?.length).toBe(0);
  });

  it("pulls with the build's own login, as Kiln's registry decides", async () => {
    await open({}, ["kiln-test/base:1"]);
    await at.registry.registry.accounts.declare("docker.io", "me", "secret");
    expect((await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" })).code).toBe(0);
    expect((await docker(["pull", "kiln-test/base:1"])).out).toContain("Downloaded newer image for kiln-test/base:1");
    expect(await engineHas("kiln-test/base:1")).toBe(true);
    expect((await docker(["rmi", "kiln-test/base:1"])).code).toBe(0);
  });

  it("lets docker's own error through where nobody has the image or the Dockerfile", async () => {
    await open();
    const none = await docker(["build", "."], { cwd: await at.context({ Dockerfile: "FROM ${MISSING}\n" }) });
    expect(none.err).toContain("base name (${MISSING}) should not be blank");
    const bad = await docker(["build", "."], { cwd: await at.context({ Dockerfile: "FROM scratch\nFROB x\n" }) });
    expect(bad.err).toContain("unknown instruction: FROB");
    expect(at.notices.filter((text) => text.includes("Kiln's registry") && text.includes(" is "))).toEqual([]);
  });

  it("does not touch what the build did not make", async () => {
    await open({}, ["kiln-test/base:1"]);
    const other = await openDockerFixture({ backend: "auto", buildId: "images:other" }, environment);
    try {
      const cwd = await other.context({ Dockerfile: "FROM scratch\nCOPY busybox /bin/sh\n" });
      const theirs = smallDocker(other.socket);
      expect((await theirs(["build", "-t", "kiln-test/theirs", "."], { cwd })).code).toBe(0);
      expect((await docker(["rmi", "-f", "kiln-test/theirs"])).err).toContain(
        "image kiln-test/theirs was not made by this build; kiln leaves it",
      );
      const created = JSON.parse(
        await text(
          "POST",
          "/containers/create?name=kiln-test-theirs",
          { Image: "kiln-test/theirs", Cmd: ["sh"] },
          other,
        ),
      ) as { Id: string };
      expect(await text("GET", `/containers/${created.Id}/json`, undefined, at)).toContain("No such container");
      expect(JSON.parse(await text("GET", "/containers/json?all=1", undefined, at))).toEqual([]);
      expect(JSON.parse(await text("GET", "/containers/json?all=1", undefined, other))).toHaveLength(1);
      await docker(["tag", "kiln-test/theirs", "kiln-test/mine"]);
      expect(await engineHas("kiln-test/mine")).toBe(true);
      expect((await docker(["rmi", "kiln-test/mine"])).code).toBe(0);
    } finally {
      await other.close();
    }
  });

  it("removes what a killed Kiln left in the engine", async ({ skip }) => {
    const compiled = fileURLToPath(new URL("../../dist/docker-api/index.js", import.meta.url));
    if (!existsSync(compiled)) return skip("there is no build of the sources");
    const before = await imagesOfEngine();
    await open({}, ["kiln-test/base:1"]);
    const imageStoreDir = join(at.dir, "shared");
    await mkdir(join(at.dir, "killed"));
    const script = join(at.dir, "kiln.mjs");
    const request = {
      ...{ buildId: "images:killed", workDir: join(at.dir, "killed"), imageStoreDir, registryUrl: at.registry.url },
      ...{ rootKey, privileged: true, pushForReal: false, backend: "auto" },
    };
    await writeFile(
      script,
      `import { openDockerSocket } from ${JSON.stringify(compiled)};
const none = () => undefined;
const request = { ...${JSON.stringify(request)}, signal: new AbortController().signal, onPushed: none, onNotice: none };
console.log(JSON.stringify((await openDockerSocket(request)).variables));
setInterval(none, 1000);
`,
    );
    const kiln = spawn(process.execPath, [script], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...environment, DOCKER_HOST: environment.DOCKER_HOST ?? "unix:///var/run/docker.sock" },
    });
    const [variables] = (await once(kiln.stdout, "data")) as [Buffer];
    const killed = smallDocker({ ...at.socket, variables: JSON.parse(variables.toString()) as Record<string, string> });
    const cwd = await at.context({ Dockerfile: "FROM kiln-test/base:1\nRUN echo x > /x\n" });
    expect(await killed(["build", "-t", "kiln-test/killed", "."], { cwd })).toMatchObject({ code: 0, err: "" });
    kiln.kill("SIGKILL");
    await once(kiln, "exit");
    expect(await engineHas("kiln-test/killed")).toBe(true);
    const next = await openDockerFixture({ backend: "auto", buildId: "images:next", imageStoreDir }, environment);
    expect(await engineHas("kiln-test/killed")).toBe(false);
    expect(await engineHas("kiln-test/base:1")).toBe(false);
    await next.close();
    const left = await imagesOfEngine();
    for (const id of left.filter((image) => !before.includes(image))) await client.text("DELETE", `/images/${id}`);
  });

  it("refuses by name what would ask a real registry or change the machine's engine", async () => {
    await open();
    expect(await text("GET", "/images/search?term=x", undefined, at)).toContain("docker search would ask Docker Hub");
    expect(await text("POST", "/swarm/init", {}, at)).toContain("swarm is the machine's, not a build's");
    expect(
      await text("POST", "/volumes/create", { Name: "v", DriverOpts: { type: "none", o: "bind", device: "/etc" } }, at),
    ).toContain("volumes outside the build's folder are refused: /etc");
  });

  it("prepares the images of the source's Dockerfiles for BuildKit", async ({ skip }) => {
    const cli = process.env["KILN_TEST_BUILDKIT_CLI"];
    if (cli === undefined) return skip("KILN_TEST_BUILDKIT_CLI names no docker CLI with BuildKit");
    await open({}, ["kiln-test/base:1"]);
    const cwd = await at.context({ Dockerfile: "FROM kiln-test/base:1\nCOPY f /f\n" });
    await writeFile(join(cwd, "f"), "");
    const env = { PATH: process.env["PATH"], HOME: at.dir, ...at.socket.variables, DOCKER_BUILDKIT: "1" };
    const ran = await promisify(execFile)(cli, ["build", "-t", "kiln-test/kit", "."], { cwd, env });
    expect(ran.stderr).toContain("naming to docker.io/kiln-test/kit");
    expect(at.notices).toContain("docker: kiln-test/base:1 is the image of that name in Kiln's registry");
  });

  async function text(method: string, path: string, body: unknown, fixture: DockerFixture): Promise<string> {
    const socket = new EngineClient({
      kind: "unix",
      socketPath: fixture.socket.dockerHost?.slice("unix://".length) ?? "",
    });
    const sent = Buffer.from(JSON.stringify(body ?? {}));
    const options = {
      headers: { "content-type": "application/json", "content-length": sent.length },
      body: (async function* () {
        yield sent;
      })(),
    };
    return (await socket.text(method, path, body === undefined ? {} : options)).text;
  }
});
