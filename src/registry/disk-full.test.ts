/** A disk without space: a small tmpfs, which only root can mount; elsewhere skipped. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { pushImage, sha256, startRegistry } from "../../test/support/registry-fixture.ts";

const disk = mkdtempSync(join(tmpdir(), "kiln-full-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]).status === 0;
if (!isMounted) process.stderr.write("disk-full.test.ts: skipped, a tmpfs cannot be mounted here\n");
afterAll(() => {
  if (isMounted) spawnSync("umount", ["--lazy", disk]);
  rmSync(disk, { recursive: true, force: true });
});

it.skipIf(!isMounted)("a full disk is told by 507 and JSON, loses nothing, and takes small pushes again", async () => {
  const at = await startRegistry({ stateDir: join(disk, ".kiln") });
  try {
    const { digest, manifest } = await pushImage(at, "app", "v1");
    const large = Buffer.alloc(8_000_000, "x");
    const inOne = await at.send("POST", `/v2/app/blobs/uploads/?digest=${sha256(large)}`, { body: large });
    const { headers } = await at.send("POST", "/v2/app/blobs/uploads/");
    const inChunks = await at.send("PATCH", String(headers.location), { body: large });
    for (const reply of [inOne, inChunks]) {
      expect(reply.status).toBe(507);
      expect(reply.headers["docker-distribution-api-version"]).toBe("registry/2.0");
      expect(reply.json.errors[0]).toMatchObject({
        code: "UNKNOWN",
        message: `no space left for the state folder \`${join(disk, ".kiln")}\``,
      });
    }
    // What had come of both is gone, so there is room again.
    await expect.poll(() => at.store.blobs.uploads()).toEqual([]);
    expect((await at.send("GET", `/v2/app/manifests/${digest}`)).text).toBe(manifest);
    expect((await pushImage(at, "app", "v2", { annotations: { second: "push" } })).reply.status).toBe(201);
  } finally {
    await at.close();
  }
});
