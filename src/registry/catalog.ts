/** What the registry holds, for Kiln's own commands: repositories, their images, one manifest. No permission is asked. */
import { RegistryError } from "./errors.ts";
import type { Images } from "./images.ts";
import type { RegistryRecords } from "./records.ts";
import {
  addressOf,
  LOCAL_HOST,
  parseImageReference,
  parseRepositoryAddress,
  type RequestOrigin,
} from "./repository-address.ts";

export interface RepositorySummary {
  /** With the host, as in a pull from Kiln: `docker.io/me/app`, or `app` for a local one. */
  readonly name: string;
  /** Undefined for a local repository. */
  readonly host: string | undefined;
  readonly createdAtMs: number;
  readonly isEcr: boolean;
  readonly tagCount: number;
  readonly imageCount: number;
}

export interface ImageSummary {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly mediaType: string;
  /** Config and layers; 0 for an index. */
  readonly sizeBytes: number;
  readonly pushedAtMs: number;
}

export interface StoredManifest {
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Buffer;
  readonly tags: readonly string[];
}

export interface Catalog {
  /** Names of all repositories, in order. */
  names(): string[];
  /** In order of their names. */
  repositories(): RepositorySummary[];
  /** Newest first; empty when there is no such repository. */
  imagesOf(name: string, origin?: RequestOrigin): ImageSummary[];
  /** `name[:tag][@digest]`, the name as in {@link RepositorySummary}; undefined when it is not here. */
  manifest(reference: string, origin?: RequestOrigin): Promise<StoredManifest | undefined>;
}

export function createCatalog({
  records,
  images,
}: {
  readonly records: RegistryRecords;
  readonly images: Images;
}): Catalog {
  return {
    names: () =>
      records.repositories
        .list([])
        .flatMap(({ key: [host = "", name = ""] }) => addressOf(host, name)?.fullName ?? [])
        .sort(),

    repositories: () =>
      records.repositories
        .list([])
        .flatMap(({ key: [host = "", name = ""], value }) => {
          const address = addressOf(host, name);
          if (!address) return [];
          return {
            name: address.fullName,
            host: host === LOCAL_HOST ? undefined : host,
            createdAtMs: value.createdAtMs,
            isEcr: value.ecr !== undefined,
            tagCount: images.tags(address).length,
            imageCount: images.manifests(address).length,
          };
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1)),

    imagesOf(name, origin) {
      const address = parseRepositoryAddress(name, origin);
      if (!address) return [];
      const tags = images.tagsByDigest(address);
      return images
        .manifests(address)
        .map(({ digest, record }) => ({
          digest,
          tags: tags.get(digest) ?? [],
          mediaType: record.mediaType,
          sizeBytes: record.contentBytes,
          pushedAtMs: record.pushedAtMs,
        }))
        .sort((a, b) => b.pushedAtMs - a.pushedAtMs);
    },

    async manifest(text, origin) {
      const parsed = parseImageReference(text, origin);
      if (!parsed) throw new RegistryError("nameInvalid", { message: `\`${text}\` is not an image name` });
      const found = images.find(parsed.address, parsed.reference);
      if (!found) return undefined;
      return {
        repository: parsed.address.fullName,
        digest: found.digest,
        mediaType: found.record.mediaType,
        content: await images.content(found.digest),
        tags: images.tagsOf(parsed.address, found.digest),
      };
    },
  };
}
