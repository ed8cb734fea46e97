import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDockerFixture } from "../../test/support/docker-fixture.ts";
import { runDockerCli } from "./cli/docker-cli.ts";
import { NO_DAEMON, writeDockerWrapper } from "./cli/wrapper.ts";

const collect = async (args: string[], environment: NodeJS.ProcessEnv): Promise<{ code: number; err: string }> => {
  const { PassThrough } = await import("node:stream");
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const code = await runDockerCli(args, { stdin, stdout, stderr, environment, workingDirectory: "/" });
  return { code, err: String(stderr.read() ?? "") };
};

it("gives a build without privilegedMode no socket", async () => {
  const at = await openDockerFixture({ privileged: false });
  expect(at.socket).toMatchObject({ backend: "none", dockerHost: undefined });
  expect(at.socket.variables).not.toHaveProperty("DOCKER_HOST");
  await at.close();
});

it("says AWS's words when there is no daemon", async () => {
  const ran = await collect(["images"], { [NO_DAEMON]: "1" });
  expect(ran).toEqual({
    code: 1,
    err: "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
  });
});

it.each([
  [["build"], 1, '"docker build" requires exactly 1 argument.'],
  [["frob"], 1, "docker: unknown command: docker frob\n"],
  [["build", "--frob", "."], 125, "unknown flag: --frob"],
  [["push"], 1, "docker: 'docker push' requires 1 argument"],
  [["build", "nowhere"], 1, 'unable to prepare context: path "nowhere" not found'],
] as const)("answers docker %j as docker does", async (args, code, text) => {
  const ran = await collect([...args], { [NO_DAEMON]: "1", HOME: "/nonexistent" });
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
