/**
 * Reads a manifest just far enough to store it: media type, what it refers to, artifact type, annotations. The bytes
 * themselves are kept as they came, unknown fields included.
 * Sources: https://github.com/opencontainers/image-spec/blob/main/manifest.md and image-index.md;
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html. Gap: Docker schema 1 is refused.
 */
import { isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

/** The specification asks for 4 MiB at least; Docker's own registry takes no more either. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ManifestContent {
  readonly mediaType: string;
  /** Config and layers that must be in the repository. */
  readonly blobs: readonly Descriptor[];
  /** Manifests of an index that must be in the repository. */
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly configMediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Parses a manifest; `contentType` is the request's header. Throws MANIFEST_INVALID with what is wrong. */
export function parseManifest(content: Uint8Array, contentType: string | undefined): ManifestContent {
  const json = parseObject(content);
  const declared = contentType?.split(";", 1)[0]?.trim().toLowerCase() || undefined;
  const inside = json["mediaType"];
  if (inside !== undefined && typeof inside !== "string") throw invalid("mediaType is not a string");
  const mediaType = declared ?? inside ?? (Array.isArray(json["manifests"]) ? OCI_INDEX : OCI_MANIFEST);
  if (inside !== undefined && inside !== mediaType) {
    throw invalid(`the manifest says mediaType \`${inside}\`, the Content-Type is \`${mediaType}\``);
  }
  const annotations = stringMap(json["annotations"]);
  const subject = json["subject"] == null ? undefined : descriptor(json["subject"], "subject");
  const artifactType = typeof json["artifactType"] === "string" ? json["artifactType"] : undefined;
  const common = {
    mediaType,
    ...(subject && { subject }),
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
  switch (mediaType) {
    case OCI_INDEX:
    case DOCKER_MANIFEST_LIST:
      return { ...common, blobs: [], manifests: descriptors(json["manifests"], "manifests") };
    case OCI_MANIFEST:
    case DOCKER_MANIFEST: {
      const config = descriptor(json["config"], "config");
      const layers = descriptors(json["layers"], "layers").filter((layer) => !isForeign(layer.mediaType));
      return { ...common, blobs: [config, ...layers], manifests: [], configMediaType: config.mediaType };
    }
    default:
      throw invalid(
        `manifest media type \`${mediaType}\` is not supported; expected ${OCI_MANIFEST}, ${OCI_INDEX}, ${DOCKER_MANIFEST} or ${DOCKER_MANIFEST_LIST}`,
      );
  }
}

/** Layers that are never pushed: clients fetch them from the `urls` they carry. */
const isForeign = (mediaType: string): boolean => /nondistributable|\.foreign\./.test(mediaType);

function parseObject(content: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    throw invalid("the body is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw invalid("the body is not a JSON object");
  const object = json as Record<string, unknown>;
  if ("schemaVersion" in object && object["schemaVersion"] !== 2) throw invalid("schemaVersion is not 2");
  return object;
}

function descriptors(value: unknown, field: string): Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`\`${field}\` is not a list`);
  return value.map((item, index) => descriptor(item, `${field}[${index}]`));
}

function descriptor(value: unknown, field: string): Descriptor {
  const { mediaType, digest, size } = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (typeof digest !== "string" || !isDigest(digest)) throw invalid(`\`${field}.digest\` is not a digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`\`${field}.size\` is not a size`);
  return { mediaType: typeof mediaType === "string" ? mediaType : "", digest, size };
}

function stringMap(value: unknown): Record<string, string> | undefined {
  if (value == null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw invalid("`annotations` is not an object");
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw invalid(`annotation \`${name}\` is not a string`);
  }
  return value as Record<string, string>;
}

const invalid = (what: string): RegistryError =>
  new RegistryError("manifestInvalid", { message: `manifest invalid: ${what}`, detail: what });
