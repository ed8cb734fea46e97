/**
 * Images between the embedded builder and Kiln's registry: push with the build's credentials, pull with Kiln's own.
 * Names of other registries go to the place where Kiln's registry stands in for them; the network is never asked.
 * Sources: https://distribution.github.io/distribution/spec/manifest-v2-2/ , order of a push as docker's.
 */
import { createReadStream } from "node:fs";
import { configBytes, findLayers, type Image, type ImageConfig, imageArchitecture, imageOf } from "./image.ts";
import { chainIdOf, type LayerRecord, type LayerStore } from "./layer-store.ts";
import {
  formatReference,
  type ImageReference,
  parseReference,
  standInRepository,
  withDefaultTag,
} from "./reference.ts";
import { MANIFEST_TYPES, RegistryClient, type RegistryCredentials, RegistryRequestError } from "./registry-client.ts";

export interface TransferDeps {
  readonly store: LayerStore;
  readonly registryUrl: string;
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly signal: AbortSignal;
  readonly mappedImage: ((reference: string) => string | undefined) | undefined;
}

/** One line of progress, docker's JSON. */
export type Progress = (message: Record<string, unknown>) => void;

export interface Descriptor {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: string;
}

interface Manifest {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly (Descriptor & {
    readonly platform?: { readonly os: string; readonly architecture: string };
  })[];
}

const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** The manifest a push of this image sends. */
export function manifestBytes(image: Image, config: Buffer): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPES.dockerManifest,
      config: { mediaType: CONFIG_TYPE, size: config.length, digest: image.id },
      layers: image.layers.map(({ blob }) => ({ mediaType: LAYER_TYPE, size: blob.sizeBytes, digest: blob.digest })),
    }),
    "utf8",
  );
}

/** The config's bytes: of a pulled image as they came, which gave it its id. */
export const configOf = async (store: LayerStore, image: Image): Promise<Buffer> =>
  (await store.findBlob(image.id)) ?? configBytes(image.config);

/** Pushes one tag; returns the manifest's digest. Throws `RegistryRequestError` with docker's text. */
export async function pushImage(
  deps: TransferDeps,
  image: Image,
  reference: ImageReference,
  credentials: RegistryCredentials | undefined,
  progress: Progress,
): Promise<string> {
  const client = new RegistryClient({ url: deps.registryUrl, credentials, signal: deps.signal });
  try {
    const repository = standInRepository(reference, deps.registryUrl);
    progress({ status: `The push refers to repository [${reference.host}/${reference.repository}]` });
    const done = new Set<string>();
    for (const { blob, diffId } of [...image.layers].reverse()) {
      const id = diffId.slice("sha256:".length, "sha256:".length + 12);
      progress({ status: "Preparing", progressDetail: {}, id });
      if (done.has(blob.digest)) continue;
      done.add(blob.digest);
      if (await client.hasBlob(repository, blob.digest)) {
        progress({ status: "Layer already exists", progressDetail: {}, id });
        continue;
      }
      progress({ status: "Pushing", progressDetail: { current: 0, total: blob.sizeBytes }, id });
      await client.pushBlob(repository, blob.digest, blob.sizeBytes, () =>
        createReadStream(deps.store.blobPath(blob.digest)),
      );
      progress({ status: "Pushed", progressDetail: {}, id });
    }
    const config = await configOf(deps.store, image);
    if (!(await client.hasBlob(repository, image.id)))
      await client.pushBlob(repository, image.id, config.length, () => config);
    const tag = reference.tag ?? "latest";
    const bytes = manifestBytes(image, config);
    const digest = await client.pushManifest(repository, tag, MANIFEST_TYPES.dockerManifest, bytes);
    progress({ status: `${tag}: digest: ${digest} size: ${bytes.length}` });
    progress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: bytes.length } });
    return digest;
  } finally {
    client.close();
  }
}

export interface PulledImage {
  readonly image: Image;
  readonly digest: string;
}

/**
 * The image from Kiln's registry, or undefined when it is not there. `credentials` undefined means Kiln's own key:
 * FROM of a base image needs no login; `docker pull` gives the build's.
 */
export async function pullImage(
  deps: TransferDeps,
  reference: ImageReference,
  credentials: RegistryCredentials | undefined,
  progress: Progress,
): Promise<PulledImage | undefined> {
  const own = { username: deps.rootKey.accessKeyId, password: deps.rootKey.secretAccessKey };
  const client = new RegistryClient({ url: deps.registryUrl, credentials: credentials ?? own, signal: deps.signal });
  try {
    const named = withDefaultTag(reference);
    const repository = standInRepository(named, deps.registryUrl);
    const found = await findManifest(client, repository, named.digest ?? named.tag ?? "latest");
    if (!found) return undefined;
    const { digest, manifest } = found;
    const config = await readConfig(deps.store, client, repository, manifest.config);
    const layers = await pullLayers(deps, client, repository, config, manifest.layers, progress);
    // The config's own bytes give the id; ours are the same JSON only when written by us.
    const image = { ...imageOf(config, layers), id: manifest.config.digest };
    progress({ status: `Digest: ${digest}` });
    return { image, digest };
  } finally {
    client.close();
  }
}

