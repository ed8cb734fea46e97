/** The contract, and what is these engines' own, with a real Docker and a real Podman where there are any. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { realEngines } from "../../../test/engines/real-engines.ts";
import { engineContract } from "../contract.ts";
import type { Engine } from "../engine.ts";
import { createContainerEngine } from "./container-engine.ts";

const engines = await realEngines("kiln-engine-contract");
const TIMEOUT_MS = 180_000;

for (const real of engines) {
  const { kind, machine, image } = real;
  const make = (): Engine => createContainerEngine({ kind, graceMs: 200, machine });
  engineContract(kind, make, { image });

  describe(`the ${kind} engine`, { timeout: TIMEOUT_MS }, () => {
    const folders: string[] = [];
    const soon = (): AbortSignal => AbortSignal.timeout(TIMEOUT_MS);
    const spec = async (more: object = {}) => {
      const workDir = await mkdtemp(join(tmpdir(), "kiln-work-"));
      folders.push(workDir);
      return { buildId: `p:${kind}`, image, workDir, ...more };
    };
    const environments = (): Promise<{ Id: string }[] | undefined> => {
      const filters = encodeURIComponent(JSON.stringify({ label: [`dev.kiln.environment=p:${kind}`] }));
      return real.client.json(`/containers/json?all=1&filters=${filters}`);
    };
    afterAll(async () => {
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
      await real.release();
    });

    it("removes what a build of a killed process left", async () => {
      const engine = make();
      const given = await spec();
      expect((await engine.provision?.(given, soon()))?.ok).toBe(true);
      expect(await environments()).toHaveLength(1);
      await engine.reclaim({ buildId: given.buildId, workDir: given.workDir });
      expect(await environments()).toEqual([]);
    });

    it("gives no more than the compute type, nor than the engine's machine has", async () => {
      const notices: string[] = [];
      const limits = { cpus: 1000, memoryBytes: 64 * 1024 ** 2 };
      const given = await spec({ limits, onNotice: (_level: string, text: string) => notices.push(text) });
      const made = await make().provision?.(given, soon());
      const [container] = (await environments()) ?? [];
      const found = await real.client.json<{ HostConfig: { Memory: number } }>(`/containers/${container?.Id}/json`);
      expect(found?.HostConfig.Memory).toBe(64 * 1024 ** 2);
      expect(notices[0]).toMatch(
        /^the compute type has 1000 vCPUs and 0\.1 GiB; the engine's machine has less, so the build gets \d+ vCPUs? and 0\.1 GiB$/,
      );
      if (made?.ok) await made.value.close();
      expect(await environments()).toEqual([]);
    });

    it("says in AWS's words that a container does not live, and why in its own", async () => {
      const notices: string[] = [];
      const tar = await emptyImage(real.client, kind);
      const given = await spec({ image: tar, onNotice: (_level: string, text: string) => notices.push(text) });
      expect(await make().provision?.(given, soon())).toEqual({
        ok: false,
        error: {
          statusCode: "CLIENT_ERROR",
          message:
            "Build container found dead before completing the build. build container died because it was out of memory, or the Docker image is not supported. ErrorCode: 500",
        },
      });
      expect(notices[0]).toContain(`the container of \`${tar}\` does not stay: a build's image needs a shell, \`sh\``);
      expect(await environments()).toEqual([]);
      await real.client.text("DELETE", `/images/${encodeURIComponent(tar)}`);
    });
  });
}

/** An image with one file and no program. */
async function emptyImage(client: (typeof engines)[number]["client"], kind: string): Promise<string> {
  const name = `kiln-engine-empty-${kind}`;
  const header = Buffer.alloc(512);
  header.write("file");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write("00000000000\0", 124);
  header.write("00000000000\0", 136);
  header.write("0", 156);
  header.write("ustar\u000000", 257, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const { status, text } = await client.text("POST", `/images/create?fromSrc=-&repo=${name}&tag=latest`, {
    headers: { "content-type": "application/x-tar" },
    body: Buffer.concat([header, Buffer.alloc(1024)]),
  });
  if (status >= 400) throw new Error(text);
  return `${name}:latest`;
}
