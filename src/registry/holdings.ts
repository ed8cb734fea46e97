/**
 * What repositories hold: the only code that changes links of blobs, manifests' records, what uses what, how many owners
 * each stored blob has, and what all of it weighs. Everything here runs inside `Store.write`, so that these always agree,
 * in every process on the state folder, whenever one is killed.
 *
 * The rule that keeps bytes safe: a link or manifest is recorded only while its bytes are seen to be there (`hasNow`), and
 * bytes are deleted only while they are seen to have no owner (gc.ts), both under the store's write lock.
 */
import { type Clock, MINUTE_MS } from "../core/clock.ts";
import type { Key, Store } from "../store/store.ts";
import { RegistryError } from "./errors.ts";
import type { ManifestContent } from "./manifest-content.ts";
import { type BlobLink, keyIn, type ManifestRecord, type RegistryRecords } from "./records.ts";
import type { RepositoryAddress } from "./repository-address.ts";

/** Limits on what the registry keeps; undefined: none. Both count bytes of blobs and manifests. */
export interface RegistryQuota {
  /** Of the whole registry; a blob that several repositories have counts once. */
  readonly totalBytes?: number;
  /** Of each repository. */
  readonly repositoryBytes?: number;
}

/** The bytes were collected between their writing and this change: write them again, and try again. */
export class BytesAreGone extends Error {
  override readonly name = "BytesAreGone";
}

/** A pusher that is told "it is here" may take this long, at least, until it pushes the manifest. */
const REFRESH_AFTER_MS = 10 * MINUTE_MS;

export interface HoldingsDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly clock: Clock;
  readonly quota: RegistryQuota;
}

export type Holdings = ReturnType<typeof createHoldings>;