export interface FoundManifest {
  /** Of what the name stands for: a manifest or an index. */
  readonly digest: string;
  /** Of one image. */
  readonly manifest: { readonly config: Descriptor; readonly layers: readonly Descriptor[] };
}

/** The manifest of this machine's platform, or undefined when the registry does not have the name. */
export async function findManifest(
  client: RegistryClient,
  repository: string,
  wanted: string,
): Promise<FoundManifest | undefined> {
  let fetched = await client.manifest(repository, wanted);
  if (!fetched) return undefined;
  const { digest } = fetched;
  let manifest = JSON.parse(fetched.bytes.toString("utf8")) as Manifest;
  if (manifest.manifests) {
    const chosen = manifest.manifests.find(
      (entry) => entry.platform?.os === "linux" && entry.platform.architecture === imageArchitecture(),
    );
    fetched = chosen && (await client.manifest(repository, chosen.digest));
    if (!fetched) {
      throw new RegistryRequestError(
        404,
        "",
        `no matching manifest for linux/${imageArchitecture()} in the manifest list entries`,
      );
    }
    manifest = JSON.parse(fetched.bytes.toString("utf8")) as Manifest;
  }
  const { config, layers } = manifest;
  if (!config || !layers) throw new Error(`unsupported manifest type of ${repository}: ${fetched.mediaType}`);
  return { digest, manifest: { config, layers } };
}

async function readConfig(
  store: LayerStore,
  client: RegistryClient,
  repository: string,
  descriptor: Descriptor,
): Promise<ImageConfig> {
  if (descriptor.size > MAX_CONFIG_BYTES) throw new Error("image config is too large");
  const kept = await store.findBlob(descriptor.digest);
  const chunks: Buffer[] = kept ? [kept] : [];
  if (!kept) for await (const chunk of await client.blob(repository, descriptor.digest)) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const blob = await store.putBlob(bytes);
  if (blob.digest !== descriptor.digest)
    throw new Error(`image config verification failed for digest ${descriptor.digest}`);
  const config = JSON.parse(bytes.toString("utf8")) as ImageConfig;
  return { ...config, config: config.config ?? {}, history: config.history ?? [] };
}

async function pullLayers(
  deps: TransferDeps,
  client: RegistryClient,
  repository: string,
  config: ImageConfig,
  descriptors: readonly Descriptor[],
  progress: Progress,
): Promise<readonly LayerRecord[]> {
  const { store } = deps;
  const kept = await findLayers(store, config.rootfs.diff_ids);
  if (kept) return kept;
  const layers: LayerRecord[] = [];
  for (const [index, descriptor] of descriptors.entries()) {
    deps.signal.throwIfAborted();
    const diffId = config.rootfs.diff_ids[index] ?? "";
    const id = descriptor.digest.slice("sha256:".length, "sha256:".length + 12);
    const existing = await store.find(chainIdOf(layers.at(-1)?.chainId, diffId));
    if (existing) {
      progress({ status: "Already exists", progressDetail: {}, id });
      layers.push(existing);
      continue;
    }
    progress({ status: "Pulling fs layer", progressDetail: {}, id });
    const layer = await store.add(layers, await client.blob(repository, descriptor.digest), diffId);
    if (layer.blob.digest !== descriptor.digest)
      throw new Error(`filesystem layer verification failed for digest ${descriptor.digest}`);
    progress({ status: "Pull complete", progressDetail: {}, id });
    layers.push(layer);
  }
  return layers;
}

/** FROM: Kiln's registry under the name itself, then under the name the image map gives for it. */
export async function findBaseImage(deps: TransferDeps, name: string): Promise<PulledImage | undefined> {
  const reference = parseReference(name);
  const quiet: Progress = () => undefined;
  const direct = await pullImage(deps, reference, undefined, quiet);
  if (direct) return direct;
  const mapped = deps.mappedImage?.(formatReference(withDefaultTag(reference))) ?? deps.mappedImage?.(name);
  return mapped === undefined ? undefined : pullImage(deps, parseReference(mapped), undefined, quiet);
}

/** What to say when a base image is nowhere to be had. */
export function missingBaseImage(name: string): string {
  const short = name.replace(/^docker\.io\//, "").replace(/^library\//, "");
  const kind = /^(python|node|busybox)([:@]|$)/.exec(short)?.[1];
  const make = kind === undefined ? "" : ` or make one: \`kiln images make ${kind}\``;
  return `pull access denied for ${short}: kiln's embedded builder has no image of that name and does not ask the network; map it to one you have: \`kiln images map ${short}=IMAGE\`${make}`;
}
