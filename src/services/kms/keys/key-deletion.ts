/**
 * ScheduleKeyDeletion, CancelKeyDeletion. From its deletion date on a key does not exist for anyone; its record, with
 * the material, is erased when it is next looked for, or by the next CreateKey or ScheduleKeyDeletion of the same account
 * and region. A primary key that has replicas waits for the last of them before its own waiting period begins.
 * Source of the latter: https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html
 */
import { DAY_MS } from "../../../core/clock.ts";
import { operation } from "../../service.ts";
import { changeKey } from "../change-key.ts";
import { purgeDeletedKeys } from "../erase-key.ts";
import { invalidState, invalidWindow, lookupErrors } from "../errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { stateWithMaterial } from "../key-now.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import type {
  CancelKeyDeletionRequest,
  CancelKeyDeletionResponse,
  ScheduleKeyDeletionRequest,
  ScheduleKeyDeletionResponse,
} from "../shapes.gen.ts";
import { isPendingDeletion, requireNotPendingDeletion } from "../usable-key.ts";
import { idleCondition } from "./last-usage.ts";

const MIN_WINDOW_DAYS = 7;
const MAX_WINDOW_DAYS = 30;
const DEFAULT_WINDOW_DAYS = 30;
const errors = [...lookupErrors, invalidState];

export const scheduleKeyDeletion = operation<ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse>({
  name: "ScheduleKeyDeletion",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html",
  authorize: async (input, context) => {
    const sought = await soughtKeyNotAlias(context, input.KeyId);
    return [
      keyAccess(context, "kms:ScheduleKeyDeletion", sought, {
        "kms:ScheduleKeyDeletionPendingWindowInDays": String(input.PendingWindowInDays ?? DEFAULT_WINDOW_DAYS),
        ...idleCondition(context, sought),
      }),
    ];
  },
  errors: [...errors, invalidWindow],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    const pendingWindowDays = input.PendingWindowInDays ?? DEFAULT_WINDOW_DAYS;
    // AWS: the model admits 1 to 365 days, the service does not.
    if (pendingWindowDays < MIN_WINDOW_DAYS || pendingWindowDays > MAX_WINDOW_DAYS) throw invalidWindow();
    const changed = await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      purgeDeletedKeys(context);
      // AWS: the date of a primary key is not known before its last replica is gone.
      if (hasReplicas(current)) return { ...current, state: "PendingReplicaDeletion", pendingWindowDays };
      const deletionAtMs = context.clock.nowMs() + pendingWindowDays * DAY_MS;
      return { ...current, state: "PendingDeletion", deletionAtMs, pendingWindowDays };
    });
    return {
      KeyId: keyArn(changed),
      ...(changed.deletionAtMs !== undefined && { DeletionDate: changed.deletionAtMs }),
      KeyState: changed.state,
      PendingWindowInDays: pendingWindowDays,
    };
  },
});

const hasReplicas = ({ multiRegion, region }: KeyRecord): boolean =>
  multiRegion?.primaryRegion === region && multiRegion.replicaRegions.length > 0;

export const cancelKeyDeletion = operation<CancelKeyDeletionRequest, CancelKeyDeletionResponse>({
  name: "CancelKeyDeletion",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:CancelKeyDeletion", await soughtKeyNotAlias(context, input.KeyId)),
  ],
  errors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    const changed = await changeKey(context, key, (current) => {
      if (!isPendingDeletion(current)) throw invalidState(keyArn(current), "not pending deletion");
      const { deletionAtMs: _date, pendingWindowDays: _window, ...rest } = current;
      // AWS: the key comes back disabled, or without its material where that went meanwhile.
      const disabled: KeyRecord = { ...rest, state: "Disabled" };
      return { ...disabled, state: stateWithMaterial(disabled) };
    });
    return { KeyId: keyArn(changed) };
  },
});
