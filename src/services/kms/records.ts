/** What KMS keeps: keys with their sealed material and policy, and aliases. Read by every file of this folder. */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { Collection, Key, Store } from "../../store/store.ts";
import type { KeySpec, KeyUsage } from "./key-specs.ts";

export interface KeyMaterial {
  /** 64 hex digits; inside every ciphertext, so that older material still decrypts after a rotation. */
  readonly id: string;
  /**
   * Sealed under the store's master key with context {@link materialContext}: the bytes of a symmetric key, the private key
   * of a pair as PKCS #8. Opened in key-material.ts only.
   */
  readonly sealed: string;
  /** Of a pair only: SubjectPublicKeyInfo, in base64. */
  readonly publicKey?: string;
  /** When a rotation made it the one that encrypts, and which kind of rotation; absent for a key's first material. */
  readonly rotatedAtMs?: number;
  readonly rotationType?: "AUTOMATIC" | "ON_DEMAND";
}

/** What a key with origin EXTERNAL knows of one material, also while the bytes themselves are deleted or expired. */
export interface ImportedMaterial extends Omit<KeyMaterial, "sealed"> {
  readonly isPresent: boolean;
  /** From then on the bytes are gone; absent for material that does not expire. */
  readonly expiresAtMs?: number;
  readonly description?: string;
  /** New material that RotateKeyOnDemand is yet to make the current one. */
  readonly isPendingRotation?: true;
}

/** Automatic rotation of a key, kept while it is off for its period. */
export interface AutomaticRotation {
  readonly isEnabled: boolean;
  readonly periodDays: number;
  /** Meaningless while it is off. */
  readonly nextAtMs: number;
}

/** The same in the record of each related key. */
export interface MultiRegion {
  readonly primaryRegion: string;
  /** Sorted, without the primary's. */
  readonly replicaRegions: readonly string[];
}

export interface KeyRecord {
  /** UUID, or `mrk-` and 32 hex digits. */
  readonly id: string;
  readonly accountId: string;
  readonly partition: string;
  readonly region: string;
  readonly createdAtMs: number;
  readonly description: string;
  readonly manager: "AWS" | "CUSTOMER";
  /** As stored; what fell due since is in none of these: read keys through find-key.ts. */
  readonly state: "Enabled" | "Disabled" | "PendingDeletion" | "PendingReplicaDeletion" | "PendingImport";
  /** Set while the state is PendingDeletion. From then on the key does not exist. */
  readonly deletionAtMs?: number;
  /** Set while the state is PendingDeletion or PendingReplicaDeletion. */
  readonly pendingWindowDays?: number;
  /** Absent: SYMMETRIC_DEFAULT and ENCRYPT_DECRYPT (key-specs.ts). */
  readonly spec?: KeySpec;
  readonly usage?: KeyUsage;
  /** Absent: AWS_KMS. */
  readonly origin?: "EXTERNAL";
  /**
   * Oldest first; the last one encrypts. Empty only for origin EXTERNAL before its import, after the material was deleted
   * or when it expired: its state is PendingImport then. Material pending rotation is in `pendingMaterial`.
   */
  readonly material: readonly KeyMaterial[];
  /** Origin EXTERNAL only: every material that the key ever had, oldest first. */
  readonly imports?: readonly ImportedMaterial[];
  readonly pendingMaterial?: KeyMaterial;
  /** Absent for keys whose automatic rotation was never on. */
  readonly rotation?: AutomaticRotation;
  readonly multiRegion?: MultiRegion;
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

/** The last cryptographic use of a key. */
export interface KeyUse {
  readonly operation: string;
  readonly atMs: number;
  readonly requestId: string;
}

/** Keyed by account, region, key id; absent for keys that were never used. Written by last-usage.ts. */
export const lastUsesIn = (store: Store): Collection<KeyUse> => store.collection("kms/last-uses");

export const recordKey = (scope: AwsScope, name: string): Key => [scope.accountId, scope.region, name];
export const recordKeyOf = (key: KeyRecord): Key => [key.accountId, key.region, key.id];

export const keyArn = (key: KeyRecord): string => arnIn(key, "kms", `key/${key.id}`);
export const aliasArn = (scope: AwsScope, aliasName: string): string => arnIn(scope, "kms", aliasName);

export const materialContext = (key: Pick<KeyRecord, "id">, materialId: string): string =>
  `kms/${key.id}/${materialId}`;
