/**
 * What Secrets Manager keeps: one record per secret with the facts of its versions, and the values apart, encrypted.
 * Read by every file of this folder.
 */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { Collection, Key, Store } from "../../store/store.ts";
import { noteDue } from "./background.ts";

export interface SecretVersion {
  /** The ClientRequestToken of the call that made it. */
  readonly id: string;
  /** Sorted. Empty: deprecated. */
  readonly stages: readonly string[];
  readonly createdAtMs: number;
  /** Midnight UTC of the day of the last read. */
  readonly lastAccessedMs?: number;
  /** As given; absent for `alias/aws/secretsmanager`. */
  readonly kmsKeyId?: string;
  /** Made by a rotation that has not put its value yet. */
  readonly isEmpty?: true;
}

/** When a secret is rotated: one of the first two, in AWS's words (rotation-schedule.ts). */
export interface RotationRules {
  readonly automaticallyAfterDays?: number;
  /** `rate(…)` or `cron(…)`. */
  readonly scheduleExpression?: string;
  /** Length of the window, e.g. `3h`. */
  readonly duration?: string;
}

/** When the next rotation is to happen. */
export interface RotationWindow {
  readonly opensAtMs: number;
  readonly closesAtMs: number;
}

export interface Rotation {
  /** False after CancelRotateSecret, which keeps the rest. */
  readonly isEnabled: boolean;
  readonly functionArn: string;
  readonly rules: RotationRules;
  /** Absent without rules. */
  readonly window?: RotationWindow;
  readonly lastRotatedMs?: number;
  /** Days between two rotations of a schedule expression, once there was one. */
  readonly daysBetween?: number;
  /** The rotation that has begun and not yet moved AWSCURRENT. */
  readonly pending?: { readonly versionId: string; readonly rotationToken: string };
}

export interface SecretRecord {
  readonly name: string;
  /** The six random characters behind the name in the ARN. */
  readonly suffix: string;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  readonly description?: string;
  /** As given; absent for `alias/aws/secretsmanager`. */
  readonly kmsKeyId?: string;
  readonly createdAtMs: number;
  readonly lastChangedMs: number;
  /** Midnight UTC of the day of the last read. */
  readonly lastAccessedMs?: number;
  /** Set while deletion is scheduled. From then on the secret does not exist. */
  readonly deletionAtMs?: number;
  /** When that was asked for. Older state folders have none. */
  readonly deletedAtMs?: number;
  /** Absent until the first tag; stays when the last is removed. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The resource policy's JSON, as given. */
  readonly policyText?: string;
  /** Absent until the first RotateSecret. */
  readonly rotation?: Rotation;
  /** Oldest first. */
  readonly versions: readonly SecretVersion[];
}

/** A value under a data key of its own, which KMS has encrypted. */
export interface EncryptedValue {
  readonly kind: "string" | "binary";
  /** KMS's ciphertext of the data key, base64. */
  readonly dataKey: string;
  /** Nonce, AES-256-GCM ciphertext, tag; base64. */
  readonly ciphertext: string;
}

/** Keyed by account, region, name. */
export const secretsIn = (store: Store): Collection<SecretRecord> => store.collection("secretsmanager/secrets");
/** Names by account, region, time of creation, name: the order of ListSecrets. */
export const createdIn = (store: Store): Collection<true> => store.collection("secretsmanager/by-created");
/** Keyed by the time at which a deletion or a rotation falls due, account, region, name (due.ts). */
export const dueIn = (store: Store): Collection<true> => store.collection("secretsmanager/due");
/** Keyed by account, region, name with suffix, version id. */
export const valuesIn = (store: Store): Collection<EncryptedValue> => store.collection("secretsmanager/values");

export const secretKey = (scope: AwsScope, name: string): Key => [scope.accountId, scope.region, name];
export const secretKeyOf = (record: SecretRecord): Key => secretKey(record, record.name);

export const valueKey = ({ accountId, region, name, suffix }: SecretRecord, versionId: string): Key => [
  accountId,
  region,
  `${name}-${suffix}`,
  versionId,
];

export const secretArn = (secret: AwsScope & Pick<SecretRecord, "name" | "suffix">): string =>
  arnIn(secret, "secretsmanager", `secret:${secret.name}-${secret.suffix}`);

/** A time as part of a key or of a place in a list. */
export const sortable = (ms: number): string => String(ms).padStart(16, "0");

const createdKey = (record: SecretRecord): Key => [
  record.accountId,
  record.region,
  sortable(record.createdAtMs),
  record.name,
];
const dueKey = (dueMs: number, record: SecretRecord): Key => [sortable(dueMs), ...secretKeyOf(record)];

/** When something is to happen to the secret by itself. */
export function dueMsOf({ deletionAtMs, rotation }: SecretRecord): number | undefined {
  return deletionAtMs ?? (rotation?.isEnabled ? rotation.window?.opensAtMs : undefined);
}

/** Only inside a write: stores the record as it is to be from now on, and what is found by it. */
export function putSecret(store: Store, record: SecretRecord): void {
  const key = secretKeyOf(record);
  const secrets = secretsIn(store);
  const before = secrets.get(key);
  secrets.put(key, record);
  if (!before) createdIn(store).put(createdKey(record), true);
  const [due, dueBefore] = [dueMsOf(record), before && dueMsOf(before)];
  if (due === dueBefore) return;
  if (before && dueBefore !== undefined) dueIn(store).delete(dueKey(dueBefore, before));
  if (due === undefined) return;
  dueIn(store).put(dueKey(due, record), true);
  noteDue(store, due);
}

/** Only inside a write: the secret, all its values and what it was found by. */
export function forgetSecret(store: Store, record: SecretRecord): void {
  const values = valuesIn(store);
  for (const { id, isEmpty } of record.versions) if (!isEmpty) values.delete(valueKey(record, id));
  secretsIn(store).delete(secretKeyOf(record));
  createdIn(store).delete(createdKey(record));
  const due = dueMsOf(record);
  if (due !== undefined) dueIn(store).delete(dueKey(due, record));
}

/** True from the deletion date on; the record itself goes a moment later (due.ts). */
export const isGone = (record: SecretRecord, nowMs: number): boolean =>
  record.deletionAtMs !== undefined && record.deletionAtMs <= nowMs;
