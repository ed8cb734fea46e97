/** Erases keys whose deletion date has come: record and material, their aliases and grants, and all trace in related keys. */
import type { OperationContext } from "../service.ts";
import { deleteGrant, grantsOfKey } from "./grants/grant-records.ts";
import { afterLastReplica, isGone, keyNow } from "./key-now.ts";
import { primaryOf, putShared } from "./multi-region/multi-region-records.ts";
import { aliasesIn, type KeyRecord, keysIn, lastUsesIn, recordKey, recordKeyOf } from "./records.ts";

/** Every gone key of the caller's account and Region. Only inside `Store.write`. */
export function purgeDeletedKeys(context: OperationContext): void {
  const { accountId, region } = context.scope;
  for (const { value: key } of keysIn(context.store).list([accountId, region])) eraseIfGone(context, key);
}

/** Only inside `Store.write`. */
export function eraseIfGone(context: OperationContext, key: KeyRecord): void {
  const { store } = context;
  const nowMs = context.clock.nowMs();
  const gone = keyNow(store, key, nowMs);
  if (!isGone(gone, nowMs)) return;
  leaveFamily(context, gone);
  keysIn(store).delete(recordKeyOf(key));
  lastUsesIn(store).delete(recordKeyOf(key));
  for (const grant of grantsOfKey(store, key)) deleteGrant(store, grant);
  for (const name of key.aliasNames) {
    const alias = aliasesIn(store).get(recordKey(key, name));
    if (alias?.keyId === key.id) aliasesIn(store).delete(recordKey(key, name));
  }
}

/** A primary has no relatives any more when its date comes: AWS deletes it last. */
function leaveFamily({ store }: OperationContext, key: KeyRecord): void {
  if (!key.multiRegion) return;
  const primary = primaryOf(store, key);
  if (primary === key || !primary.multiRegion) return;
  const replicaRegions = primary.multiRegion.replicaRegions.filter((region) => region !== key.region);
  const left = putShared(store, primary, { multiRegion: { ...primary.multiRegion, replicaRegions } });
  if (replicaRegions.length === 0) keysIn(store).put(recordKeyOf(left), afterLastReplica(left, key.deletionAtMs ?? 0));
}
