/**
 * Related multi-Region keys in the store: one record a Region, with the same id. What they share (material, rotation, who
 * is primary) is kept equal in all of them, by changing all in one write.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html#mrk-sync-properties
 */
import { parseArn } from "../../../core/arn.ts";
import type { Store } from "../../../store/store.ts";
import { type KeyRecord, keyArn, keysIn, recordKeyOf } from "../records.ts";

/** What AWS keeps equal among related keys. */
export type SharedProperties = Partial<Pick<KeyRecord, "material" | "rotation" | "multiRegion">>;

/** The primary of a multi-Region key; the key itself when it is the primary or single-Region. */
export function primaryOf(store: Store, key: KeyRecord): KeyRecord {
  const region = key.multiRegion?.primaryRegion ?? key.region;
  return (region === key.region ? undefined : keysIn(store).get([key.accountId, region, key.id])) ?? key;
}

export const isReplica = (key: KeyRecord): boolean =>
  key.multiRegion !== undefined && key.multiRegion.primaryRegion !== key.region;

/** The stored records of the key and of those related to it. */
function familyOf(store: Store, key: KeyRecord): KeyRecord[] {
  const { primaryRegion, replicaRegions } = key.multiRegion ?? { primaryRegion: key.region, replicaRegions: [] };
  const regions = new Set([key.region, primaryRegion, ...replicaRegions]);
  return [...regions].flatMap((region) => keysIn(store).get([key.accountId, region, key.id]) ?? []);
}

/** Puts the key, and what it shares into the records of the keys related to it. Only inside `Store.write`. */
export function putShared(store: Store, key: KeyRecord, shared: SharedProperties): KeyRecord {
  const keys = keysIn(store);
  const changed = { ...key, ...shared };
  keys.put(recordKeyOf(key), changed);
  for (const relative of key.multiRegion ? familyOf(store, changed) : []) {
    if (relative.region !== key.region) keys.put(recordKeyOf(relative), { ...relative, ...shared });
  }
  return changed;
}

/** True of the key that a ciphertext names, and of keys related to it. */
export const isEncryptedBy = (arn: string, key: KeyRecord): boolean =>
  arn === keyArn(key) ||
  (key.multiRegion !== undefined && arn === keyArn({ ...key, region: parseArn(arn)?.region ?? "" }));
