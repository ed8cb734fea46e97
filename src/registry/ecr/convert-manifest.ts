/**
 * Turns an OCI image manifest into Docker's schema 2 and back, for clients that do not take what is stored. ECR does so
 * when an image is pulled by tag, never by digest. What the other form cannot say (annotations, artifacts, zstd layers)
 * is not converted.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html
 */

const OCI = "application/vnd.oci.image.manifest.v1+json";
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";

/** OCI's name of each media type and Docker's. */
const PAIRS: readonly (readonly [string, string])[] = [
  [OCI, DOCKER],
  ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"],
  ["application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"],
  ["application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"],
  [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ],
];
const TO_DOCKER = new Map(PAIRS);
const TO_OCI = new Map(PAIRS.map(([oci, docker]) => [docker, oci]));

interface Manifest {
  readonly config?: { readonly mediaType?: string };
  readonly layers?: readonly { readonly mediaType?: string }[];
  readonly subject?: unknown;
  readonly artifactType?: unknown;
}

export interface ConvertedManifest {
  readonly mediaType: string;
  readonly content: Buffer;
}

/**
 * The manifest in a type that `accepted` lists, or undefined when it may go as it is: the stored type is accepted,
 * nothing is asked for, or there is no way to say it otherwise.
 */
export function convertManifest(
  content: Buffer,
  storedType: string,
  accepted: readonly string[],
): ConvertedManifest | undefined {
  const isTaken = (type: string): boolean => accepted.includes(type);
  if (accepted.length === 0 || isTaken(storedType) || isTaken("*/*") || isTaken("application/*")) return undefined;
  const mediaType = storedType === OCI ? DOCKER : storedType === DOCKER ? OCI : undefined;
  if (mediaType === undefined || !isTaken(mediaType)) return undefined;
  const names = mediaType === DOCKER ? TO_DOCKER : TO_OCI;
  const manifest = JSON.parse(content.toString("utf8")) as Manifest;
  if (manifest.subject !== undefined || manifest.artifactType !== undefined) return undefined;
  const config = renamed(manifest.config ?? {}, names);
  const layers = (manifest.layers ?? []).map((layer) => renamed(layer, names));
  if (!config || layers.includes(undefined)) return undefined;
  const { annotations: _, ...rest } = manifest as Manifest & { readonly annotations?: unknown };
  return { mediaType, content: Buffer.from(JSON.stringify({ ...rest, mediaType, config, layers })) };
}

function renamed<T extends { readonly mediaType?: string }>(
  descriptor: T,
  names: ReadonlyMap<string, string>,
): T | undefined {
  const mediaType = names.get(descriptor.mediaType ?? "");
  return mediaType === undefined ? undefined : { ...descriptor, mediaType };
}

/** The media types of an Accept header, without parameters. */
export const acceptedTypes = (header: string | undefined): readonly string[] =>
  (header ?? "")
    .split(",")
    .map((part) => part.split(";", 1)[0]?.trim().toLowerCase() ?? "")
    .filter((type) => type !== "");
