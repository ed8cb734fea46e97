import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DEPLOYER, pushImage, SCOPE, sha256, startRegistry } from "../../test/support/registry-fixture.ts";

it("keeps images, accounts, tokens and unfinished uploads over a restart", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "kiln-registry-"));
  try {
    const before = await startRegistry({ stateDir });
    const image = await pushImage(before, "docker.io/me/app", "v1");
    await before.registry.accounts.declare("docker.io", "me", "secret");
    const { password } = before.registry.issueEcrToken(DEPLOYER, SCOPE);
    const location = String((await before.send("POST", "/v2/app/blobs/uploads/")).headers["location"]);
    await before.send("PATCH", location, { body: "first half, " });
    await before.close();

    const after = await startRegistry({ stateDir });
    expect(await after.registry.manifest("docker.io/me/app:v1")).toMatchObject({
      repository: "docker.io/me/app",
      digest: image.digest,
      tags: ["v1"],
      content: Buffer.from(image.manifest),
    });
    expect(after.registry.repositories()).toEqual([
      expect.objectContaining({
        name: "docker.io/me/app",
        host: "docker.io",
        isEcr: false,
        tagCount: 1,
        imageCount: 1,
      }),
    ]);
    expect(after.registry.imagesOf("docker.io/me/app")).toEqual([
      expect.objectContaining({ digest: image.digest, tags: ["v1"] }),
    ]);
    expect(await after.registry.accounts.login("docker.io", "me", "secret")).toBe("ok");
    expect((await after.send("GET", "/v2/", { auth: `AWS:${password}` })).status).toBe(200);
    expect((await after.send("GET", location)).headers["range"]).toBe("0-11");
    const digest = sha256("first half, second half");
    const done = await after.send("PUT", `${location}?digest=${digest}`, {
      body: "second half",
      headers: { "content-range": "12-22" },
    });
    expect(done.status).toBe(201);
    await after.close();
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
});
