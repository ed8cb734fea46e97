/** Clients that are not the docker CLI: docker's Python SDK and docker-compose, where this machine has them. */
import { execFile, execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyboxRootTar } from "../../../test/support/busybox-image.ts";
import { type DockerFixture, openDockerFixture, type Ran, smallDocker } from "../../../test/support/docker-fixture.ts";
import { freePort } from "../../../test/support/free-port.ts";

const rootTar = await busyboxRootTar();
const scenario = fileURLToPath(new URL("../../../test/support/docker-sdk-scenario.py", import.meta.url));

/** Whether a command ends well; else the tests of what needs it are skipped, and say so. */
function works(what: string, command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write(`${what} is not on this machine: its tests are skipped\n`);
    return false;
  }
}
const hasSdk = works("docker's Python SDK", "python3", "-c", "import docker");
const hasCompose = works("docker-compose 1", "sh", "-c", "docker-compose version --short | grep -q ^1");

const [inner, outer] = [await freePort(), await freePort()];
const COMPOSE = `
version: "3"
services:
  web:
    image: bb:1
    command: sh -c 'mkdir -p /www && echo page > /www/index.html && exec httpd -f -p ${inner} -h /www'
    ports: ["${outer}:${inner}"]
    volumes: ["data:/data", "./src:/src"]
  test:
    image: bb:1
    depends_on: [web]
    command: sh -c 'while ! wget -qO- http://web:${inner}/; do sleep 0.3; done'
volumes: {data: {}}
`;

describe.skipIf(!rootTar)("the embedded Docker API", () => {
  let at: DockerFixture;
  beforeAll(async () => {
    at = await openDockerFixture();
    await writeFile(join(at.dir, "work/root.tar"), rootTar ?? "");
    await smallDocker(at.socket)(["import", join(at.dir, "work/root.tar"), "bb:1"]);
  });
  afterAll(() => at.close());
  const run = (command: string, args: readonly string[], cwd: string): Promise<Ran> =>
    new Promise((resolve) => {
      const env = { PATH: process.env["PATH"], HOME: "/nonexistent", IMAGE: "bb:1", ...at.socket.variables };
      execFile(command, [...args], { cwd, env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
      );
    });

  it.skipIf(!hasSdk)("answers docker's Python SDK", async () => {
    const ran = await run("python3", [scenario], at.dir);
    expect(ran.err).toBe("");
    expect(JSON.parse(ran.out)).toEqual({
      ...{ ping: true, run: "out\nerr\n", exit: 4, absent: 404, exec: [3, "o\n", "e\n"], put: true },
      ...{ get: ["dir", ["dir", "dir/file"]], logs: "b\ntyped\n", labelled: ["sdk"], top: true, wait: 143 },
      ...{ status: "exited", diff: ["/scratch", "/tmp", "/tmp/dir", "/tmp/dir/file", "/v"], commit: ["sdk-made:1"] },
      ...{ volumes: ["data"], network: ["sdk-net"], load: ["bb:1"], left: [0, []] },
      events: ["create", "start", "kill", "die", "commit", "destroy"],
    });
  });

  it.skipIf(!hasCompose)("answers docker-compose: up, run, exec, logs, down", async () => {
    const dir = join(at.dir, "work/project");
    await mkdir(join(dir, "src"), { recursive: true });
    await writeFile(join(dir, "src/f"), "text");
    await writeFile(join(dir, "docker-compose.yml"), COMPOSE);
    const compose = (...args: string[]) => run("docker-compose", args, dir);
    expect(await compose("up", "-d")).toMatchObject({ code: 0 });
    expect(await compose("run", "-T", "--rm", "test")).toMatchObject({ code: 0, out: "page\n" });
    expect((await compose("exec", "-T", "web", "sh", "-c", "cat /src/f; echo kept > /data/x; cat /data/x")).out).toBe(
      "textkept\n",
    );
    expect((await compose("ps")).out).toMatch(
      new RegExp(`project_web_1 .* Up .*127\\.0\\.0\\.1:${outer}->${inner}/tcp`),
    );
    expect((await compose("logs", "--no-color", "test")).out).toContain("| page");
    expect(await compose("down", "-v")).toMatchObject({ code: 0 });
    const docker = smallDocker(at.socket);
    expect((await docker(["ps", "-aq"])).out + (await docker(["volume", "ls", "-q"])).out).toBe("");
    expect((await docker(["network", "ls", "--format", "{{.Name}}"])).out).toBe("bridge\nhost\nnone\n");
  });
});
