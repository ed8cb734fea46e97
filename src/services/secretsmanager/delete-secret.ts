/** DeleteSecret, with a recovery window or at once, and RestoreSecret. */
import { parseArn } from "../../core/arn.ts";
import { DAY_MS } from "../../core/clock.ts";
import { type OperationContext, operation } from "../service.ts";
import { invalidParameter, markedForDeletion, reference } from "./errors.ts";
import { changeSecret, findSecret, lookupErrors, requireLiveSecret, requireSecret } from "./find-secret.ts";
import { forgetSecret, secretArn } from "./records.ts";
import { conditionsOf, secretAccess } from "./secret-access.ts";
import type {
  DeleteSecretRequest,
  DeleteSecretResponse,
  RestoreSecretRequest,
  RestoreSecretResponse,
} from "./shapes.gen.ts";

const DEFAULT_WINDOW_DAYS = 30;

export const deleteSecret = operation<DeleteSecretRequest, DeleteSecretResponse>({
  name: "DeleteSecret",
  support: "supported",
  source: reference("DeleteSecret"),
  authorize: ({ SecretId, ForceDeleteWithoutRecovery, RecoveryWindowInDays }, context) => [
    secretAccess(
      context,
      "secretsmanager:DeleteSecret",
      SecretId,
      conditionsOf({ ForceDeleteWithoutRecovery, RecoveryWindowInDays }),
    ),
  ],
  errors: [...lookupErrors, invalidParameter, markedForDeletion],
  async run(input, context) {
    const days = windowDays(input);
    if (input.ForceDeleteWithoutRecovery) return forceDelete(context, input.SecretId);
    const deletedAtMs = context.clock.nowMs();
    const deletionAtMs = deletedAtMs + days * DAY_MS;
    const record = await changeSecret(context, requireLiveSecret(context, input.SecretId), (current) => ({
      ...current,
      deletionAtMs,
      deletedAtMs,
      lastChangedMs: deletedAtMs,
    }));
    return { ARN: secretArn(record), Name: record.name, DeletionDate: deletionAtMs };
  },
});

export const restoreSecret = operation<RestoreSecretRequest, RestoreSecretResponse>({
  name: "RestoreSecret",
  support: "supported",
  source: reference("RestoreSecret"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:RestoreSecret", input.SecretId)],
  errors: lookupErrors,
  async run(input, context) {
    const record = await changeSecret(context, requireSecret(context, input.SecretId), (current) => {
      const { deletionAtMs: _, deletedAtMs: __, ...live } = current;
      return { ...live, lastChangedMs: context.clock.nowMs() };
    });
    return { ARN: secretArn(record), Name: record.name };
  },
});

function windowDays({ RecoveryWindowInDays, ForceDeleteWithoutRecovery }: DeleteSecretRequest): number {
  if (RecoveryWindowInDays === undefined) return DEFAULT_WINDOW_DAYS;
  if (ForceDeleteWithoutRecovery) {
    throw invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  }
  if (RecoveryWindowInDays < 7 || RecoveryWindowInDays > 30) {
    throw invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
  }
  return RecoveryWindowInDays;
}

// AWS: at once, also when deletion is scheduled, and without an error when there is no such secret.
async function forceDelete(context: OperationContext, secretId: string): Promise<DeleteSecretResponse> {
  const nowMs = context.clock.nowMs();
  const record = await context.store.write(() => {
    const found = findSecret(context, secretId);
    if (found) forgetSecret(context.store, found);
    return found;
  });
  if (record) return { ARN: secretArn(record), Name: record.name, DeletionDate: nowMs };
  const written = parseArn(secretId);
  if (written) return { ARN: secretId, Name: written.resource.replace(/^secret:/, ""), DeletionDate: nowMs };
  const suffix = context.ids.alphanumeric(6);
  return { ARN: secretArn({ ...context.scope, name: secretId, suffix }), Name: secretId, DeletionDate: nowMs };
}
