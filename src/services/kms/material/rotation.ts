/**
 * Rotation: EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations. A rotation
 * adds material: the newest encrypts, all of them decrypt. What falls due by the clock is done by settle-rotation.ts.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
 * Differences: an on-demand rotation is done when its call answers, so none is ever in progress (no ConflictException, no
 * OnDemandRotationStartDate).
 */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  invalidMarker,
  invalidState,
  keyDisabled,
  keyNotFound,
  lookupErrors,
  notPrimary,
  unsupported,
} from "../errors.ts";
import { findKeyById, requireKeyNotAlias, requireNoAlias, soughtKey, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { isSymmetricEncryption } from "../key-specs.ts";
import { newMaterial } from "../keys/new-key.ts";
import { isReplica, primaryOf, putShared, type SharedProperties } from "../multi-region/multi-region-records.ts";
import { pageOf } from "../pages.ts";
import { type ImportedMaterial, type KeyMaterial, type KeyRecord, keyArn } from "../records.ts";
import type {
  DisableKeyRotationRequest,
  EnableKeyRotationRequest,
  GetKeyRotationStatusRequest,
  GetKeyRotationStatusResponse,
  ListKeyRotationsRequest,
  ListKeyRotationsResponse,
  RotateKeyOnDemandRequest,
  RotateKeyOnDemandResponse,
  RotationsListEntry,
} from "../shapes.gen.ts";
import { isPendingDeletion, requireUsable } from "../usable-key.ts";
import { nothingToRotate, notRotatable, rotationLimit, wrongOrigin } from "./errors.ts";
import { rotationOf } from "./settle-rotation.ts";

const DEFAULT_PERIOD_DAYS = 365;
const MAX_ON_DEMAND_ROTATIONS = 25;

const changeErrors = [...lookupErrors, keyDisabled, invalidState, notRotatable, wrongOrigin, notPrimary];

export const enableKeyRotation = operation<EnableKeyRotationRequest, object>({
  name: "EnableKeyRotation",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html",
  authorize: (input, context) =>
    access(context, "kms:EnableKeyRotation", input.KeyId, {
      "kms:RotationPeriodInDays": String(input.RotationPeriodInDays ?? DEFAULT_PERIOD_DAYS),
    }),
  errors: changeErrors,
  run: (input, context) =>
    changeRotation(context, input.KeyId, requireAutomatic, (key) => {
      requireRotatable(key);
      const current = rotationOf(key);
      const periodDays = input.RotationPeriodInDays ?? DEFAULT_PERIOD_DAYS;
      // AWS: the period counts from the day on which rotation was enabled; enabling it again as it is changes nothing.
      if (current?.isEnabled && current.periodDays === periodDays) return {};
      return { rotation: { isEnabled: true, periodDays, nextAtMs: context.clock.nowMs() + periodDays * DAY_MS } };
    }),
});

export const disableKeyRotation = operation<DisableKeyRotationRequest, object>({
  name: "DisableKeyRotation",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html",
  authorize: (input, context) => access(context, "kms:DisableKeyRotation", input.KeyId),
  errors: changeErrors,
  run: (input, context) =>
    // AWS: also of keys that never rotate, which nothing changes.
    changeRotation(context, input.KeyId, requireAutomatic, (key) => {
      const current = rotationOf(key);
      return current ? { rotation: { ...current, isEnabled: false } } : {};
    }),
});

export const getKeyRotationStatus = operation<GetKeyRotationStatusRequest, GetKeyRotationStatusResponse>({
  name: "GetKeyRotationStatus",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html",
  // AWS: of all operations on rotation this alone is for keys of other accounts too.
  async authorize(input, context) {
    requireNoAlias(input.KeyId);
    return [keyAccess(context, "kms:GetKeyRotationStatus", await soughtKey(context, input.KeyId))];
  },
  errors: [...lookupErrors, invalidState, wrongOrigin],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    requireOwnMaterial(key);
    const rotation = rotationOf(primaryOf(context.store, key));
    // AWS: while a key waits for its deletion its status is `false`; asymmetric and HMAC keys never have another.
    const isEnabled = rotation?.isEnabled === true && !isPendingDeletion(key);
    return {
      KeyRotationEnabled: isEnabled,
      // AWS: the documents show the id, the service answers the ARN.
      KeyId: keyArn(key),
      ...(isEnabled && { RotationPeriodInDays: rotation.periodDays, NextRotationDate: rotation.nextAtMs }),
    };
  },
});

export const rotateKeyOnDemand = operation<RotateKeyOnDemandRequest, RotateKeyOnDemandResponse>({
  name: "RotateKeyOnDemand",
  support: "partial",
  gaps: ["multi-Region keys with imported material are refused"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html",
  authorize: (input, context) => access(context, "kms:RotateKeyOnDemand", input.KeyId),
  errors: [...changeErrors, rotationLimit, nothingToRotate, unsupported],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await changeRotation(context, input.KeyId, requireUsable, (current) => {
      requireRotatable(current);
      const made = current.material.filter((one) => one.rotationType === "ON_DEMAND").length;
      if (made >= MAX_ON_DEMAND_ROTATIONS) throw rotationLimit(keyArn(current));
      const rotated = { rotatedAtMs: context.clock.nowMs(), rotationType: "ON_DEMAND" } as const;
      if (current.origin === "EXTERNAL") return withPendingMaterial(current, rotated);
      return { material: [...current.material, { ...newMaterial(context, current), ...rotated }] };
    });
    // AWS: the documents show the id, the service answers the ARN.
    return { KeyId: keyArn(key) };
  },
});

