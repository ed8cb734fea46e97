/** EnableKey, DisableKey, UpdateKeyDescription. */
import { operation } from "../service.ts";
import { changeKey } from "./change-key.ts";
import { foreignRegion, invalidKeyId, invalidState, keyNotFound } from "./errors.ts";
import { requireKeyNotAlias } from "./find-key.ts";
import { keyAccess } from "./key-access.ts";
import type { DisableKeyRequest, EnableKeyRequest, UpdateKeyDescriptionRequest } from "./shapes.gen.ts";
import { requireNotPendingDeletion } from "./usable-key.ts";

const errors = [keyNotFound, invalidKeyId, foreignRegion, invalidState];

export const enableKey = operation<EnableKeyRequest, object>({
  name: "EnableKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:EnableKey", await requireKeyNotAlias(context, input.KeyId)),
  ],
  errors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      return { ...current, state: "Enabled" };
    });
    return {};
  },
});

export const disableKey = operation<DisableKeyRequest, object>({
  name: "DisableKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:DisableKey", await requireKeyNotAlias(context, input.KeyId)),
  ],
  errors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      return { ...current, state: "Disabled" };
    });
    return {};
  },
});

export const updateKeyDescription = operation<UpdateKeyDescriptionRequest, object>({
  name: "UpdateKeyDescription",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:UpdateKeyDescription", await requireKeyNotAlias(context, input.KeyId)),
  ],
  errors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await changeKey(context, key, (current) => {
      requireNotPendingDeletion(current);
      return { ...current, description: input.Description };
    });
    return {};
  },
});
