/**
 * `docker save` archives, written and read: manifest.json, configs and layers, and the same as an OCI layout, as newer
 * engines write them. An OCI layout alone is read too.
 * Source: https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format,
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { findLayers, type Image, type ImageConfig, imageArchitecture, imageOf } from "./image.ts";
import { decompressed, type LayerRecord, type LayerStore, type PackedLayer } from "./layer-store.ts";
import { components, findFile, LayeredRoot } from "./layered-root.ts";
import { familiarReference, formatReference, parseReference } from "./reference.ts";
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

interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

interface OciManifest {
  readonly config?: OciDescriptor;
  readonly layers?: readonly OciDescriptor[];
  readonly manifests?: readonly OciDescriptor[];
}

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const NAME_ANNOTATION = "io.containerd.image.name";
const REF_ANNOTATION = "org.opencontainers.image.ref.name";

const entryOf = (name: string, bytes: Buffer): Buffer =>
  Buffer.concat([tarHeader({ ...FILE, name, sizeBytes: bytes.length }), bytes, tarPadding(bytes.length)]);

/** The manifest of an image as an OCI layout has it, and what the layout's index says of each of its names. */
function ociManifest(
  image: Image,
  config: Buffer,
  layers: readonly PackedLayer[],
  tags: readonly string[],
): { bytes: Buffer; digest: string; descriptors: OciDescriptor[] } {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: image.id, size: config.length },
      layers: layers.map(({ blob }) => ({
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        digest: blob.digest,
        size: blob.sizeBytes,
      })),
    }),
  );
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const { architecture, os } = image.config;
  const plain = { mediaType: OCI_MANIFEST, digest, size: bytes.length, platform: { architecture, os } };
  const named = tags.map((tag) => ({
    ...plain,
    annotations: {
      [NAME_ANNOTATION]: formatReference(parseReference(tag)),
      [REF_ANNOTATION]: parseReference(tag).tag ?? "",
    },
  }));
  return { bytes, digest, descriptors: named.length > 0 ? named : [plain] };
}

export async function* writeImageArchive(store: LayerStore, images: readonly ArchivedImage[]): AsyncGenerator<Buffer> {
  const manifests: ArchiveManifest[] = [];
  const index: OciDescriptor[] = [];
  const written = new Set<string>();
  for (const { image, tags } of images) {
    const config = await configOf(store, image);
    const configName = `blobs/sha256/${image.id.slice("sha256:".length)}`;
    const layers: string[] = [];
    const packed = await store.packed(image.layers);
    for (const { blob } of packed) {
      const name = `blobs/sha256/${blob.digest.slice("sha256:".length)}`;
      layers.push(name);
      if (written.has(name)) continue;
      written.add(name);
      yield tarHeader({ ...FILE, name, sizeBytes: blob.sizeBytes });
      for await (const chunk of createReadStream(store.blobPath(blob.digest))) yield chunk as Buffer;
      yield tarPadding(blob.sizeBytes);
    }
    if (!written.has(configName)) yield entryOf(configName, config);
    written.add(configName);
    const oci = ociManifest(image, config, packed, tags);
    const ociName = `blobs/sha256/${oci.digest.slice("sha256:".length)}`;
    if (!written.has(ociName)) yield entryOf(ociName, oci.bytes);
    written.add(ociName);
    index.push(...oci.descriptors);
    manifests.push({ Config: configName, RepoTags: tags, Layers: layers });
  }
  const layout = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: index };
  yield entryOf("index.json", Buffer.from(JSON.stringify(layout)));
  yield entryOf("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
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
  yield Buffer.concat([entryOf("manifest.json", Buffer.from(JSON.stringify(manifests))), TAR_END]);
}

/** Keeps the images of a `docker save` tar or of an OCI layout in one (gzip or not). */
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
    const isLayout = !(await findFile(root, "manifest.json")) && (await findFile(root, "index.json"));
    const manifests = isLayout
      ? await ociManifests(text)
      : (JSON.parse(await text("manifest.json")) as ArchiveManifest[]);
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

/** The images of an OCI layout, of an index in it the one of this machine's platform, as `manifest.json` would have them. */
async function ociManifests(text: (path: string) => Promise<string>): Promise<ArchiveManifest[]> {
  const pathOf = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
  const read = async (digest: string): Promise<OciManifest> => JSON.parse(await text(pathOf(digest))) as OciManifest;
  const { manifests = [] } = JSON.parse(await text("index.json")) as OciManifest;
  const found = new Map<string, { manifest: OciManifest; tags: string[] }>();
  for (const { digest, annotations } of manifests) {
    let manifest = await read(digest);
    if (manifest.manifests) {
      const own = manifest.manifests.find(
        ({ platform }) => platform?.os === "linux" && platform.architecture === imageArchitecture(),
      );
      if (!own) throw new Error(`the archive has no image for linux/${imageArchitecture()}`);
      manifest = await read(own.digest);
    }
    const { config, layers } = manifest;
    if (!config || !layers) throw new Error(`the archive has no image at \`${digest}\``);
    const known = found.get(config.digest) ?? { manifest, tags: [] };
    found.set(config.digest, known);
    const name = annotations?.[NAME_ANNOTATION] ?? annotations?.[REF_ANNOTATION];
    // A bare tag, as other tools write it, names nothing.
    if (name !== undefined && /[:/]/.test(name)) known.tags.push(familiarReference(parseReference(name)));
  }
  return [...found.values()].map(({ manifest, tags }) => ({
    Config: pathOf(manifest.config?.digest ?? ""),
    RepoTags: tags,
    Layers: (manifest.layers ?? []).map(({ digest }) => pathOf(digest)),
  }));
}
