/** Pushes and pulls of the embedded builder that go to the registries themselves, over TLS and a network that fails. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RegistryFixture, startRegistry } from "../../test/support/registry-fixture.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../../test/support/scripted-registry.ts";
import { type Image, imageOf, scratchConfig } from "./image.ts";
import { LayerStore } from "./layer-store.ts";
import { openNetworkRegistry } from "./network-registry.ts";
import { parseReference } from "./reference.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";
import { findBaseImage, pullFromNetwork, pullImage, pushImage, type TransferDeps } from "./transfer.ts";

const ME = { username: "me", password: "secret" };
const quiet = (): void => undefined;

describe("a registry of the network", () => {
  let dir: string;
  let kiln: RegistryFixture;
  let far: ScriptedRegistry;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "kiln-network-"));
    kiln = await startRegistry();
  });
  afterEach(async () => {
    await far?.close();
    await kiln.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function start(options: Parameters<typeof startScriptedRegistry>[0] = {}): Promise<void> {
    far = await startScriptedRegistry({ user: "me:secret", ...options });
    await mkdir(join(dir, "certs", far.host), { recursive: true });
    await writeFile(join(dir, "certs", far.host, "ca.crt"), far.certificate.cert);
  }
  /** With a store of its own: what was pushed must come from the registry. */
  const deps = async (network?: Partial<TransferDeps["network"]>): Promise<TransferDeps> => ({
    store: await LayerStore.open(join(dir, `store-${Math.floor(performance.now() * 1000)}`)),
    registryUrl: kiln.url,
    rootKey: { accessKeyId: "test", secretAccessKey: "test" },
    signal: new AbortController().signal,
    mappedImage: undefined,
    network: { pushes: true, pulls: true, certificateDirs: [join(dir, "certs")], ...network },
  });

  async function oneLayer(store: LayerStore, sizeBytes = 300_000): Promise<Image> {
    const body = Buffer.alloc(sizeBytes);
    for (let at = 0; at < body.length; at++) body[at] = (at * 2654435761) >>> 13;
    const entry = { type: "file", name: "data", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
    const tar = Buffer.concat([tarHeader({ ...entry, sizeBytes }), body, tarPadding(sizeBytes), TAR_END]);
    const layer = await store.add(
      [],
      (async function* () {
        yield tar;
      })(),
    );
    const config = scratchConfig("2020-01-01T00:00:00Z");
    return imageOf({ ...config, rootfs: { type: "layers", diff_ids: [layer.diffId] } }, [layer]);
  }

  it("takes pushes and gives them back, its token service and its blobs being elsewhere", async () => {
    await start();
    const from = await deps();
    const image = await oneLayer(from.store);
    const name = parseReference(`${far.host}/me/app:1`);
    const lines: unknown[] = [];
    const digest = await pushImage(from, image, name, ME, (line) => void lines.push(line["status"]));
    expect(lines).toContain(`The push refers to repository [${far.host}/me/app]`);
    expect(far.manifests.get("me/app:1")).toBeDefined();
    const pulled = await pullFromNetwork(await deps(), name, ME, quiet);
    expect(pulled).toMatchObject({ digest, image: { id: image.id } });
    expect(far.seenElsewhere.length).toBeGreaterThan(0);
    expect(far.seenElsewhere.every((header) => header === undefined)).toBe(true);
  });

  it("says what docker says when the password is wrong, or there is none", async () => {
    await start();
    const from = await deps();
    const image = await oneLayer(from.store);
    const name = parseReference(`${far.host}/me/app:1`);
    await expect(pushImage(from, image, name, { ...ME, password: "wrong" }, quiet)).rejects.toThrow(
      "unauthorized: incorrect username or password",
    );
    const client = await openNetworkRegistry(
      far.host,
      from.network ?? expect.fail(),
      { ...ME, password: "no" },
      from.signal,
    );
    await expect(client.login(undefined)).rejects.toThrow(
      `Get "https://${far.host}/v2/": unauthorized: incorrect username or password`,
    );
    client.close();
  });

  it("takes a download up where the connection broke", async () => {
    await start();
    const from = await deps();
    const image = await oneLayer(from.store, 900_000);
    const name = parseReference(`${far.host}/me/big:1`);
    await pushImage(from, image, name, ME, quiet);
    far.troubles.push({ on: /GET blob/, does: "cut", bytes: 1 }, { on: /GET blob/, does: "cut", bytes: 200_000 });
    const to = await deps();
    expect((await pullFromNetwork(to, name, ME, quiet))?.image.id).toBe(image.id);
    expect(far.troubles).toEqual([]);
  });

  it("begins an upload again that broke, and asks again when the registry is busy", async () => {
    await start();
    const from = await deps();
    const image = await oneLayer(from.store);
    const name = parseReference(`${far.host}/me/app:1`);
    far.troubles.push(
      { on: /^PATCH/, does: "cut" },
      { on: /^PUT .*manifests/, does: "busy" },
      { on: /^HEAD/, does: "busy" },
    );
    await pushImage(from, image, name, ME, quiet);
    expect(far.troubles).toEqual([]);
    expect(far.manifests.has("me/app:1")).toBe(true);
  });

  it("mounts a blob that another repository of the registry has", async () => {
    await start({ mounts: true });
    const from = await deps();
    const image = await oneLayer(from.store);
    await pushImage(from, image, parseReference(`${far.host}/me/one:1`), ME, quiet);
    const lines: unknown[] = [];
    await pushImage(from, image, parseReference(`${far.host}/me/two:1`), ME, (line) => void lines.push(line["status"]));
    const layer = (await from.store.packed(image.layers))[0]?.blob.digest;
    expect(lines).toContain("Mounted from me/one");
    expect(far.asked).toContain(`POST /v2/me/two/blobs/uploads/?mount=${layer}&from=me%2Fone`);
    expect((await pullFromNetwork(await deps(), parseReference(`${far.host}/me/two:1`), ME, quiet))?.image.id).toBe(
      image.id,
    );
  });

  it("is asked for FROM only where that is wanted, after Kiln's registry and the image map", async () => {
    await start({ user: undefined });
    const from = await deps();
    const image = await oneLayer(from.store);
    const name = `${far.host}/me/base:1`;
    await pushImage(from, image, parseReference(name), undefined, quiet);
    const asked = far.asked.length;
    expect(await findBaseImage(await deps({ pulls: false }), name)).toBeUndefined();
    expect(far.asked.length).toBe(asked);
    expect((await findBaseImage(await deps(), name))?.image.id).toBe(image.id);
    await pushImage(
      await deps({ pushes: false }).then((to) => ({ ...to, store: from.store })),
      image,
      parseReference(name),
      { username: "test", password: "test" },
      quiet,
    );
    const before = far.asked.length;
    expect((await findBaseImage(await deps(), name))?.image.id).toBe(image.id);
    expect(far.asked.length).toBe(before);
  });

  it("on a loopback address needs no certificate, nor TLS", async () => {
    await start({ user: undefined });
    const from = await deps({ certificateDirs: [] });
    const image = await oneLayer(from.store);
    await pushImage(from, image, parseReference(`${far.host}/me/unverified`), undefined, quiet);
    await far.close();
    await start({ user: undefined, isPlain: true });
    await pushImage(
      { ...from, network: { pushes: true, pulls: false, certificateDirs: [] } },
      image,
      parseReference(`${far.host}/me/plain`),
      undefined,
      quiet,
    );
    expect(far.manifests.has("me/plain:latest")).toBe(true);
  });

  it("that cannot be reached is said with docker's words", async () => {
    await start({ user: undefined });
    const { host } = far;
    const gone = parseReference(`${host}/me/app:1`);
    await far.close();
    const use = await deps();
    await expect(pullFromNetwork(use, gone, undefined, quiet)).rejects.toThrow(
      `Get "https://${host}/v2/me/app/manifests/1": dial tcp ${host}: connect: connection refused`,
    );
    await start({ user: undefined });
    const elsewhere = parseReference("registry.kiln.invalid/me/app:1");
    await expect(pullFromNetwork(use, elsewhere, undefined, quiet)).rejects.toThrow(
      'Get "https://registry.kiln.invalid/v2/me/app/manifests/1": dial tcp: lookup registry.kiln.invalid: no such host',
    );
  });

  it("refuses layers packed with zstd by name", async () => {
    await start({ user: undefined });
    const from = await deps();
    const image = await oneLayer(from.store);
    await pushImage(from, image, parseReference(`${far.host}/me/z`), undefined, quiet);
    const kept = far.manifests.get("me/z:latest") ?? expect.fail();
    const text = kept.bytes.toString("utf8").replaceAll("rootfs.diff.tar.gzip", "rootfs.diff.tar.zstd");
    far.manifests.set("me/z:latest", { ...kept, bytes: Buffer.from(text) });
    await expect(pullFromNetwork(await deps(), parseReference(`${far.host}/me/z`), undefined, quiet)).rejects.toThrow(
      /^kiln does not unpack layers packed with zstd: sha256:[0-9a-f]{64} of me\/z$/,
    );
  });

  it("is not asked when the name is Kiln's own", async () => {
    const from = await deps();
    await kiln.createEcrRepository("app");
    const own = parseReference(`${new URL(kiln.url).host}/anything`);
    expect(await pullFromNetwork(from, own, undefined, quiet)).toBeUndefined();
    expect(await pullImage(from, own, undefined, quiet)).toBeUndefined();
  });
});
