/**
 * Manifests, tags and referrers of repositories, without HTTP: the distribution API (manifest-routes.ts), ECR's JSON API
 * (services/ecr) and Kiln's own commands all read and write images here, so the same rules hold for each.
 * A manifest is written in one transaction that also checks what it refers to; its bytes are durable before that.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests. What a push must keep
 * to: push-rules.ts.
 */
import { type Clock, DAY_MS } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { BlobUpload, Store } from "../store/store.ts";
import { algorithmOf, digestOf, isDigest, isTag, looksLikeDigest, matchesDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { BytesAreGone, type Holdings, usedBy } from "./holdings.ts";
import { MAX_MANIFEST_BYTES, type ManifestContent, parseManifest } from "./manifest-content.ts";
import { requireMutable, requireReferences } from "./push-rules.ts";
import { keyIn, type ManifestRecord, type RegistryRecords, type RepositoryRecord } from "./records.ts";
import type { RepositoryAddress } from "./repository-address.ts";

export interface FoundManifest {
  readonly digest: string;
  readonly record: ManifestRecord;
}

export interface PutManifest {
  readonly content: Uint8Array;
  /** The media type the client declared. */
  readonly mediaType?: string | undefined;
  /** Tag, digest, or both when a digest is pushed with a tag. */
  readonly tag?: string | undefined;
  /** Further tags, set with the manifest or not at all. */
  readonly tags?: readonly string[] | undefined;
  readonly digest?: string | undefined;
}

export interface Images {
  /** The repository's record; throws NAME_UNKNOWN for an ECR repository that was never created. */
  requireRepository(address: RepositoryAddress): RepositoryRecord | undefined;
  put(address: RepositoryAddress, manifest: PutManifest): Promise<{ digest: string; subject: string | undefined }>;
  /** By tag or digest. */
  find(address: RepositoryAddress, reference: string): FoundManifest | undefined;
  content(digest: string): Promise<Buffer>;
  /**
   * Removes the manifest, every tag on it and its entry among the referrers. False when it was not there, or `isStillWanted`
   * said no: that is asked in the transaction that deletes, so that what was pushed meanwhile counts.
   */
  deleteManifest(address: RepositoryAddress, digest: string, isStillWanted?: () => boolean): Promise<boolean>;
  /** False when there was no such tag, or it is not one of `digest`. */
  deleteTag(address: RepositoryAddress, tag: string, digest?: string): Promise<boolean>;
  tagsOf(address: RepositoryAddress, digest: string): readonly string[];
  /** Tags of every tagged manifest, for answers about many of them. */
  tagsByDigest(address: RepositoryAddress): ReadonlyMap<string, readonly string[]>;
  /** Tag names in order, after `after`. */
  tags(address: RepositoryAddress, page?: { after?: string; limit?: number }): string[];
  manifests(address: RepositoryAddress): FoundManifest[];
  /** Manifests with this subject in order of their digests, after `after`. */
  referrers(address: RepositoryAddress, subject: string, page?: { after?: string; limit?: number }): FoundManifest[];
  /** Notes a pull, at most once a day per manifest, as ECR's lastRecordedPullTime. */
  recordPull(address: RepositoryAddress, found: FoundManifest): Promise<void>;
  /**
   * Links a stored blob into a repository, which comes to be with it unless it is an ECR one. Durable when resolved.
   * Rejects with `BytesAreGone` when the blob was collected meanwhile, with DENIED when a quota is in the way.
   */
  linkBlob(address: RepositoryAddress, digest: string, sizeBytes: number): Promise<void>;
  /**
   * Makes an upload the repository's blob, each step durable before the next: whoever dies in between leaves an upload
   * that is whole. It stays until it is cancelled. Rejects with `DigestMismatch`, with DENIED when a quota is in the way.
   */
  linkUpload(address: RepositoryAddress, upload: BlobUpload, digest: string): Promise<void>;
  /** Stores a blob and links it: a push without HTTP. `chunksOf` is called once, and not when there is no repository. */
  storeBlob(
    address: RepositoryAddress,
    digest: string,
    chunksOf: () => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Digests of the manifests in the repository that list this blob or manifest. */
  listedBy(address: RepositoryAddress, digest: string): readonly string[];
  /** Takes a blob out of a repository; its bytes go with the next collection unless others have it. */
  unlinkBlob(address: RepositoryAddress, digest: string): Promise<void>;
  /** Removes a repository with its links and, if `withImages`, its images; bytes stay. False when images are in the way. */
  deleteRepository(address: RepositoryAddress, options: { readonly withImages: boolean }): Promise<boolean>;
}

export interface ImagesDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly holdings: Holdings;
  /** Resolves once what an older Kiln stored is accounted for; asked before every change. */
  readonly accounted: () => Promise<void>;
}

export function createImages({ store, records, clock, ids, holdings, accounted }: ImagesDeps): Images {
  const requireRepository = (address: RepositoryAddress): RepositoryRecord | undefined => {
    const record = records.repositories.get(keyIn(address));
    if (!record?.ecr && address.ecr) throw repositoryUnknown(address);
    return record;
  };

  /** Inside a write: the repository exists afterwards, or NAME_UNKNOWN. */
  const ensureRepository = (address: RepositoryAddress): RepositoryRecord => {
    const record = requireRepository(address) ?? { createdAtMs: clock.nowMs() };
    if (!records.repositories.has(keyIn(address))) records.repositories.put(keyIn(address), record);
    return record;
  };

  const find = (address: RepositoryAddress, reference: string): FoundManifest | undefined => {
    const digest = looksLikeDigest(reference) ? reference : records.tags.get(keyIn(address, reference))?.digest;
    if (digest === undefined) return undefined;
    const record = records.manifests.get(keyIn(address, digest));
    return record && { digest, record };
  };

  const tagsByDigest = (address: RepositoryAddress): ReadonlyMap<string, readonly string[]> => {
    const tags = new Map<string, string[]>();
    for (const { key, value } of records.tags.list(keyIn(address))) {
      const known = tags.get(value.digest);
      if (known) known.push(lastPart(key));
      else tags.set(value.digest, [lastPart(key)]);
    }
    return tags;
  };

  const tagsOf = (address: RepositoryAddress, digest: string): readonly string[] =>
    tagsByDigest(address).get(digest) ?? [];

  const foundIn = (address: RepositoryAddress): FoundManifest[] =>
    records.manifests.list(keyIn(address)).map(({ key, value }) => ({ digest: lastPart(key), record: value }));

  return {
    requireRepository,
    find,
    tagsOf,
    tagsByDigest,
    manifests: foundIn,

    async put(address, { content, mediaType, tag, tags: furtherTags = [], digest: expected }) {
      requireRepository(address);
      if (content.length > MAX_MANIFEST_BYTES) throw new RegistryError("tooLarge");
      const tags = tag === undefined ? furtherTags : [tag, ...furtherTags];
      for (const each of tags) {
        if (!isTag(each)) throw new RegistryError("tagInvalid", { message: `\`${each}\` is not a legal tag` });
      }
      if (expected !== undefined && !(isDigest(expected) && matchesDigest(content, expected))) {
        throw new RegistryError("digestInvalid");
      }
      const digest = expected ?? digestOf(content);
      const parsed = parseManifest(content, mediaType);
      await accounted();
      await withBytes({ store, ids, holdings }, digest, content, () => {
        const repository = ensureRepository(address);
        requireReferences(records, address, parsed);
        for (const each of tags) requireMutable(records, address, each, repository.ecr);
        holdings.addManifest(address, digest, recordOf(parsed, content.length, clock.nowMs()), parsed);
        for (const each of tags) records.tags.put(keyIn(address, each), { digest });
      });
      return { digest, subject: parsed.subject?.digest };
    },

    content: (digest) => contentOf(store, digest),

    async deleteManifest(address, digest, isStillWanted = () => true) {
      await accounted();
      const found = find(address, digest);
      if (!found) return false;
      const used = await usedByManifest(address, found);
      return store.write(() => {
        if (!records.manifests.has(keyIn(address, digest)) || !isStillWanted()) return false;
        for (const tag of tagsOf(address, digest)) records.tags.delete(keyIn(address, tag));
        holdings.removeManifest(address, digest, used);
        return true;
      });
    },

    deleteTag: (address, tag, digest) =>
      store.write(() => {
        const found = records.tags.get(keyIn(address, tag));
        if (!found || (digest !== undefined && found.digest !== digest)) return false;
        records.tags.delete(keyIn(address, tag));
        return true;
      }),

    tags: (address, { after, limit } = {}) =>
      records.tags
        .list(keyIn(address), {
          ...(after !== undefined && { after: keyIn(address, after) }),
          ...(limit !== undefined && { limit }),
        })
        .map((entry) => lastPart(entry.key)),

    referrers: (address, subject, { after, limit } = {}) =>
      records.referrers
        .list(keyIn(address, subject), {
          ...(after !== undefined && { after: keyIn(address, subject, after) }),
          ...(limit !== undefined && { limit }),
        })
        .flatMap(({ key }) => find(address, lastPart(key)) ?? []),

    async recordPull(address, { digest, record }) {
      const nowMs = clock.nowMs();
      if (record.lastPulledAtMs !== undefined && nowMs - record.lastPulledAtMs < DAY_MS) return;
      await store.write(() => {
        const current = records.manifests.get(keyIn(address, digest));
        if (current) records.manifests.put(keyIn(address, digest), { ...current, lastPulledAtMs: nowMs });
      });
    },

    linkBlob,

    linkUpload,

    async storeBlob(address, digest, chunksOf, signal) {
      requireRepository(address);
      const upload = await store.blobs.upload(ids.uuid(), algorithmOf(digest));
      try {
        await upload.append(untilAborted(chunksOf(), signal));
        await linkUpload(address, upload, digest);
      } finally {
        await upload.cancel();
      }
    },

    listedBy: (address, digest) => records.uses.list(keyIn(address, digest)).map(({ key }) => lastPart(key)),

    async unlinkBlob(address, digest) {
      await accounted();
      await store.write(() => holdings.unlink(address, digest));
    },

    async deleteRepository(address, { withImages }) {
      await accounted();
      return store.write(() => {
        if (!withImages && records.manifests.list(keyIn(address), { limit: 1 }).length > 0) return false;
        holdings.removeAll(address);
        records.repositories.delete(keyIn(address));
        return true;
      });
    },
  };

  async function linkBlob(address: RepositoryAddress, digest: string, sizeBytes: number): Promise<void> {
    await accounted();
    await store.write(() => {
      ensureRepository(address);
      holdings.link(address, digest, sizeBytes);
    });
  }

  async function linkUpload(address: RepositoryAddress, upload: BlobUpload, digest: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await upload.publish(digest);
        return await linkBlob(address, digest, upload.size);
      } catch (error) {
        if (error instanceof BytesAreGone && attempt < ATTEMPTS) continue;
        if (upload.isPublished) await store.write(() => holdings.noteBytes(digest, upload.size));
        throw error;
      }
    }
  }

  /** Digests the manifest lists; from what was noted of it when its bytes are damaged. */
  async function usedByManifest(
    address: RepositoryAddress,
    { digest, record }: FoundManifest,
  ): Promise<ReadonlySet<string>> {
    try {
      return usedBy(parseManifest(await contentOf(store, digest), record.mediaType));
    } catch {
      const noted = records.uses.list(keyIn(address)).filter(({ key }) => lastPart(key) === digest);
      return new Set(noted.map(({ key }) => key.at(-2) ?? ""));
    }
  }
}

