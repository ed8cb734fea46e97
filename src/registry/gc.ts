/**
 * Garbage collection: frees what nothing in the registry holds any more. Mark and sweep, where the marks are always
 * there (holdings.ts counts): a link that no manifest uses goes after a grace period, then bytes without an owner go.
 *
 * What is being pushed is never removed: a repository with an upload under way keeps its links; every blob that a pusher
 * sent, mounted or asked for starts its grace period anew; and whether something is still unneeded is seen in the same
 * transaction that removes it, under the store's write lock, so other processes may push and collect at the same time.
 * A process killed at any moment leaves nothing wrong: a record without bytes is dropped by the next run, and so are
 * uploads that nobody finished, with the bytes they had published.
 */
import { type Clock, DAY_MS, HOUR_MS } from "../core/clock.ts";
import { debug } from "../core/log.ts";
import type { Entry, Key, Store } from "../store/store.ts";
import type { Holdings } from "./holdings.ts";
import type { BlobLink, RegistryRecords, StoredBlob } from "./records.ts";
import { addressOf, type RepositoryAddress } from "./repository-address.ts";

export interface CollectOptions {
  /** How long something must have been unneeded; default an hour. */
  readonly graceMs?: number;
  /** Only say what would be done. */
  readonly isDryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface CollectReport {
  readonly links: number;
  readonly blobs: number;
  readonly freedBytes: number;
  readonly uploads: number;
  /** Not needed either, but not for long enough, or of a repository that is being pushed to. */
  readonly waitingBytes: number;
}

export interface GarbageCollector {
  collect(options?: CollectOptions): Promise<CollectReport>;
  /** Collects in the background if the last time is long ago. */
  collectSometimes(): void;
}

const DEFAULT_GRACE_MS = HOUR_MS;
/** By itself the registry collects this often at most, when it is pushed to, and leaves things more time. */
const SELDOM_MS = HOUR_MS;
const OWN_GRACE_MS = DAY_MS;
/** Uploads that nobody went on with for so long are dropped. */
export const STALE_UPLOAD_MS = 7 * DAY_MS;
/** A repository with an upload younger than this is being pushed to. */
const BUSY_MS = HOUR_MS;
/** Looked at in one transaction: short, because others wait for the lock. */
const PAGE = 200;
const DELETES_AT_ONCE = 16;

export interface GarbageCollectorDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly clock: Clock;
  readonly holdings: Holdings;
  readonly accounted: () => Promise<void>;
}

