/** `docker login` at hosts of ECR: what is no token, and no host, is refused. */
import { globalAgent } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerFixture, openDockerFixture, type Ran, smallDocker } from "../../test/support/docker-fixture.ts";

const HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com";

describe("docker login at ECR", () => {
  let at: DockerFixture;
  beforeAll(async () => {
    at = await openDockerFixture();
  });
  afterAll(() => at.close());
  const login = (host: string, password: string): Promise<Ran> =>
    smallDocker(at.socket)(["login", "-u", "AWS", "--password-stdin", host], { stdin: password });

  it.each([HOST, `https://${HOST}`])("refuses a password that is no token at %s", async (host) => {
    const ran = await login(host, "foo");
    expect(ran.err).toContain(`login attempt to https://${HOST}/v2/ failed with status: 400 Bad Request`);
    expect(ran.code).toBe(1);
  });

  it("knows no host whose account is empty", async () => {
    const ran = await login(".dkr.ecr.us-east-1.amazonaws.com", "foo");
    expect(ran.err).toContain(
      'Get "https://.dkr.ecr.us-east-1.amazonaws.com/v2/": dial tcp: lookup .dkr.ecr.us-east-1.amazonaws.com: no such host',
    );
    expect(ran.code).toBe(1);
  });

  it("gives a build that has not logged in nothing of ECR, neither by pull nor by FROM", async () => {
    const docker = smallDocker(at.socket);
    expect((await docker(["pull", `${HOST}/base:1`])).err).toContain("no basic auth credentials");
    const built = await docker(["build", "-"], { stdin: `FROM ${HOST}/base:1\n` });
    expect(built.err).toContain(
      `${HOST}/base:1: failed to resolve source metadata for ${HOST}/base:1: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`,
    );
    expect(built.code).toBe(1);
  });

  it("leaves no connection in use behind a build, which would keep the process waiting", async () => {
    await smallDocker(at.socket)(["build", "-t", ":", "."]);
    expect(Object.keys(globalAgent.sockets)).toEqual([]);
  });
});
