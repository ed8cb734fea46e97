/**
 * A key as it is at a moment: what fell due by the clock since its record was written is worked out on reading, so that it
 * holds whenever the clock moved and whoever wrote last. Imported material expires; a primary key whose last replica went
 * starts its own waiting period. Rotations need new material and are done by settle-rotation.ts.
 * Sources: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html (expiration) and
 * https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html
 */
import { DAY_MS } from "../../core/clock.ts";
import type { Store } from "../../store/store.ts";
import { type ImportedMaterial, type KeyRecord, keysIn } from "./records.ts";

/** True from the deletion date on; the record itself goes when the key is next looked for (erase-key.ts). */
export const isGone = (key: KeyRecord, nowMs: number): boolean =>
  key.deletionAtMs !== undefined && key.deletionAtMs <= nowMs;

/** The record itself when nothing fell due. It may be gone: ask {@link isGone}. */
export function keyNow(store: Store, key: KeyRecord, nowMs: number): KeyRecord {
  const unexpired = key.imports ? withoutExpired(key, key.imports, nowMs) : key;
  return unexpired.multiRegion ? withoutGoneReplicas(store, unexpired, nowMs) : unexpired;
}

function withoutExpired(key: KeyRecord, imports: readonly ImportedMaterial[], nowMs: number): KeyRecord {
  const hasExpired = (one: ImportedMaterial): boolean =>
    one.isPresent && one.expiresAtMs !== undefined && one.expiresAtMs <= nowMs;
  return imports.some(hasExpired) ? withoutMaterial(key, hasExpired) : key;
}

/** The key without the bytes of some of its imported materials, in the state that follows. */
export function withoutMaterial(key: KeyRecord, isLost: (one: ImportedMaterial) => boolean): KeyRecord {
  const lost = new Set((key.imports ?? []).filter(isLost).map((one) => one.id));
  // AWS: material that is lost before its rotation is forgotten, not waited for.
  const kept = (key.imports ?? []).filter((one) => !(one.isPendingRotation && lost.has(one.id)));
  const imports = kept.map(({ expiresAtMs, ...one }) =>
    lost.has(one.id) ? { ...one, isPresent: false } : { ...one, ...(expiresAtMs !== undefined && { expiresAtMs }) },
  );
  const { pendingMaterial, ...rest } = key;
  const changed: KeyRecord = {
    ...rest,
    ...(pendingMaterial && !lost.has(pendingMaterial.id) && { pendingMaterial }),
    imports,
    material: key.material.filter((one) => !lost.has(one.id)),
  };
  return { ...changed, state: stateWithMaterial(changed) };
}

/** AWS: one missing material makes the whole key wait for its import; a key that waits for its deletion goes on doing so. */
export function stateWithMaterial({ state, imports }: KeyRecord): KeyRecord["state"] {
  if (state === "PendingDeletion" || state === "PendingReplicaDeletion" || !imports) return state;
  const isWhole = imports.some((one) => !one.isPendingRotation) && imports.every((one) => one.isPresent);
  if (!isWhole) return "PendingImport";
  return state === "PendingImport" ? "Enabled" : state;
}

function withoutGoneReplicas(store: Store, key: KeyRecord, nowMs: number): KeyRecord {
  const { multiRegion } = key;
  if (!multiRegion || multiRegion.replicaRegions.length === 0) return key;
  let lastGoneAtMs = 0;
  const replicaRegions = multiRegion.replicaRegions.filter((region) => {
    const replica = keysIn(store).get([key.accountId, region, key.id]);
    if (!replica || !isGone(replica, nowMs)) return replica !== undefined;
    lastGoneAtMs = Math.max(lastGoneAtMs, replica.deletionAtMs ?? 0);
    return false;
  });
  if (replicaRegions.length === multiRegion.replicaRegions.length) return key;
  const left = { ...key, multiRegion: { ...multiRegion, replicaRegions } };
  return replicaRegions.length === 0 ? afterLastReplica(left, lastGoneAtMs) : left;
}

/** A primary key that waited for its last replica, which went at `goneAtMs`: now its own waiting period runs. */
export const afterLastReplica = (key: KeyRecord, goneAtMs: number): KeyRecord =>
  key.state === "PendingReplicaDeletion"
    ? { ...key, state: "PendingDeletion", deletionAtMs: goneAtMs + (key.pendingWindowDays ?? 0) * DAY_MS }
    : key;
