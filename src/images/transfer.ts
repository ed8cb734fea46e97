/**
 * Images between the embedded builder and registries: push with the build's credentials, pull with Kiln's own.
 * Names of other registries go to the place where Kiln's registry stands in for them. The registries themselves are asked
 * only where `network` says so: a push goes there instead, a pull after Kiln's registry and the image map.
 * Sources: https://distribution.github.io/distribution/spec/manifest-v2-2/ , order of a push as docker's.
 */

import { createReadStream } from "node:fs";
import { isEcrHost } from "../core/ecr-host.ts";
import { configBytes, findLayers, type Image, type ImageConfig, imageArchitecture, imageOf } from "./image.ts";
import { chainIdOf, type LayerRecord, type LayerStore } from "./layer-store.ts";
import { type NetworkUse, openNetworkRegistry } from "./network-registry.ts";
import { type Progress, pushParts } from "./push-parts.ts";
import {
  formatReference,
  type ImageReference,
  parseReference,
  standInRepository,
  withDefaultTag,
} from "./reference.ts";
import { RegistryClient, type RegistryCredentials, RegistryRequestError } from "./registry-client.ts";

export type { Progress } from "./push-parts.ts";

export interface TransferDeps {
  readonly store: LayerStore;
  readonly registryUrl: string;
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly signal: AbortSignal;
  readonly mappedImage: ((reference: string) => string | undefined) | undefined;
  /** Absent: the network is never asked. */
  readonly network?: NetworkUse | undefined;
}

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

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

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
  const isReal = deps.network?.pushes === true && !isKilnsOwn(reference, deps.registryUrl);
  const { client, repository } = isReal
    ? await openReal(deps, deps.network as NetworkUse, reference, credentials)
    : openKilns(deps, reference, credentials);
  try {
    progress({ status: `The push refers to repository [${reference.host}/${reference.repository}]` });
    const layers = await deps.store.packed(image.layers);
    const bytes = await configOf(deps.store, image);
    const parts = layers.map(({ blob, diffId }) => ({
      ...blob,
      diffId,
      open: () => createReadStream(deps.store.blobPath(blob.digest)),
      mountFrom: isReal
        ? knownPlaces(deps.store, blob.digest, reference.host).find((place) => place !== repository)
        : undefined,
    }));
    const config = { digest: image.id, bytes };
    const digest = await pushParts(client, repository, reference.tag ?? "latest", { config, layers: parts }, progress);
    if (isReal) for (const { blob } of layers) notePlace(deps.store, blob.digest, reference.host, repository);
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
export function pullImage(
  deps: TransferDeps,
  reference: ImageReference,
  credentials: RegistryCredentials | undefined,
  progress: Progress,
): Promise<PulledImage | undefined> {
  return pullFrom(deps, openKilns(deps, reference, pullLogin(deps, reference, credentials)), reference, progress);
}

/** AWS: without a login there is nothing from ECR. Elsewhere Kiln's own key stands in for a login. */
export const pullLogin = (
  deps: Pick<TransferDeps, "rootKey">,
  { host }: ImageReference,
  given: RegistryCredentials | undefined,
): RegistryCredentials | undefined => given ?? (isEcrHost(host) ? undefined : ownLogin(deps));

/** Kiln's own key, which may pull everything. */
export const ownLogin = ({ rootKey }: Pick<TransferDeps, "rootKey">): RegistryCredentials => ({
  username: rootKey.accessKeyId,
  password: rootKey.secretAccessKey,
});

/** The image from the registry that its name names, in the network; undefined where that is not wanted, or has none. */
export async function pullFromNetwork(
  deps: TransferDeps,
  reference: ImageReference,
  credentials: RegistryCredentials | undefined,
  progress: Progress,
): Promise<PulledImage | undefined> {
  if (deps.network?.pulls !== true || isKilnsOwn(reference, deps.registryUrl)) return undefined;
  const opened = await openReal(deps, deps.network, reference, credentials);
  const pulled = await pullFrom(deps, opened, reference, progress);
  for (const { blob } of pulled?.image.layers ?? [])
    if (blob) notePlace(deps.store, blob.digest, reference.host, opened.repository);
  return pulled;
}

interface OpenedRegistry {
  readonly client: RegistryClient;
  readonly repository: string;
}

const openKilns = (
  { registryUrl, signal }: TransferDeps,
  reference: ImageReference,
  credentials: RegistryCredentials | undefined,
): OpenedRegistry => ({
  client: new RegistryClient({ url: registryUrl, credentials, signal }),
  repository: standInRepository(reference, registryUrl),
});

async function openReal(
  deps: TransferDeps,
  use: NetworkUse,
  { host, repository }: ImageReference,
  credentials: RegistryCredentials | undefined,
): Promise<OpenedRegistry> {
  return { client: await openNetworkRegistry(host, use, credentials, deps.signal), repository };
}

/** Kiln's registry under its own address: there is no other one of that name. */
const isKilnsOwn = ({ host }: ImageReference, registryUrl: string): boolean => host === new URL(registryUrl).host;

/** Repositories of the network in which a blob was seen, by `host digest`: from there it can be mounted. */
const places = new WeakMap<LayerStore, Map<string, Set<string>>>();

const knownPlaces = (store: LayerStore, digest: string, host: string): string[] => [
  ...(places.get(store)?.get(`${host} ${digest}`) ?? []),
];

function notePlace(store: LayerStore, digest: string, host: string, repository: string): void {
  const known = places.get(store) ?? new Map<string, Set<string>>();
  places.set(store, known);
  const key = `${host} ${digest}`;
  known.set(key, (known.get(key) ?? new Set()).add(repository));
}

/** Closes the client. */
async function pullFrom(
  deps: TransferDeps,
  { client, repository }: OpenedRegistry,
  reference: ImageReference,
  progress: Progress,
): Promise<PulledImage | undefined> {
  try {
    const named = withDefaultTag(reference);
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
    if (/zstd/.test(descriptor.mediaType))
      throw new Error(`kiln does not unpack layers packed with zstd: ${descriptor.digest} of ${repository}`);
    progress({ status: "Pulling fs layer", progressDetail: {}, id });
    const layer = await store.add(layers, await client.blob(repository, descriptor.digest), diffId);
    if (layer.blob?.digest !== descriptor.digest)
      throw new Error(`filesystem layer verification failed for digest ${descriptor.digest}`);
    progress({ status: "Pull complete", progressDetail: {}, id });
    layers.push(layer);
  }
  return layers;
}

/** FROM: Kiln's registry under the name itself, then under the name the image map gives for it, then the network. */
export async function findBaseImage(
  deps: TransferDeps,
  name: string,
  credentials?: RegistryCredentials,
): Promise<PulledImage | undefined> {
  const reference = parseReference(name);
  const quiet: Progress = () => undefined;
  const mapped = deps.mappedImage?.(formatReference(withDefaultTag(reference))) ?? deps.mappedImage?.(name);
  const login = isEcrHost(reference.host) ? credentials : undefined;
  const direct = await pullImage(deps, reference, login, quiet).catch((error: unknown) => {
    if (mapped === undefined || !(error instanceof RegistryRequestError)) throw error;
  });
  if (direct) return direct;
  // The map is the user's own word: no login of the build's is asked for.
  if (mapped !== undefined) return pullImage(deps, parseReference(mapped), ownLogin(deps), quiet);
  return pullFromNetwork(deps, reference, credentials, quiet);
}

/** What to say when a base image is nowhere to be had. */
export function missingBaseImage(name: string): string {
  const short = name.replace(/^docker\.io\//, "").replace(/^library\//, "");
  const kind = /^(python|node|busybox)([:@]|$)/.exec(short)?.[1];
  const make = kind === undefined ? "" : ` or make one: \`kiln images make ${kind}\``;
  return `pull access denied for ${short}: kiln's embedded builder has no image of that name and does not ask the network; map it to one you have: \`kiln images map ${short}=IMAGE\`${make}`;
}
