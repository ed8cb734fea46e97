/**
 * `docker save` archives, written and read: manifest.json, configs and layers; OCI layouts in a tar are read too.
 * Source: https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format,
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { findLayers, type Image, type ImageConfig, imageOf } from "./image.ts";
import { decompressed, type LayerRecord, type LayerStore } from "./layer-store.ts";
import { components, findFile, LayeredRoot } from "./layered-root.ts";
import type { RegistryClient } from "./registry-client.ts";
import { removeTree } from "./remove-tree.ts";
import { readTar, TAR_END, tarHeader, tarPadding } from "./tar.ts";
import { configOf, type FoundManifest } from "./transfer.ts";

export interface ArchivedImage {
  readonly image: Image;
  /** `app:latest` */
  readonly tags: readonly string[];
}

interface ArchiveManifest {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

const FILE = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;

export async function* writeImageArchive(store: LayerStore, images: readonly ArchivedImage[]): AsyncGenerator<Buffer> {
  const manifests: ArchiveManifest[] = [];
  const written = new Set<string>();
  for (const { image, tags } of images) {
    const config = await configOf(store, image);
    const configName = `blobs/sha256/${image.id.slice("sha256:".length)}`;
    const layers: string[] = [];
    for (const { blob } of image.layers) {
      const name = `blobs/sha256/${blob.digest.slice("sha256:".length)}`;
      layers.push(name);
      if (written.has(name)) continue;
      written.add(name);
      yield tarHeader({ ...FILE, name, sizeBytes: blob.sizeBytes });
      for await (const chunk of createReadStream(store.blobPath(blob.digest))) yield chunk as Buffer;
      yield tarPadding(blob.sizeBytes);
    }
    if (!written.has(configName)) {
      written.add(configName);
      yield Buffer.concat([
        tarHeader({ ...FILE, name: configName, sizeBytes: config.length }),
        config,
        tarPadding(config.length),
      ]);
    }
    manifests.push({ Config: configName, RepoTags: tags, Layers: layers });
  }
  yield* archiveEnd(manifests);
}

/** A `docker save` archive of an image in a registry, layers as they are kept there; nothing is unpacked. */
export async function* writeRegistryArchive(
  client: RegistryClient,
  repository: string,
  { manifest }: FoundManifest,
  tags: readonly string[],
): AsyncGenerator<Buffer> {
  const nameOf = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
  const written = new Set<string>();
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    if (written.has(digest)) continue;
    written.add(digest);
    yield tarHeader({ ...FILE, name: nameOf(digest), sizeBytes: size });
    let sentBytes = 0;
    for await (const chunk of await client.blob(repository, digest)) {
      sentBytes += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (sentBytes !== size) throw new Error(`${digest} has ${sentBytes} bytes, its manifest says ${size}`);
    yield tarPadding(size);
  }
  const layers = manifest.layers.map(({ digest }) => nameOf(digest));
  yield* archiveEnd([{ Config: nameOf(manifest.config.digest), RepoTags: tags, Layers: layers }]);
}

function* archiveEnd(manifests: readonly ArchiveManifest[]): Generator<Buffer> {
  const bytes = Buffer.from(JSON.stringify(manifests));
  yield Buffer.concat([
    tarHeader({ ...FILE, name: "manifest.json", sizeBytes: bytes.length }),
    bytes,
    tarPadding(bytes.length),
    TAR_END,
  ]);
}

/** Keeps the images of a `docker save` tar (gzip or not). */
export async function readImageArchive(store: LayerStore, source: AsyncIterable<Uint8Array>): Promise<ArchivedImage[]> {
  const dir = await store.temporary();
  try {
    for await (const entry of readTar(decompressed(source))) {
      const parts = components(entry.name);
      // Only plain files are taken; old archives link equal layers, which `manifest.json` names by their first path.
      if (entry.type !== "file" || parts.length === 0 || parts.includes("..")) continue;
      const path = join(dir, ...parts);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(entry.body, createWriteStream(path, { flags: "wx" }));
    }
    const root = new LayeredRoot([{ dir, whiteouts: new Set(), opaque: new Set() }]);
    const text = async (path: string): Promise<string> => {
      const file = await findFile(root, path);
      if (!file) throw new Error(`the archive has no \`${path}\`: it is not what \`docker save\` writes`);
      return readFile(file.hostPath, "utf8");
    };
    const manifests = JSON.parse(await text("manifest.json")) as ArchiveManifest[];
    const images: ArchivedImage[] = [];
    for (const manifest of manifests) {
      const configText = await text(manifest.Config);
      const config = JSON.parse(configText) as ImageConfig;
      const kept = await findLayers(store, config.rootfs.diff_ids);
      const layers: LayerRecord[] = [];
      for (const [index, name] of kept ? [] : manifest.Layers.entries()) {
        const file = await findFile(root, name);
        if (!file) throw new Error(`the archive has no \`${name}\``);
        layers.push(await store.add(layers, createReadStream(file.hostPath), config.rootfs.diff_ids[index]));
      }
      const blob = await store.putBlob(Buffer.from(configText));
      const complete = { ...config, config: config.config ?? {}, history: config.history ?? [] };
      images.push({ image: { ...imageOf(complete, kept ?? layers), id: blob.digest }, tags: manifest.RepoTags ?? [] });
    }
    return images;
  } finally {
    await removeTree(dir);
  }
}
