import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerClient, type DockerFixture, openDockerFixture, realDocker, staticBusybox } from "../../test/support/docker-fixture.ts";

const BASE = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /etc /tmp && echo root:x:0:0:root:/root:/bin/sh > /etc/passwd && echo app:x:1000:1001::/home/app:/bin/sh >> /etc/passwd
`;

const busybox = await staticBusybox();
describe.skipIf(busybox === undefined)("docker build against the embedded builder", () => {
  let at: DockerFixture;
  let docker: DockerClient;
  beforeAll(async () => {
    at = await openDockerFixture();
    const found = realDocker(at.socket);
    if (!found) throw new Error("no docker CLI");
    docker = found;
  });
  afterAll(() => at.close());

  const build = async (dockerfile: string, files: Record<string, string> = {}, args: string[] = []) => {
    const cwd = await at.context({ Dockerfile: BASE + dockerfile, ...files });
    return docker(["build", ...args, "."], { cwd });
  };

  it("runs RUN, COPY and tags the result", async () => {
    const ran = await build("COPY a.txt /x/\nRUN cat /x/a.txt && echo done > /y\n", { "a.txt": "hello from a\n" }, ["-t", "me/app"]);
    console.log(ran.out, ran.err);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("hello from a");
    const login = await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" });
    console.log(login);
    const pushed = await docker(["push", "me/app"]);
    console.log(pushed);
    console.log(await docker(["run", "--rm", "me/app", "cat", "/y"]));
    console.log(await docker(["images"]), await docker(["history", "me/app"]), await docker(["info"]));
    expect(pushed.code).toBe(0);
  });
});
