/**
 * Automatic rotations that fell due: done when the key is next looked up, each dated when it was due, so that a clock that
 * moved by years finds as many materials as AWS would have made. A key that is not enabled does not rotate.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-enable.html
 */
import { DAY_MS } from "../../../core/clock.ts";
import type { OperationContext } from "../../service.ts";
import { isGone, keyNow } from "../key-now.ts";
import { newMaterial } from "../keys/new-key.ts";
import { primaryOf, putShared } from "../multi-region/multi-region-records.ts";
import { type AutomaticRotation, type KeyRecord, keysIn, recordKeyOf } from "../records.ts";

/** AWS: AWS managed keys rotate every year; nobody can change that. */
const MANAGED_PERIOD_DAYS = 365;

/** The automatic rotation of a key, on or off; undefined when it was never on. */
export const rotationOf = (key: KeyRecord): AutomaticRotation | undefined =>
  key.rotation ?? (key.manager === "AWS" ? yearlyFrom(key.createdAtMs) : undefined);

const yearlyFrom = (atMs: number): AutomaticRotation => ({
  isEnabled: true,
  periodDays: MANAGED_PERIOD_DAYS,
  nextAtMs: atMs + MANAGED_PERIOD_DAYS * DAY_MS,
});

/** Rotates the key as often as was due, and gives it as it is then. */
export function settleRotation(context: OperationContext, key: KeyRecord): KeyRecord | Promise<KeyRecord> {
  const nowMs = context.clock.nowMs();
  const { store } = context;
  if (!isPast(rotationOf(key), nowMs) || !isDue(primaryOf(store, key), nowMs)) return key;
  return store.write(() => {
    // Looked up again under the write lock: another call may have been first.
    const stored = primaryOf(store, keysIn(store).get(recordKeyOf(key)) ?? key);
    if (isDue(stored, nowMs)) putShared(store, stored, dueRotations(context, stored, nowMs));
    return keyNow(store, keysIn(store).get(recordKeyOf(key)) ?? key, nowMs);
  });
}

/** AWS: rotations that a key missed while it was disabled are made up for when it is enabled: by one, dated then. */
export const withMissedRotation = (key: KeyRecord, nowMs: number): KeyRecord =>
  key.rotation && isPast(key.rotation, nowMs) ? { ...key, rotation: { ...key.rotation, nextAtMs: nowMs } } : key;

const isPast = (rotation: AutomaticRotation | undefined, nowMs: number): boolean =>
  rotation?.isEnabled === true && rotation.nextAtMs <= nowMs;

const isDue = (key: KeyRecord, nowMs: number): boolean =>
  key.state === "Enabled" && !isGone(key, nowMs) && isPast(rotationOf(key), nowMs);

function dueRotations(
  context: OperationContext,
  key: KeyRecord,
  nowMs: number,
): Required<Pick<KeyRecord, "material" | "rotation">> {
  const { periodDays, nextAtMs } = rotationOf(key) as AutomaticRotation;
  const material = [...key.material];
  let atMs = nextAtMs;
  for (; atMs <= nowMs; atMs += periodDays * DAY_MS) {
    material.push({ ...newMaterial(context, key), rotatedAtMs: atMs, rotationType: "AUTOMATIC" });
  }
  return { material, rotation: { isEnabled: true, periodDays, nextAtMs: atMs } };
}
