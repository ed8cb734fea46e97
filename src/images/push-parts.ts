/**
 * The push of one image, wherever its parts come from (layer-store, an archive of an engine): layers side by side, then the
 * config, then the manifest under its tag. Lines of progress are docker's.
 * Source: https://distribution.github.io/distribution/spec/manifest-v2-2/
 */
import type { Readable } from "node:stream";
import { MANIFEST_TYPES, type RegistryClient } from "./registry-client.ts";

/** One line of progress, docker's JSON. */
export type Progress = (message: Record<string, unknown>) => void;

export interface LayerPart {
  /** Of the gzipped bytes. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly diffId: string;
  open(): Readable;
  /** Another repository of the registry that has it. */
  readonly mountFrom?: string | undefined;
}

export interface ImageParts {
  readonly config: { readonly digest: string; readonly bytes: Buffer };
  /** Bottom first. */
  readonly layers: readonly LayerPart[];
}

const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
/** Docker's `--max-concurrent-uploads`. */
const MAX_UPLOADS = 5;

/** Pushes one tag; returns the manifest's digest. Throws `RegistryRequestError` with docker's text. */
export async function pushParts(
  client: RegistryClient,
  repository: string,
  tag: string,
  { config, layers }: ImageParts,
  progress: Progress,
): Promise<string> {
  const waiting = [...layers].reverse().filter(({ digest }, index, all) => {
    const first = all.findIndex((layer) => layer.digest === digest);
    progress({ status: "Preparing", progressDetail: {}, id: shortId(all[index]?.diffId ?? "") });
    return first === index;
  });
  const worker = async (): Promise<void> => {
    for (let layer = waiting.shift(); layer; layer = waiting.shift())
      await pushLayer(client, repository, layer, progress);
  };
  const workers = Array.from({ length: Math.min(MAX_UPLOADS, waiting.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    // The others stop before their next layer.
    waiting.length = 0;
    await Promise.allSettled(workers);
    throw error;
  }
  if (!(await client.hasBlob(repository, config.digest)))
    await client.pushBlob(repository, config.digest, config.bytes.length, () => config.bytes);
  const bytes = manifestBytes({ config, layers });
  const digest = await client.pushManifest(repository, tag, MANIFEST_TYPES.dockerManifest, bytes);
  progress({ status: `${tag}: digest: ${digest} size: ${bytes.length}` });
  progress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: bytes.length } });
  return digest;
}

async function pushLayer(
  client: RegistryClient,
  repository: string,
  { digest, sizeBytes, diffId, open, mountFrom }: LayerPart,
  progress: Progress,
): Promise<void> {
  const id = shortId(diffId);
  if (await client.hasBlob(repository, digest)) {
    progress({ status: "Layer already exists", progressDetail: {}, id });
    return;
  }
  progress({ status: "Pushing", progressDetail: { current: 0, total: sizeBytes }, id });
  const isMounted = await client.pushBlob(repository, digest, sizeBytes, open, mountFrom);
  progress({ status: isMounted ? `Mounted from ${mountFrom}` : "Pushed", progressDetail: {}, id });
}

const shortId = (digest: string): string => digest.slice("sha256:".length, "sha256:".length + 12);

function manifestBytes({ config, layers }: ImageParts): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPES.dockerManifest,
      config: { mediaType: CONFIG_TYPE, size: config.bytes.length, digest: config.digest },
      layers: layers.map(({ digest, sizeBytes }) => ({ mediaType: LAYER_TYPE, size: sizeBytes, digest })),
    }),
    "utf8",
  );
}
