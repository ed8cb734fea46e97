/**
 * The promise of a 201: what was acknowledged is there, whole, after `kill -9` at any moment, also while another process
 * on the same state folder collects garbage. Real child processes run the registry's own sources.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { basic, OCI_MANIFEST, sha256, startRegistry } from "../../test/support/registry-fixture.ts";
import { transpileSources } from "../../test/support/transpiled-sources.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-registry-durability-"));
let urlOf: (file: string) => string;
beforeAll(() => {
  urlOf = transpileSources(root, ["core", "store", "authorize", "identity", "registry"]);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A registry in a process of its own: `serve` prints its address; `collect` frees garbage for ever. */
function startProcess(stateDir: string, task: "serve" | "collect"): ChildProcess {
  const script = `
    import { createServer } from "node:http";
    import { openStore } from ${JSON.stringify(urlOf("store/index.ts"))};
    import { systemIds } from ${JSON.stringify(urlOf("core/ids.ts"))};
    import { systemClock } from ${JSON.stringify(urlOf("core/clock.ts"))};
    import { Secret } from ${JSON.stringify(urlOf("core/secret.ts"))};
    import { createRegistry } from ${JSON.stringify(urlOf("registry/index.ts"))};
    const store = await openStore({ stateDir: ${JSON.stringify(stateDir)}, ids: systemIds, environment: {} });
    const accountId = "000000000000";
    const principal = { type: "Root", arn: "arn:aws:iam::000000000000:root", accountId, userId: accountId };
    let url = "http://127.0.0.1:1";
    const registry = createRegistry({
      store, clock: systemClock, ids: systemIds, scope: { partition: "aws", region: "us-east-1", accountId },
      identity: { findAccessKey: () => ({ secret: new Secret("test"), status: "Active", principal }), isGone: () => false },
      authorize: () => {}, endpointUrl: () => url,
    });
    if (${JSON.stringify(task)} === "collect") {
      console.log("collecting");
      for (;;) await registry.garbage.collect({ graceMs: 0 });
    }
    const server = createServer((request, response) => void registry.handle(request, response));
    server.listen(0, "127.0.0.1", () => {
      url = "http://127.0.0.1:" + server.address().port;
      console.log(url);
    });
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("no stdout");
  const [line] = await once(createInterface(child.stdout), "line");
  return String(line);
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

const send = (url: string, method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, {
    method,
    headers: { authorization: basic("test:test"), ...headers },
    ...(body !== undefined && { body }),
  });

async function pushBlob(url: string, name: string, content: string): Promise<boolean> {
  const begun = await send(url, "POST", `/v2/${name}/blobs/uploads/`);
  const location = begun.headers.get("location") ?? "";
  const half = Math.floor(content.length / 2);
  await send(url, "PATCH", location, content.slice(0, half));
  const done = await send(url, "PUT", `${location}?digest=${sha256(content)}`, content.slice(half));
  await done.arrayBuffer();
  return done.status === 201;
}

/** Pushes config, layer and manifest; gives the manifest's text once it is acknowledged. */
async function pushImage(url: string, name: string, tag: string, layer: string): Promise<string | undefined> {
  const config = `{"image":"${tag}"}`;
  for (const content of [config, layer]) if (!(await pushBlob(url, name, content))) return undefined;
  const descriptor = (mediaType: string, content: string) => ({
    mediaType,
    digest: sha256(content),
    size: content.length,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
  });
  const reply = await send(url, "PUT", `/v2/${name}/manifests/${tag}`, manifest, { "content-type": OCI_MANIFEST });
  await reply.arrayBuffer();
  return reply.status === 201 ? manifest : undefined;
}

/** Layers of some kB up to a MB, so that kills hit every stage. */
const layerFor = (tag: string): string => createHash("sha512").update(tag).digest("hex").repeat(randomInt(1, 8_000));

async function expectWhole(url: string, name: string, images: ReadonlyMap<string, string>): Promise<void> {
  for (const [tag, manifest] of images) {
    const found = await send(url, "GET", `/v2/${name}/manifests/${tag}`);
    expect(await found.text()).toBe(manifest);
    const { config, layers } = JSON.parse(manifest);
    for (const { digest, size } of [config, ...layers]) {
      const blob = Buffer.from(await (await send(url, "GET", `/v2/${name}/blobs/${digest}`)).arrayBuffer());
      expect([sha256(blob), blob.length]).toEqual([digest, size]);
    }
  }
}

it("keeps every acknowledged image through kills at random moments", { timeout: 300_000 }, async () => {
  const stateDir = join(root, "killed", ".kiln");
  const images = new Map<string, string>();
  for (let round = 0; round < 10; round++) {
    const child = startProcess(stateDir, "serve");
    const url = await firstLine(child);
    let isAlive = true;
    const pushers = Array.from({ length: 4 }, async (_, pusher) => {
      for (let n = 0; isAlive; n++) {
        const tag = `r${round}-p${pusher}-${n}`;
        const manifest = await pushImage(url, "app", tag, layerFor(tag)).catch(() => undefined);
        if (manifest !== undefined) images.set(tag, manifest);
      }
    });
    const target = images.size + randomInt(2, 12);
    while (images.size < target) await new Promise<void>((resolve) => setImmediate(resolve));
    await kill(child);
    isAlive = false;
    await Promise.all(pushers);
  }
  const child = startProcess(stateDir, "serve");
  try {
    const url = await firstLine(child);
    await expectWhole(url, "app", images);
    await expectNothingHalf(stateDir);
  } finally {
    await kill(child);
  }
});

it("keeps acknowledged images while another process collects and is killed", { timeout: 300_000 }, async () => {
  const stateDir = join(root, "collected", ".kiln");
  const server = startProcess(stateDir, "serve");
  const url = await firstLine(server);
  let isOver = false;
  const collector = (async () => {
    while (!isOver) {
      const child = startProcess(stateDir, "collect");
      await firstLine(child);
      for (let turns = randomInt(200, 4_000); turns > 0 && !isOver; turns--) {
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      await kill(child);
    }
  })();
  const images = new Map<string, string>();
  try {
    const shared = layerFor("shared");
    for (let n = 0; n < 40; n++) {
      // Without a grace period the collector may take a layer before its manifest comes: the push is then repeated.
      const layer = n % 2 === 0 ? shared : layerFor(String(n));
      const manifest = await pushImage(url, "app", `v${n}`, layer);
      if (manifest !== undefined) images.set(`v${n}`, manifest);
      const [oldest] = images.keys();
      if (images.size > 5 && oldest !== undefined) {
        const digest = sha256(images.get(oldest) ?? "");
        expect((await send(url, "DELETE", `/v2/app/manifests/${digest}`)).status).toBe(202);
        images.delete(oldest);
      }
      await expectWhole(url, "app", images);
    }
    expect(images.size).toBeGreaterThan(0);
  } finally {
    isOver = true;
    await collector;
    await kill(server);
  }
  await expectNothingHalf(stateDir);
});

/** Every file under a digest has that digest, and the registry's sums agree with its records. */
async function expectNothingHalf(stateDir: string): Promise<void> {
  const at = await startRegistry({ stateDir });
  try {
    const { records, images } = at.registry;
    const blobs = join(stateDir, "blobs", "sha256");
    for (const file of readdirSync(blobs, { recursive: true, encoding: "utf8" })) {
      const hex = file.split("/")[1];
      if (hex !== undefined) expect(sha256(await images.content(`sha256:${hex}`))).toBe(`sha256:${hex}`);
    }
    const owned = [...records.blobLinks.list([]), ...records.manifests.list([])];
    for (const { key } of owned) expect(at.store.blobs.hasNow(key.at(-1) ?? "")).toBe(true);
    const bytes = records.blobs.list([]).reduce((sum, { value }) => sum + value.sizeBytes, 0);
    expect(records.usage.get([])?.bytes ?? 0).toBe(bytes);
    const owners = records.blobs.list([]).reduce((sum, { value }) => sum + value.owners, 0);
    expect(owners).toBe(owned.length);
  } finally {
    await at.close();
  }
}