export function createHoldings({ store, records, clock, quota }: HoldingsDeps) {
  const addUsage = (key: Key, bytes: number): void => {
    const before = records.usage.get(key)?.bytes ?? 0;
    records.usage.put(key, { bytes: Math.max(0, before + bytes) });
  };

  const requireRoom = (address: RepositoryAddress, repositoryBytes: number, totalBytes: number): void => {
    checkQuota("repository", quota.repositoryBytes, records.usage.get(keyIn(address))?.bytes ?? 0, repositoryBytes);
    checkQuota("registry", quota.totalBytes, records.usage.get([])?.bytes ?? 0, totalBytes);
  };

  const own = (address: RepositoryAddress, digest: string, sizeBytes: number): void => {
    if (!store.blobs.hasNow(digest)) throw new BytesAreGone(digest);
    const stored = records.blobs.get([digest]);
    const newBytes = stored ? 0 : sizeBytes;
    requireRoom(address, sizeBytes, newBytes);
    records.blobs.put([digest], { sizeBytes, owners: (stored?.owners ?? 0) + 1 });
    if (newBytes > 0) addUsage([], newBytes);
    addUsage(keyIn(address), sizeBytes);
  };

  const disown = (address: RepositoryAddress, digest: string, sizeBytes: number, sinceMs: number): void => {
    const stored = records.blobs.get([digest]);
    const owners = Math.max(0, (stored?.owners ?? 1) - 1);
    records.blobs.put([digest], { sizeBytes, owners, ...(owners === 0 && { unownedSinceMs: sinceMs }) });
    addUsage(keyIn(address), -sizeBytes);
  };

  const isUsed = (address: RepositoryAddress, digest: string): boolean =>
    records.uses.list(keyIn(address, digest), { limit: 1 }).length > 0;

  return {
    isUsed,

    /** Throws DENIED when `bytes` more would be too much; what is being pushed right now by others is not counted. */
    requireRoomFor(address: RepositoryAddress, bytes: number): void {
      requireRoom(address, bytes, bytes);
    },

    /** Bytes that may still come into a repository; Infinity without a limit. */
    roomIn(address: RepositoryAddress): number {
      const ofRepository = (quota.repositoryBytes ?? Infinity) - (records.usage.get(keyIn(address))?.bytes ?? 0);
      const ofRegistry = (quota.totalBytes ?? Infinity) - (records.usage.get([])?.bytes ?? 0);
      return Math.max(0, Math.min(ofRepository, ofRegistry));
    },

    /** Records that the repository has a blob. Throws `BytesAreGone`. */
    link(address: RepositoryAddress, digest: string, sizeBytes: number): void {
      const key = keyIn(address, digest);
      const known = records.blobLinks.get(key);
      if (known && !store.blobs.hasNow(digest)) throw new BytesAreGone(digest);
      if (!known) own(address, digest, sizeBytes);
      if (!known || isStale(known, clock)) records.blobLinks.put(key, { sizeBytes, sinceMs: clock.nowMs() });
    },

    /** True when a pusher that is told "it is here" must be noted, with `link`, before it is told. */
    needsRefresh: (address: RepositoryAddress, digest: string, link: BlobLink): boolean =>
      isStale(link, clock) && !isUsed(address, digest),

    /** Takes a blob out of a repository; `sinceMs` is from when on nothing needs it. */
    unlink(address: RepositoryAddress, digest: string, sinceMs: number = clock.nowMs()): void {
      const link = records.blobLinks.get(keyIn(address, digest));
      if (!link) return;
      records.blobLinks.delete(keyIn(address, digest));
      disown(address, digest, link.sizeBytes, sinceMs);
    },

    /** Records a manifest with what it uses. Throws `BytesAreGone`. */
    addManifest(address: RepositoryAddress, digest: string, record: ManifestRecord, content: ManifestContent): void {
      const key = keyIn(address, digest);
      const known = records.manifests.get(key);
      if (known) {
        if (!store.blobs.hasNow(digest)) throw new BytesAreGone(digest);
        // AWS: pushing an archived image again restores it.
        if (known.archivedAtMs !== undefined) records.manifests.put(key, restored(known, clock.nowMs()));
        return;
      }
      own(address, digest, record.sizeBytes);
      records.manifests.put(key, record);
      if (record.subject !== undefined) records.referrers.put(keyIn(address, record.subject, digest), {});
      for (const used of usedBy(content)) records.uses.put(keyIn(address, used, digest), {});
    },

    /** Takes a manifest, its tags excepted; `used` are the digests it lists. */
    removeManifest(address: RepositoryAddress, digest: string, used: Iterable<string>): void {
      const record = records.manifests.get(keyIn(address, digest));
      if (!record) return;
      const nowMs = clock.nowMs();
      records.manifests.delete(keyIn(address, digest));
      if (record.subject !== undefined) records.referrers.delete(keyIn(address, record.subject, digest));
      disown(address, digest, record.sizeBytes, nowMs);
      for (const blob of used) {
        records.uses.delete(keyIn(address, blob, digest));
        const link = records.blobLinks.get(keyIn(address, blob));
        if (link) records.blobLinks.put(keyIn(address, blob), { ...link, sinceMs: nowMs });
      }
    },

    /** Takes everything a repository holds. */
    removeAll(address: RepositoryAddress): void {
      const nowMs = clock.nowMs();
      for (const { key, value } of records.blobLinks.list(keyIn(address)))
        disown(address, lastPart(key), value.sizeBytes, nowMs);
      for (const { key, value } of records.manifests.list(keyIn(address)))
        disown(address, lastPart(key), value.sizeBytes, nowMs);
      const { tags, manifests, referrers, blobLinks, uses } = records;
      for (const collection of [tags, manifests, referrers, blobLinks, uses]) {
        for (const { key } of collection.list(keyIn(address))) collection.delete(key);
      }
      records.usage.delete(keyIn(address));
    },

    /** Notes bytes that were stored for nothing, so that the next collection finds them. */
    noteBytes(digest: string, sizeBytes: number): void {
      if (records.blobs.has([digest]) || !store.blobs.hasNow(digest)) return;
      records.blobs.put([digest], { sizeBytes, owners: 0, unownedSinceMs: clock.nowMs() });
      addUsage([], sizeBytes);
    },

    /** Forgets bytes that nothing holds; false when something does, or `sinceMs` has not come for them. */
    releaseBytes(digest: string, sinceMs: number): boolean {
      const stored = records.blobs.get([digest]);
      if (!stored || stored.owners > 0 || (stored.unownedSinceMs ?? 0) > sinceMs) return false;
      store.blobs.deleteNow(digest);
      records.blobs.delete([digest]);
      addUsage([], -stored.sizeBytes);
      return true;
    },
  };
}

/** The record of an image that is back from ECR's archive. */
export function restored({ archivedAtMs: _, ...record }: ManifestRecord, nowMs: number): ManifestRecord {
  return { ...record, activatedAtMs: nowMs };
}

/** Digests a manifest lists, each once. */
export const usedBy = (content: ManifestContent): ReadonlySet<string> =>
  new Set([...content.blobs, ...content.manifests].map(({ digest }) => digest));

const isStale = (link: BlobLink, clock: Clock): boolean => clock.nowMs() - (link.sinceMs ?? 0) > REFRESH_AFTER_MS;

function checkQuota(what: string, limitBytes: number | undefined, usedBytes: number, moreBytes: number): void {
  if (limitBytes === undefined || moreBytes === 0 || usedBytes + moreBytes <= limitBytes) return;
  throw new RegistryError("denied", {
    message: `the ${what} may hold ${limitBytes} bytes, has ${usedBytes} and would get ${moreBytes} more; delete images and run \`kiln registry gc\`, or raise the limit`,
    detail: { limitBytes, usedBytes, moreBytes },
  });
}

const lastPart = (key: Key): string => key.at(-1) ?? "";
