/** What KMS keeps: keys with their sealed material and policy, and aliases. Read by every file of this folder. */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { Collection, Key, Store } from "../../store/store.ts";

export interface KeyMaterial {
  /** 64 hex digits; inside every ciphertext, so that older material still decrypts after a rotation. */
  readonly id: string;
  /** 32 bytes, sealed under the store's master key with context {@link materialContext}. */
  readonly sealed: string;
}

export interface KeyRecord {
  /** UUID. */
  readonly id: string;
  readonly accountId: string;
  readonly partition: string;
  readonly region: string;
  readonly createdAtMs: number;
  readonly description: string;
  readonly manager: "AWS" | "CUSTOMER";
  readonly state: "Enabled" | "Disabled" | "PendingDeletion";
  /** Set while the state is PendingDeletion. From then on the key does not exist. */
  readonly deletionAtMs?: number;
  readonly pendingWindowDays?: number;
  /** Oldest first; the last one encrypts. Never empty. */
  readonly material: readonly KeyMaterial[];
  readonly policy: PolicyDocument;
  readonly tags: Readonly<Record<string, string>>;
  /** Names (`alias/…`) of the aliases that point here, sorted; kept equal to the alias records. */
  readonly aliasNames: readonly string[];
}

export interface AliasRecord {
  /** With its prefix: `alias/app`. */
  readonly name: string;
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Keyed by account, region, key id. */
export const keysIn = (store: Store): Collection<KeyRecord> => store.collection("kms/keys");
/** Keyed by account, region, alias name. */
export const aliasesIn = (store: Store): Collection<AliasRecord> => store.collection("kms/aliases");

export const recordKey = (scope: AwsScope, name: string): Key => [scope.accountId, scope.region, name];
export const recordKeyOf = (key: KeyRecord): Key => [key.accountId, key.region, key.id];

export const keyArn = (key: KeyRecord): string => arnIn(key, "kms", `key/${key.id}`);
export const aliasArn = (scope: AwsScope, aliasName: string): string => arnIn(scope, "kms", aliasName);

export const materialContext = (key: Pick<KeyRecord, "id">, materialId: string): string =>
  `kms/${key.id}/${materialId}`;
