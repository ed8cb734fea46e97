/**
 * A build that logs in to, pushes to and pulls from registries other than Docker Hub, through the embedded Docker socket
 * and each docker CLI of this machine: Kiln's registry stands in for every one of them, each with accounts of its own.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerClients } from "../../test/support/docker-clients.ts";
import { type DockerClient, type DockerFixture, openDockerFixture } from "../../test/support/docker-fixture.ts";

/** An empty tar: an image needs no more to be pushed. */
const EMPTY_TAR = Buffer.alloc(10_240);

describe.each(dockerClients)("with $name", ({ name: client, open }) => {
  let at: DockerFixture;
  let docker: DockerClient;
  beforeAll(async () => {
    at = await openDockerFixture();
    docker = open(at.socket);
    await writeFile(join(at.dir, "work/root.tar"), EMPTY_TAR);
    await docker(["import", join(at.dir, "work/root.tar"), "made:1"]);
  });
  afterAll(() => at.close());

  const login = (host: string, password: string) =>
    docker(["login", "-u", "me", "--password-stdin", host], { stdin: password });

  it.each(["public.ecr.aws", "registry.example.com"])("%s takes the account's login, push and pull", async (host) => {
    await at.registry.registry.accounts.declare(host, "me", "secret");
    const name = `${host}/me/app-${client.replace(/\W+/g, "-").toLowerCase()}:1`;
    await docker(["tag", "made:1", name]);
    const stranger = await docker(["push", name]);
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining("denied: requested access")]);
    expect((await login(host, "wrong")).err).toContain("unauthorized: incorrect username or password");
    expect((await login(host, "secret")).out).toContain("Login Succeeded");
    const pushed = await docker(["push", name]);
    expect([pushed.code, pushed.err]).toEqual([0, ""]);
    expect(at.pushed.at(-1)?.reference).toBe(name);
    expect((await at.registry.registry.manifest(name))?.digest).toBe(at.pushed.at(-1)?.digest);
    await docker(["rmi", name]);
    expect((await docker(["pull", name])).out).toContain(`Status: Downloaded newer image for ${name}`);
    const elsewhere = name.replace("/me/", "/you/");
    await docker(["tag", "made:1", elsewhere]);
    expect((await docker(["push", elsewhere])).err).toContain("denied: requested access to the resource is denied");
  });
});
