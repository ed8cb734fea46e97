/**
 * From what a caller writes as SecretId (name, ARN, ARN without its suffix) to the secret's record, and changes of it.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
 */
import { type AwsScope, parseArn } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import { noteRead } from "./due.ts";
import { invalidName, markedForDeletion, secretNotFound } from "./errors.ts";
import { isGone, putSecret, type SecretRecord, secretKey, secretsIn } from "./records.ts";

export const lookupErrors = [invalidName, secretNotFound];

const NAME = /^[A-Za-z0-9/_+=.@!-]+$/;
const NAME_AND_SUFFIX = /^(.+)-([A-Za-z0-9]{6})$/;

/** AWS: checked on every operation that takes a name or a SecretId. */
export function requireValidName(name: string): void {
  if (!NAME.test(name)) throw invalidName();
}

/** The secret, also while its deletion is scheduled. Throws for what cannot be a SecretId. */
export function findSecret(context: OperationContext, secretId: string): SecretRecord | undefined {
  if (!secretId.startsWith("arn:")) {
    requireValidName(secretId);
    return findByName(context, context.scope, secretId);
  }
  const arn = parseArn(secretId);
  const rest = arn?.service === "secretsmanager" && arn.resource.startsWith("secret:") ? arn.resource.slice(7) : "";
  requireValidName(rest);
  if (!arn || arn.region !== context.scope.region) return undefined;
  const [, name, suffix] = NAME_AND_SUFFIX.exec(rest) ?? [];
  // AWS: a name that ends like a suffix is taken for a full ARN, so that its partial ARN finds nothing.
  if (name === undefined) return findByName(context, arn, rest);
  const record = findByName(context, arn, name);
  return record?.suffix === suffix ? record : undefined;
}

export function findByName(context: OperationContext, scope: AwsScope, name: string): SecretRecord | undefined {
  const record = secretsIn(context.store).get(secretKey(scope, name));
  if (!record) return undefined;
  noteRead(context, record);
  return isGone(record, context.clock.nowMs()) ? undefined : record;
}

export function requireSecret(context: OperationContext, secretId: string): SecretRecord {
  const record = findSecret(context, secretId);
  if (!record) throw secretNotFound();
  return record;
}

/** {@link requireSecret} for operations that a scheduled deletion forbids. */
export function requireLiveSecret(context: OperationContext, secretId: string): SecretRecord {
  const record = requireSecret(context, secretId);
  if (record.deletionAtMs !== undefined) throw markedForDeletion();
  return record;
}

/** Changes a record under the write lock, starting from what is stored then. */
export function changeSecret(
  context: OperationContext,
  { suffix, ...record }: SecretRecord,
  change: (current: SecretRecord) => SecretRecord,
): Promise<SecretRecord> {
  return context.store.write(() => {
    const current = findByName(context, record, record.name);
    if (current?.suffix !== suffix) throw secretNotFound();
    const changed = change(current);
    putSecret(context.store, changed);
    return changed;
  });
}
