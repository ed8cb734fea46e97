/** UpdateSecret: description, encryption key, value. */
import { type OperationContext, operation } from "../service.ts";
import { addVersion, hasValue, requireSameValue, requireToken } from "./add-version.ts";
import {
  invalidParameter,
  markedForDeletion,
  quotaExceeded,
  reference,
  tokenInUse,
  tokenMissing,
  unsupported,
} from "./errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { type EncryptedValue, type SecretRecord, secretArn, valueKey, valuesIn } from "./records.ts";
import { conditionsOf, keyConditions, secretAccess } from "./secret-access.ts";
import { keyIdToKeep, readErrors, requireUsableKey, underKeyOf, valueIn, writeErrors } from "./secret-value.ts";
import type { UpdateSecretRequest, UpdateSecretResponse } from "./shapes.gen.ts";
import { CURRENT, PENDING, PREVIOUS } from "./version-stages.ts";

export const updateSecret = operation<UpdateSecretRequest, UpdateSecretResponse>({
  name: "UpdateSecret",
  support: "partial",
  gaps: ["managed external secrets (`Type`) are refused"],
  source: reference("UpdateSecret"),
  authorize: (input, context) => [
    secretAccess(context, "secretsmanager:UpdateSecret", input.SecretId, {
      ...conditionsOf({ Description: input.Description, Type: input.Type }),
      ...keyConditions(context, input.KmsKeyId),
    }),
  ],
  errors: [
    ...lookupErrors,
    invalidParameter,
    unsupported,
    markedForDeletion,
    tokenMissing,
    tokenInUse,
    quotaExceeded,
    ...writeErrors,
    ...readErrors,
  ],
  async run(input, context) {
    if (input.Type !== undefined) throw unsupported("managed external secrets");
    const id = requireToken(input);
    const value = valueIn("UpdateSecret", input);
    let record = requireLiveSecret(context, input.SecretId);
    // Said before the key is changed: a call that is refused changes nothing.
    if (value && hasValue(record, id)) await requireSameValue(context, record, { id, value });
    if (input.KmsKeyId !== undefined) record = await changeKey(context, record, input.KmsKeyId);
    if (value) record = await addVersion(context, record, { id, value, stages: [CURRENT] });
    if (input.Description !== undefined) {
      const description = input.Description;
      const lastChangedMs = context.clock.nowMs();
      record = await changeSecret(context, record, (current) => ({ ...current, description, lastChangedMs }));
    }
    return { ARN: secretArn(record), Name: record.name, ...(value && { VersionId: id }) };
  },
});

/** AWS: the labelled versions of a rotation move to the new key; an empty id means the default key. */
async function changeKey(context: OperationContext, record: SecretRecord, kmsKeyId: string): Promise<SecretRecord> {
  const key = keyIdToKeep(kmsKeyId);
  if (key.kmsKeyId === record.kmsKeyId) return record;
  const underNewKey = (old: SecretRecord): SecretRecord => {
    const { kmsKeyId: _, ...rest } = old;
    return { ...rest, ...key };
  };
  await requireUsableKey(context, underNewKey(record));
  const moved = new Map<string, EncryptedValue>();
  for (const { id, stages, isEmpty } of record.versions) {
    if (isEmpty || ![CURRENT, PENDING, PREVIOUS].some((stage) => stages.includes(stage))) continue;
    const encrypted = await underKeyOf(context, underNewKey(record), id);
    if (encrypted) moved.set(id, encrypted);
  }
  return changeSecret(context, record, (current) => {
    const versions = current.versions.map((version) => {
      const encrypted = moved.get(version.id);
      if (!encrypted) return version;
      valuesIn(context.store).put(valueKey(current, version.id), encrypted);
      const { kmsKeyId: _, ...rest } = version;
      return { ...rest, ...key };
    });
    return { ...underNewKey(current), versions, lastChangedMs: context.clock.nowMs() };
  });
}