export function createGarbageCollector(deps: GarbageCollectorDeps): GarbageCollector {
  const { store, records, clock, holdings, accounted } = deps;
  let nextMs = 0;

  const collect = async ({ graceMs = DEFAULT_GRACE_MS, isDryRun = false, signal }: CollectOptions = {}) => {
    await accounted();
    const cutoffMs = clock.nowMs() - graceMs;
    const found = { links: 0, blobs: 0, freedBytes: 0, uploads: 0, waitingBytes: 0 };
    found.uploads = await dropUploads(isDryRun);
    const busy = busyRepositories();
    /** Of a dry run: links that would have gone, by digest. */
    const gone = new Map<string, number>();
    for await (const page of pages(records.blobLinks, signal)) {
      const unused = await linksToDrop(page, busy, cutoffMs, isDryRun, found);
      for (const digest of unused) gone.set(digest, (gone.get(digest) ?? 0) + 1);
    }
    for await (const page of pages(records.blobs, signal)) {
      const free = page.filter(({ key: [digest = ""], value }) => {
        const owners = value.owners - (isDryRun ? (gone.get(digest) ?? 0) : 0);
        if (owners > 0) return false;
        const isOld = value.owners > 0 || (value.unownedSinceMs ?? 0) <= cutoffMs;
        if (!isOld) found.waitingBytes += value.sizeBytes;
        return isOld;
      });
      await deleteBytes(free, cutoffMs, isDryRun, found);
    }
    debug("registry", () => `collected ${JSON.stringify(found)}`);
    return found;
  };

  return {
    collect,
    collectSometimes() {
      const nowMs = clock.nowMs();
      if (nowMs < nextMs) return;
      nextMs = nowMs + SELDOM_MS;
      collect({ graceMs: OWN_GRACE_MS }).catch((error: unknown) =>
        debug("registry", () => `not collected: ${error instanceof Error ? error.message : error}`),
      );
    },
  };

  /** Removes the page's links that nothing uses; gives their digests. */
  async function linksToDrop(
    page: readonly Entry<BlobLink>[],
    busy: ReadonlySet<string>,
    cutoffMs: number,
    isDryRun: boolean,
    found: { links: number; waitingBytes: number },
  ): Promise<string[]> {
    const candidates = page.flatMap(({ key, value }) => {
      const [host = "", name = "", digest = ""] = key;
      const address = addressOf(host, name);
      if (!address || holdings.isUsed(address, digest)) return [];
      const isOld = (value.sinceMs ?? 0) <= cutoffMs && !busy.has(repositoryId(host, name));
      if (!isOld) found.waitingBytes += value.sizeBytes;
      return isOld ? [{ address, digest }] : [];
    });
    const dropped = isDryRun
      ? candidates
      : await store.write(() => {
          const busyNow = busyRepositories();
          return candidates.filter(({ address, digest }) => dropLink(address, digest, cutoffMs, busyNow));
        });
    found.links += dropped.length;
    return dropped.map(({ digest }) => digest);
  }

  /** Only inside a write: here it is certain that nobody uses the link. */
  function dropLink(address: RepositoryAddress, digest: string, cutoffMs: number, busy: ReadonlySet<string>): boolean {
    const link = records.blobLinks.get([address.host, address.name, digest]);
    const sinceMs = link?.sinceMs ?? 0;
    if (!link || sinceMs > cutoffMs || holdings.isUsed(address, digest)) return false;
    if (busy.has(repositoryId(address.host, address.name))) return false;
    holdings.unlink(address, digest, sinceMs);
    return true;
  }

  async function deleteBytes(
    blobs: readonly Entry<StoredBlob>[],
    cutoffMs: number,
    isDryRun: boolean,
    found: { blobs: number; freedBytes: number },
  ): Promise<void> {
    for (let at = 0; at < blobs.length; at += DELETES_AT_ONCE) {
      const some = blobs.slice(at, at + DELETES_AT_ONCE);
      const freed = isDryRun
        ? some
        : await store.write(() => some.filter(({ key: [digest = ""] }) => holdings.releaseBytes(digest, cutoffMs)));
      found.blobs += freed.length;
      for (const { value } of freed) found.freedBytes += value.sizeBytes;
    }
  }

  function busyRepositories(): ReadonlySet<string> {
    const nowMs = clock.nowMs();
    const busy = records.uploads.list([]).filter(({ value }) => nowMs - lastActiveMs(value) < BUSY_MS);
    return new Set(busy.map(({ value }) => repositoryId(value.host, value.name)));
  }

  async function dropUploads(isDryRun: boolean): Promise<number> {
    const nowMs = clock.nowMs();
    const stale = records.uploads
      .list([])
      .filter(({ value }) => nowMs - lastActiveMs(value) >= STALE_UPLOAD_MS)
      .map(({ key }) => key[0] ?? "");
    const forgotten: string[] = [];
    for (const id of await store.blobs.uploads()) {
      if (!isOurs(id) || records.uploads.has([id])) continue;
      const { modifiedAtMs } = await store.blobs.upload(id);
      if (modifiedAtMs !== undefined && nowMs - modifiedAtMs >= BUSY_MS) forgotten.push(id);
    }
    const ids = [...stale, ...forgotten];
    for (const id of isDryRun ? [] : ids) await dropUpload(id);
    return ids.length;
  }

  async function dropUpload(id: string): Promise<void> {
    const upload = await store.blobs.upload(id);
    // Whoever published its bytes may have been killed before it linked them.
    const digests = upload.isPublished ? [await upload.digest("sha256"), await upload.digest("sha512")] : [];
    await store.write(() => {
      for (const digest of digests) holdings.noteBytes(digest, upload.size);
      records.uploads.delete([id]);
    });
    await upload.cancel();
  }
}

/** Uploads of the registry: blobs', by UUID, and manifests'. Others share the folder. */
const isOurs = (id: string): boolean => /^(?:manifest-)?[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id);

export const lastActiveMs = (upload: { readonly startedAtMs: number; readonly activeAtMs?: number }): number =>
  upload.activeAtMs ?? upload.startedAtMs;

const repositoryId = (host: string, name: string): string => `${host}/${name}`;

/** All records in pages, with room for others between them. */
async function* pages<T>(
  collection: { list(prefix: Key, options: { readonly limit: number; readonly after?: Key }): Entry<T>[] },
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Entry<T>[]> {
  let after: Key | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const page = collection.list([], { limit: PAGE, ...(after && { after }) });
    yield page;
    after = page.at(-1)?.key;
    if (page.length < PAGE) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
