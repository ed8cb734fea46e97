/**
 * A new version of a secret, for CreateSecret, PutSecretValue and UpdateSecret. The ClientRequestToken becomes its id and
 * makes the call idempotent: the same token with the same value does nothing, with another value it is refused.
 */
import type { OperationContext } from "../service.ts";
import { tokenInUse, tokenMissing } from "./errors.ts";
import { changeSecret } from "./find-secret.ts";
import { type EncryptedValue, type SecretRecord, secretArn, valueKey, valuesIn } from "./records.ts";
import { nextWindow } from "./rotation/rotation-schedule.ts";
import { decryptValue, encryptValue, isSameValue, keyIdToKeep, type SecretValue } from "./secret-value.ts";
import { CURRENT, requireStagesFit, versionById, withoutForgotten, withStages } from "./version-stages.ts";

// AWS: required on the wire; the CLI and the SDKs fill it in.
export function requireToken(input: { readonly ClientRequestToken?: string | undefined }): string {
  if (input.ClientRequestToken === undefined) throw tokenMissing();
  return input.ClientRequestToken;
}

export interface NewVersion {
  readonly id: string;
  readonly value: SecretValue;
  readonly stages: readonly string[];
}

/** The record with the version in it; also when it was there before. */
export async function addVersion(
  context: OperationContext,
  record: SecretRecord,
  version: NewVersion,
): Promise<SecretRecord> {
  if (hasValue(record, version.id)) {
    await requireSameValue(context, record, version);
    return record;
  }
  const encrypted = await encryptValue(context, record, version.id, version.value);
  let isRaced = false;
  const changed = await changeSecret(context, record, (current) => {
    isRaced = hasValue(current, version.id);
    return isRaced ? current : putVersion(context, current, version, encrypted);
  });
  // Another call with the same token was first: this one is its repetition.
  return isRaced ? addVersion(context, changed, version) : changed;
}

/** Whether the version is there with its value: a rotation makes it first, and its function puts the value. */
export function hasValue({ versions }: SecretRecord, id: string): boolean {
  const version = versionById(versions, id);
  return version !== undefined && !version.isEmpty;
}

/** Only inside a write: stores the value, and answers the record that knows it. */
export function putVersion(
  context: OperationContext,
  record: SecretRecord,
  { id, stages }: NewVersion,
  encrypted: EncryptedValue,
): SecretRecord {
  const nowMs = context.clock.nowMs();
  const values = valuesIn(context.store);
  values.put(valueKey(record, id), encrypted);
  const begun = versionById(record.versions, id);
  const version = { id, stages: begun?.stages ?? [], createdAtMs: nowMs, ...keyIdToKeep(record.kmsKeyId) };
  const added = [...record.versions.filter((other) => other !== begun), version];
  // AWS: the first version is the current one, whatever labels it gets besides.
  const labelled = withStages(added, id, record.versions.length === 0 ? [...stages, CURRENT] : stages);
  const versions = withoutForgotten(requireStagesFit(labelled), nowMs);
  const kept = new Set(versions.map((version) => version.id));
  for (const version of labelled) if (!kept.has(version.id)) values.delete(valueKey(record, version.id));
  const changed = { ...record, versions, lastChangedMs: nowMs };
  return stages.includes(CURRENT) ? withRotationCounted(changed, nowMs) : changed;
}

/** AWS: a new current value counts as a rotation for a schedule of days. */
function withRotationCounted(record: SecretRecord, nowMs: number): SecretRecord {
  const { rotation } = record;
  if (!rotation?.isEnabled || rotation.rules.automaticallyAfterDays === undefined) return record;
  const window = nextWindow(rotation.rules, nowMs);
  return { ...record, rotation: { ...rotation, ...(window && { window }) } };
}

/** Throws unless the version of this id holds the same value. */
export async function requireSameValue(
  context: OperationContext,
  record: SecretRecord,
  { id, value }: Pick<NewVersion, "id" | "value">,
): Promise<void> {
  if (!isSameValue(await decryptValue(context, record, id), value)) throw tokenInUse(id, secretArn(record));
}
