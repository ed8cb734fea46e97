/** Images from files into Kiln's registry: `docker save` archives, OCI layouts (folder or tar). */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../core/errors.ts";
import { findLayers, type Image, type ImageConfig, imageArchitecture, imageOf } from "./image.ts";
import { readImageArchive } from "./image-archive.ts";
import type { LayerRecord, LayerStore } from "./layer-store.ts";
import { parseReference } from "./reference.ts";
import { pushImage } from "./transfer.ts";

export interface RegistryAccess {
  readonly registryUrl: string;
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly signal: AbortSignal;
}

export interface ImportedImage {
  readonly image: Image;
  readonly reference: string;
  /** Of the manifest in Kiln's registry. */
  readonly digest: string;
}

/** Reads `path` and puts its image into Kiln's registry as `reference` (default: the first name in the archive). */
export async function importImage(
  store: LayerStore,
  path: string,
  reference: string | undefined,
  access: RegistryAccess,
): Promise<ImportedImage> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) throw unreadable(path, "there is no such file");
  try {
    const [found] = stats.isDirectory()
      ? [{ image: await readLayout(store, path), tags: [] }]
      : await readImageArchive(store, createReadStream(path));
    if (!found) throw unreadable(path, "it holds no image");
    const name = reference ?? found.tags[0];
    if (name === undefined) throw unreadable(path, "it holds an image without a name", "name it: `--as NAME:TAG`");
    return { image: found.image, reference: name, digest: await loadIntoRegistry(store, found.image, name, access) };
  } catch (error) {
    throw error instanceof KilnError ? error : unreadable(path, (error as Error).message);
  }
}

/** Puts an image into Kiln's registry with Kiln's own key; returns the manifest's digest. */
export async function loadIntoRegistry(
  store: LayerStore,
  image: Image,
  reference: string,
  access: RegistryAccess,
): Promise<string> {
  const credentials = { username: access.rootKey.accessKeyId, password: access.rootKey.secretAccessKey };
  return pushImage(
    { ...access, store, mappedImage: undefined },
    image,
    parseReference(reference),
    credentials,
    () => undefined,
  );
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType?: string;
  readonly platform?: { readonly architecture?: string };
}

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
async function readLayout(store: LayerStore, dir: string): Promise<Image> {
  const blobPath = (digest: string): string => {
    if (!/^sha256:[a-f0-9]{64}$/.test(digest)) throw new Error(`unsupported digest ${digest}`);
    return join(dir, "blobs/sha256", digest.slice("sha256:".length));
  };
  const index = await readFile(join(dir, "index.json"), "utf8").catch(() => {
    throw unreadable(dir, "it has no `index.json`");
  });
  let manifest = JSON.parse(index) as {
    manifests?: Descriptor[];
    config?: Descriptor;
    layers?: Descriptor[];
  };
  while (manifest.manifests) {
    const entries = manifest.manifests;
    const chosen = entries.find((entry) => entry.platform?.architecture === imageArchitecture()) ?? entries[0];
    if (!chosen) throw new Error("the layout's index is empty");
    manifest = JSON.parse(await readFile(blobPath(chosen.digest), "utf8")) as typeof manifest;
  }
  if (!manifest.config || !manifest.layers) throw new Error("the layout's manifest has no config");
  const bytes = await readFile(blobPath(manifest.config.digest));
  const config = JSON.parse(bytes.toString("utf8")) as ImageConfig;
  const kept = await findLayers(store, config.rootfs.diff_ids);
  const layers: LayerRecord[] = [];
  for (const [index, layer] of kept ? [] : manifest.layers.entries()) {
    layers.push(await store.add(layers, createReadStream(blobPath(layer.digest)), config.rootfs.diff_ids[index]));
  }
  const blob = await store.putBlob(bytes);
  return {
    ...imageOf({ ...config, config: config.config ?? {}, history: config.history ?? [] }, kept ?? layers),
    id: blob.digest,
  };
}

const unreadable = (
  path: string,
  why: string,
  fix = "give a tar of `docker save`, or an OCI layout folder",
): KilnError =>
  new KilnError({
    code: "KILN_E_IMAGE_UNREADABLE",
    message: `cannot import an image from \`${path}\``,
    why,
    fix: [fix],
    exitCode: 2,
  });
