/**
 * ScheduleKeyDeletion, CancelKeyDeletion. From its deletion date on a key does not exist for anyone; its record, with
 * the material, is erased by the next CreateKey or ScheduleKeyDeletion of the same account and region.
 */
import { type OperationContext, operation } from "../service.ts";
import { changeKey } from "./change-key.ts";
import { foreignRegion, invalidKeyId, invalidState, keyNotFound } from "./errors.ts";
import { isGone, requireKeyNotAlias, soughtKeyNotAlias } from "./find-key.ts";
import { deleteGrant, grantsOfKey } from "./grant-records.ts";
import { keyAccess } from "./key-access.ts";
import { aliasesIn, keyArn, keysIn, recordKey, recordKeyOf } from "./records.ts";
import type {
  CancelKeyDeletionRequest,
  CancelKeyDeletionResponse,
  ScheduleKeyDeletionRequest,
  ScheduleKeyDeletionResponse,
} from "./shapes.gen.ts";
import { requireNotPendingDeletion } from "./usable-key.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_WINDOW_DAYS = 30;
const errors = [keyNotFound, invalidKeyId, foreignRegion, invalidState];

export const scheduleKeyDeletion = operation<ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse>({
  name: "ScheduleKeyDeletion",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:ScheduleKeyDeletion", await soughtKeyNotAlias(context, input.KeyId), {
      "kms:ScheduleKeyDeletionPendingWindowInDays": String(input.PendingWindowInDays ?? DEFAULT_WINDOW_DAYS),
    }),
  ],
  errors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    const windowDays = input.PendingWindowInDays ?? DEFAULT_WINDOW_DAYS;
    const deletionAtMs = context.clock.nowMs() + windowDays * DAY_MS;
    const changed = await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      purgeDeletedKeys(context);
      return { ...current, state: "PendingDeletion", deletionAtMs, pendingWindowDays: windowDays };
    });
    return {
      KeyId: keyArn(changed),
      DeletionDate: deletionAtMs,
      KeyState: "PendingDeletion",
      PendingWindowInDays: windowDays,
    };
  },
});

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
      if (current.state !== "PendingDeletion") throw invalidState(keyArn(current), "not pending deletion");
      const { deletionAtMs: _date, pendingWindowDays: _window, ...rest } = current;
      // AWS: the key comes back disabled.
      return { ...rest, state: "Disabled" };
    });
    return { KeyId: keyArn(changed) };
  },
});

/** Erases keys whose deletion date has passed, with their aliases and grants. Only inside `Store.write`. */
export function purgeDeletedKeys(context: OperationContext): void {
  const { accountId, region } = context.scope;
  const nowMs = context.clock.nowMs();
  for (const { value: key } of keysIn(context.store).list([accountId, region])) {
    if (!isGone(key, nowMs)) continue;
    keysIn(context.store).delete(recordKeyOf(key));
    for (const grant of grantsOfKey(context.store, key)) deleteGrant(context.store, grant);
    for (const name of key.aliasNames) {
      const alias = aliasesIn(context.store).get(recordKey(context.scope, name));
      if (alias?.keyId === key.id) aliasesIn(context.store).delete(recordKey(context.scope, name));
    }
  }
}
