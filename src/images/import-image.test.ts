/** Images from files: what `docker save` writes, and OCI layouts as a folder. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RegistryFixture, startRegistry } from "../../test/support/registry-fixture.ts";
import { imageArchitecture } from "./image.ts";
import { writeImageArchive } from "./image-archive.ts";
import { importImage, LayerStore } from "./index.ts";
import { parseReference } from "./reference.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";
import { pullImage } from "./transfer.ts";

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const meta = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
  const entries = Object.entries(files).flatMap(([name, text]) => {
    const body = Buffer.from(text);
    return [tarHeader({ ...meta, name, sizeBytes: body.length }), body, tarPadding(body.length)];
  });
  return Buffer.concat([...entries, TAR_END]);
}

const bottom = tarOf({ "etc/name": "bottom", "etc/gone": "gone" });
const top = tarOf({ "etc/name": "top", "etc/.wh.gone": "" });
const config = Buffer.from(
  JSON.stringify({
    architecture: imageArchitecture(),
    os: "linux",
    created: "2020-01-01T00:00:00Z",
    config: { Cmd: ["sh"], Env: ["A=1"] },
    rootfs: { type: "layers", diff_ids: [digestOf(bottom), digestOf(top)] },
  }),
);

describe("importing an image", () => {
  let dir: string;
  let store: LayerStore;
  let registry: RegistryFixture;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "kiln-import-"));
    store = await LayerStore.open(join(dir, "images"));
    registry = await startRegistry();
  });
  afterEach(async () => {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });
  const access = () => ({
    registryUrl: registry.url,
    rootKey: { accessKeyId: "test", secretAccessKey: "test" },
    signal: new AbortController().signal,
  });

  /** Pulls with an empty store, so that everything comes from the registry. */
  async function expectPulled(reference: string): Promise<void> {
    const fresh = await LayerStore.open(join(dir, "fresh"));
    const pulled = await pullImage(
      { ...access(), store: fresh, mappedImage: undefined },
      parseReference(reference),
      undefined,
      () => undefined,
    );
    expect(pulled?.image.id).toBe(digestOf(config));
    expect(pulled?.image.config.config).toEqual({ Cmd: ["sh"], Env: ["A=1"] });
    const root = fresh.root(pulled?.image.layers ?? []);
    expect((await root.lookup("etc/name"))?.stats.size).toBe("top".length);
    expect(await root.lookup("etc/gone")).toBeUndefined();
  }

  async function layout(manifests: (image: object) => object[]): Promise<string> {
    const folder = join(dir, "layout");
    await mkdir(join(folder, "blobs/sha256"), { recursive: true });
    const keep = async (bytes: Buffer, mediaType: string): Promise<object> => {
      await writeFile(join(folder, "blobs/sha256", digestOf(bytes).slice("sha256:".length)), bytes);
      return { mediaType, digest: digestOf(bytes), size: bytes.length };
    };
    const gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: await keep(config, "application/vnd.oci.image.config.v1+json"),
      layers: [await keep(gzipSync(bottom), gzip), await keep(top, "application/vnd.oci.image.layer.v1.tar")],
    };
    const entry = await keep(Buffer.from(JSON.stringify(manifest)), manifest.mediaType);
    const nested = { schemaVersion: 2, manifests: manifests(entry) };
    const index = await keep(Buffer.from(JSON.stringify(nested)), "application/vnd.oci.image.index.v1+json");
    await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [index] }));
    return folder;
  }

  it("takes an OCI layout, the platform of this machine from a nested index", async () => {
    const folder = await layout((entry) => [
      { mediaType: "x", digest: `sha256:${"0".repeat(64)}`, size: 1, platform: { os: "linux", architecture: "none" } },
      { ...entry, platform: { os: "linux", architecture: imageArchitecture() } },
    ]);
    const imported = await importImage(store, folder, "base:1", access());
    expect(imported).toMatchObject({ reference: "base:1", digest: expect.stringMatching(/^sha256:/) });
    await expectPulled("base:1");
  });

  it.each([
    ["plain", (bytes: Buffer) => bytes],
    ["compressed", (bytes: Buffer) => gzipSync(bytes)],
  ])("takes what docker save writes, %s, with the name in it", async (_, packed) => {
    const path = join(dir, "saved.tar");
    const manifest = [{ Config: "c.json", RepoTags: ["saved:2"], Layers: ["1/layer.tar", "2/layer.tar"] }];
    await writeFile(
      path,
      packed(
        Buffer.concat([
          ...[["c.json", config] as const, ["1/layer.tar", bottom] as const, ["2/layer.tar", top] as const].map(
            ([name, bytes]) => entry(name, bytes),
          ),
          entry("manifest.json", Buffer.from(JSON.stringify(manifest))),
          TAR_END,
        ]),
      ),
    );
    expect((await importImage(store, path, undefined, access())).reference).toBe("saved:2");
    await expectPulled("saved:2");
  });

  it("takes what kiln's own docker save writes", async () => {
    const folder = await layout((only) => [only]);
    const { image } = await importImage(store, folder, "base:1", access());
    const path = join(dir, "again.tar");
    await writeFile(path, Readable.from(writeImageArchive(store, [{ image, tags: ["again:3"] }])));
    const empty = await LayerStore.open(join(dir, "empty"));
    expect((await importImage(empty, path, undefined, access())).image.id).toBe(digestOf(config));
    await expectPulled("again:3");
  });

  it.each([
    ["missing.tar", undefined, "there is no such file"],
    ["not.tar", Buffer.from("hello"), undefined],
    ["other.tar", tarOf({ "a.txt": "a" }), "the archive has no `manifest.json`: it is not what `docker save` writes"],
    [
      "nameless.tar",
      tarOf({ "c.json": config.toString(), "manifest.json": '[{"Config":"c.json","RepoTags":null,"Layers":[]}]' }),
      undefined,
    ],
  ])("says why %s cannot be taken", async (name, bytes, why) => {
    const path = join(dir, name);
    if (bytes) await writeFile(path, bytes);
    const failed = importImage(store, path, undefined, access());
    await expect(failed).rejects.toMatchObject({
      code: "KILN_E_IMAGE_UNREADABLE",
      message: `cannot import an image from \`${path}\``,
      ...(why !== undefined && { why }),
    });
  });

  it("refuses a layer whose bytes are not what the config says", async () => {
    const path = join(dir, "wrong.tar");
    const manifest = [{ Config: "c.json", RepoTags: ["wrong:1"], Layers: ["1/layer.tar", "1/layer.tar"] }];
    const parts = [entry("c.json", config), entry("1/layer.tar", bottom)];
    await writeFile(
      path,
      Buffer.concat([...parts, entry("manifest.json", Buffer.from(JSON.stringify(manifest))), TAR_END]),
    );
    await expect(importImage(store, path, undefined, access())).rejects.toMatchObject({
      why: `layer verification failed: expected ${digestOf(top)}, got ${digestOf(bottom)}`,
    });
  });
});

function entry(name: string, bytes: Buffer): Buffer {
  const meta = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
  return Buffer.concat([tarHeader({ ...meta, name, sizeBytes: bytes.length }), bytes, tarPadding(bytes.length)]);
}