/** All bytes of a manifest; rejects when they are not there. */
export async function contentOf(store: Store, digest: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.blobs.read(digest)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** ECR's text for a repository that does not exist; the registry and the JSON API print the same. */
export const repositoryMissingText = (repositoryName: string, registryId: string): string =>
  `The repository with name '${repositoryName}' does not exist in the registry with id '${registryId}'`;

const repositoryUnknown = (address: RepositoryAddress): RegistryError =>
  new RegistryError(
    "nameUnknown",
    address.ecr
      ? { message: repositoryMissingText(address.name, address.ecr.accountId) }
      : { detail: { name: address.name } },
  );

function recordOf(manifest: ManifestContent, sizeBytes: number, nowMs: number): ManifestRecord {
  return {
    mediaType: manifest.mediaType,
    sizeBytes,
    contentBytes: manifest.blobs.reduce((sum, blob) => sum + blob.size, 0),
    pushedAtMs: nowMs,
    ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
    ...(manifest.configMediaType !== undefined && { configMediaType: manifest.configMediaType }),
    // Only referrers are ever asked for their annotations, which may be megabytes.
    ...(manifest.subject && { subject: manifest.subject.digest, annotations: manifest.annotations ?? {} }),
    ...(manifest.manifests.length > 0 && { manifests: manifest.manifests.map((child) => child.digest) }),
  };
}

/** Two collections in a row may take the same bytes away; more is a bug. */
const ATTEMPTS = 4;

/** Runs `change` in a write, with `content` stored under `digest`; bytes that it leaves without an owner are noted. */
async function withBytes(
  { store, ids, holdings }: Pick<ImagesDeps, "store" | "ids" | "holdings">,
  digest: string,
  content: Uint8Array,
  change: () => void,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const upload =
      (await store.blobs.size(digest)) === undefined
        ? await store.blobs.upload(`manifest-${ids.uuid()}`, algorithmOf(digest))
        : undefined;
    try {
      await upload?.append(once(content));
      await upload?.publish(digest);
      await store.write(change);
      return;
    } catch (error) {
      if (error instanceof BytesAreGone && attempt < ATTEMPTS) continue;
      if (upload?.isPublished) await store.write(() => holdings.noteBytes(digest, content.length));
      throw error;
    } finally {
      await upload?.cancel();
    }
  }
}

async function* untilAborted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

const lastPart = (key: readonly string[]): string => key.at(-1) ?? "";
