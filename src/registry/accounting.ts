/**
 * Brings an older state up to date: links and manifests that were stored before holdings.ts counted owners, uses and
 * bytes. Done once a state folder, before the first change; a new folder is marked at once.
 */
import type { Store } from "../store/store.ts";
import { usedBy } from "./holdings.ts";
import { parseManifest } from "./manifest-content.ts";
import type { RegistryRecords, StoredBlob, UsageRecord } from "./records.ts";

const VERSION = 1;
const MARK = ["accounting"];

/** Gives a function that resolves when everything stored is accounted for; cheap from the second call on. */
export function createAccounting(deps: {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly contentOf: (digest: string) => Promise<Uint8Array>;
}): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    if (!done) {
      done = deps.records.meta.has(MARK) ? Promise.resolve() : account(deps);
      done.catch(() => {
        done = undefined;
      });
    }
    return done;
  };
}

async function account({ store, records, contentOf }: Parameters<typeof createAccounting>[0]): Promise<void> {
  const uses = new Map<string, readonly string[]>();
  for (const { key, value } of records.manifests.list([])) {
    const digest = key.at(-1) ?? "";
    if (uses.has(digest)) continue;
    // A manifest whose bytes cannot be read uses nothing that anybody could pull.
    const content = await contentOf(digest).catch(() => undefined);
    uses.set(digest, content ? [...usedBy(parseManifest(content, value.mediaType))] : []);
  }
  await store.write(() => {
    // Another process may have been faster.
    if (records.meta.has(MARK)) return;
    const blobs = new Map<string, StoredBlob>();
    const usage = new Map<string, { key: readonly string[] } & UsageRecord>();
    const add = ([host = "", name = "", digest = ""]: readonly string[], sizeBytes: number): void => {
      blobs.set(digest, { sizeBytes, owners: (blobs.get(digest)?.owners ?? 0) + 1 });
      const id = `${host} ${name}`;
      usage.set(id, { key: [host, name], bytes: (usage.get(id)?.bytes ?? 0) + sizeBytes });
    };
    for (const { key, value } of records.blobLinks.list([])) add(key, value.sizeBytes);
    for (const { key, value } of records.manifests.list([])) {
      add(key, value.sizeBytes);
      const [host = "", name = "", digest = ""] = key;
      for (const used of uses.get(digest) ?? []) records.uses.put([host, name, used, digest], {});
    }
    for (const [digest, stored] of blobs) records.blobs.put([digest], stored);
    for (const { key, bytes } of usage.values()) records.usage.put(key, { bytes });
    const totalBytes = [...blobs.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    records.usage.put([], { bytes: totalBytes });
    records.meta.put(MARK, { version: VERSION });
  });
}
