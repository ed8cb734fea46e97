import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { openDockerFixture } from "../../test/support/docker-fixture.ts";
import { runDockerCli } from "./cli/docker-cli.ts";
import { NO_DAEMON, writeDockerWrapper } from "./cli/wrapper.ts";

const collect = async (
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  input = "",
): Promise<{ code: number; err: string }> => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const code = await runDockerCli(args, { stdin, stdout, stderr, environment, workingDirectory: "/" });
  return { code, err: String(stderr.read() ?? "") };
};

it("gives a build without privilegedMode no socket, and a docker that is found before the machine's", async () => {
  const at = await openDockerFixture({ privileged: false });
  expect(at.socket).toMatchObject({ backend: "none", dockerHost: undefined });
  const dead = at.socket.variables["DOCKER_HOST"] ?? "";
  expect(dead).toBe(`unix://${join(at.dir, "work/docker/no-daemon.sock")}`);
  expect(existsSync(dead.slice("unix://".length))).toBe(false);
  expect(at.socket.pathPrefix).toEqual([join(at.dir, "work/docker/bin")]);
  expect(await readFile(join(at.dir, "work/docker/bin/docker"), "utf8")).toContain(`export ${NO_DAEMON}=1\n`);
  await at.close();
});

it.each([
  ["images"],
  ["login", "-u", "me", "-p", "secret"],
  ["login", "-u", "me", "--password-stdin", "registry.example.com"],
  ["pull", "python:3.11-slim"],
  ["push", "me/app"],
  ["images", "--format", "{{.ID}}"],
  ["ps", "-a"],
  ["buildx", "build", "."],
  ["info"],
])("says AWS's words for docker %s and reaches no daemon, though the machine has one", async (...args) => {
  const engine = await openDockerFixture();
  try {
    const host = engine.socket.dockerHost ?? "";
    const environment = { [NO_DAEMON]: "1", DOCKER_HOST: host, HOME: engine.dir };
    for (const words of [args, ["-H", host, ...args]]) {
      const ran = await collect(words, environment, "secret");
      expect(ran.code).toBe(1);
      expect(ran.err).toMatch(
        /^(WARNING! .*\n)?Cannot connect to the Docker daemon at unix:\/\/\/var\/run\/docker\.sock\. Is the docker daemon running\?\n$/,
      );
    }
    expect(existsSync(join(engine.dir, ".docker/config.json"))).toBe(false);
  } finally {
    await engine.close();
  }
});

it.each([[["--version"]], [["help"]], [["build", "--help"]]])("answers docker %j without a daemon", async (args) => {
  expect((await collect(args, { [NO_DAEMON]: "1" })).code).toBe(0);
});

it.each([
  [["build"], 1, '"docker build" requires exactly 1 argument.'],
  [["frob"], 1, "docker: unknown command: docker frob\n"],
  [["build", "--frob", "."], 125, "unknown flag: --frob"],
  [["push"], 1, "docker: 'docker push' requires 1 argument"],
  [["build", "nowhere"], 1, 'unable to prepare context: path "nowhere" not found'],
] as const)("answers docker %j as docker does", async (args, code, text) => {
  const ran = await collect([...args], { DOCKER_HOST: "unix:///nonexistent", HOME: "/nonexistent" });
  expect(ran.code).toBe(code);
  expect(ran.err).toContain(text);
});

it("puts a docker command into a folder", async () => {
  const dir = await mkdtemp(join(tmpdir(), "kiln-wrapper-"));
  await writeDockerWrapper(dir, false);
  expect(await readFile(join(dir, "docker"), "utf8")).toMatch(
    /^#!\/bin\/sh\nexport KILN_NO_DOCKER_DAEMON=1\nexec '.*' '.*docker-api\/cli\/main\.js' "\$@"\n$/,
  );
  await rm(dir, { recursive: true });
});
