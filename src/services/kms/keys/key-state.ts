/** EnableKey, DisableKey, UpdateKeyDescription. */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { type OperationContext, operation } from "../../service.ts";
import { changeKey } from "../change-key.ts";
import { invalidState, lookupErrors } from "../errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { withMissedRotation } from "../material/settle-rotation.ts";
import type { KeyRecord } from "../records.ts";
import type { DisableKeyRequest, EnableKeyRequest, UpdateKeyDescriptionRequest } from "../shapes.gen.ts";
import { requireMaterial, requireNotPendingDeletion } from "../usable-key.ts";
import { idleCondition } from "./last-usage.ts";

const errors = [...lookupErrors, invalidState];

export const enableKey = operation<EnableKeyRequest, object>({
  name: "EnableKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html",
  authorize: (input, context) => access(context, "kms:EnableKey", input.KeyId),
  errors,
  run: (input, context) => change(context, input.KeyId, { state: "Enabled" }),
});

export const disableKey = operation<DisableKeyRequest, object>({
  name: "DisableKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html",
  authorize: async (input, context) => {
    const sought = await soughtKeyNotAlias(context, input.KeyId);
    return [keyAccess(context, "kms:DisableKey", sought, idleCondition(context, sought))];
  },
  errors,
  run: (input, context) => change(context, input.KeyId, { state: "Disabled" }),
});

export const updateKeyDescription = operation<UpdateKeyDescriptionRequest, object>({
  name: "UpdateKeyDescription",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html",
  authorize: (input, context) => access(context, "kms:UpdateKeyDescription", input.KeyId),
  errors,
  run: (input, context) => change(context, input.KeyId, { description: input.Description }),
});

const access = async (context: OperationContext, action: string, keyId: string): Promise<AuthorizationRequest[]> => [
  keyAccess(context, action, await soughtKeyNotAlias(context, keyId)),
];

/** Not by alias, and not while the key waits for its deletion. */
async function change(
  context: OperationContext,
  keyId: string,
  members: Partial<Pick<KeyRecord, "state" | "description">>,
): Promise<object> {
  const { key } = await requireKeyNotAlias(context, keyId);
  await changeKey(context, key, (current) => {
    requireNotPendingDeletion(current);
    if (members.state !== undefined) requireMaterial(current);
    const changed = { ...current, ...members };
    return members.state === "Enabled" ? withMissedRotation(changed, context.clock.nowMs()) : changed;
  });
  return {};
}