export const listKeyRotations = operation<ListKeyRotationsRequest, ListKeyRotationsResponse>({
  name: "ListKeyRotations",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html",
  authorize: (input, context) => access(context, "kms:ListKeyRotations", input.KeyId),
  errors: [...lookupErrors, invalidMarker, notRotatable],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    if (!isSymmetricEncryption(key)) throw notRotatable();
    const materials: readonly Listed[] = key.imports ?? key.material;
    const current = materials.findLast((one) => !one.isPendingRotation);
    const entries = materials
      .map((material, index) => ({ position: String(index).padStart(6, "0"), material }))
      .filter(({ material }) => input.IncludeKeyMaterial === "ALL_KEY_MATERIAL" || material.rotatedAtMs !== undefined);
    const page = pageOf(entries, ({ position }) => position, input, { usual: 100, most: 1000 });
    return {
      ...page.tokens,
      Rotations: page.items.map(({ material }) => entryOf(key, material, material === current)),
    };
  },
});

type Listed = Omit<KeyMaterial, "sealed"> & Partial<ImportedMaterial>;

function entryOf(key: KeyRecord, material: Listed, isCurrent: boolean): RotationsListEntry {
  const { isPresent, expiresAtMs, description, rotatedAtMs, rotationType, isPendingRotation } = material;
  const isExternal = isPresent !== undefined;
  return {
    KeyId: keyArn(key),
    KeyMaterialId: material.id,
    ...(description !== undefined && { KeyMaterialDescription: description }),
    ...(isExternal && { ImportState: isPresent ? "IMPORTED" : "PENDING_IMPORT" }),
    KeyMaterialState: isPendingRotation ? "PENDING_ROTATION" : isCurrent ? "CURRENT" : "NON_CURRENT",
    ...(isPresent && { ExpirationModel: expirationModel(expiresAtMs) }),
    ...(expiresAtMs !== undefined && { ValidTo: expiresAtMs }),
    ...(rotatedAtMs !== undefined && { RotationDate: rotatedAtMs }),
    ...(rotationType && { RotationType: rotationType }),
  };
}

const expirationModel = (expiresAtMs: number | undefined): RotationsListEntry["ExpirationModel"] =>
  expiresAtMs === undefined ? "KEY_MATERIAL_DOES_NOT_EXPIRE" : "KEY_MATERIAL_EXPIRES";

const access = async (
  context: OperationContext,
  action: string,
  keyId: string,
  conditions: Readonly<Record<string, string>> = {},
): Promise<AuthorizationRequest[]> => [keyAccess(context, action, await soughtKeyNotAlias(context, keyId), conditions)];

/** AWS: of related multi-Region keys the primary rotates for all. */
async function changeRotation(
  context: OperationContext,
  keyId: string,
  requireChangeable: (key: KeyRecord) => void,
  change: (key: KeyRecord) => SharedProperties & Partial<Pick<KeyRecord, "imports">>,
): Promise<object> {
  const { key } = await requireKeyNotAlias(context, keyId);
  await context.store.write(() => {
    const current = findKeyById(context, key, key.id);
    if (!current) throw keyNotFound(keyArn(key));
    requireChangeable(current);
    if (isReplica(current)) throw notPrimary(keyArn(current));
    putShared(context.store, current, change(current));
  });
  return {};
}

/** AWS: imported material rotates on demand only; the origin is looked at before the state. */
function requireAutomatic(key: KeyRecord): void {
  requireOwnMaterial(key);
  requireUsable(key);
}

/** AWS: imported material has no status either (seen in https://github.com/ansible-collections/community.aws/pull/311). */
function requireOwnMaterial(key: KeyRecord): void {
  if (key.origin !== undefined) throw wrongOrigin(keyArn(key), key.origin);
}

function requireRotatable(key: KeyRecord): void {
  if (!isSymmetricEncryption(key)) throw notRotatable();
}

/** AWS: imported material rotates to what was imported for that. */
function withPendingMaterial(key: KeyRecord, rotated: Pick<KeyMaterial, "rotatedAtMs" | "rotationType">) {
  if (key.multiRegion) throw unsupported("on-demand rotation of multi-Region keys with imported material");
  const pending = key.pendingMaterial;
  if (!pending) throw nothingToRotate(keyArn(key));
  const imports = (key.imports ?? []).map(({ isPendingRotation, ...one }) =>
    isPendingRotation ? { ...one, ...rotated } : one,
  );
  return { material: [...key.material, { ...pending, ...rotated }], imports, pendingMaterial: undefined };
}
