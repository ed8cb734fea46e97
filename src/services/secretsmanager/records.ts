/**
 * What Secrets Manager keeps: one record per secret with the facts of its versions, and the values apart, encrypted.
 * Read by every file of this folder.
 */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { Collection, Key, Store } from "../../store/store.ts";

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
  /** Absent until the first tag; stays when the last is removed. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The resource policy's JSON, as given. */
  readonly policyText?: string;
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
/** Keyed by account, region, name with suffix, version id. */
export const valuesIn = (store: Store): Collection<EncryptedValue> => store.collection("secretsmanager/values");

export const secretKey = (scope: AwsScope, name: string): Key => [scope.accountId, scope.region, name];
export const secretKeyOf = (record: SecretRecord): Key => secretKey(record, record.name);

export const valuesKey = ({ accountId, region, name, suffix }: SecretRecord): Key => [
  accountId,
  region,
  `${name}-${suffix}`,
];
export const valueKey = (record: SecretRecord, versionId: string): Key => [...valuesKey(record), versionId];

export const secretArn = (secret: AwsScope & Pick<SecretRecord, "name" | "suffix">): string =>
  arnIn(secret, "secretsmanager", `secret:${secret.name}-${secret.suffix}`);

/** True from the deletion date on; the record itself goes when its name is used again. */
export const isGone = (record: SecretRecord, nowMs: number): boolean =>
  record.deletionAtMs !== undefined && record.deletionAtMs <= nowMs;
