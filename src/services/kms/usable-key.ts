/** Whether a key may be used now: shared by every cryptographic operation, checked after permission. */
import {
  asymmetricDataKey,
  dryRunSucceeded,
  invalidKeyUsage,
  invalidState,
  keyDisabled,
  unsupported,
  wrongKeyUsage,
} from "./errors.ts";
import { algorithmsOf, isSymmetricEncryption, type KeyUsage, specOf, usageOf } from "./key-specs.ts";
import { type KeyRecord, keyArn } from "./records.ts";

export const usabilityErrors = [
  keyDisabled,
  invalidState,
  invalidKeyUsage,
  wrongKeyUsage,
  asymmetricDataKey,
  unsupported,
  dryRunSucceeded,
];

interface CryptographicInput {
  readonly DryRun?: boolean | undefined;
  readonly Recipient?: object | undefined;
}

/** Throws unless the key is enabled. */
export function requireUsable(key: KeyRecord): void {
  requireNotPendingDeletion(key);
  requireMaterial(key);
  if (key.state === "Disabled") throw keyDisabled(keyArn(key));
}

/** Throws unless the key is for this usage, enabled, and the algorithm one of its own. AWS: in this order. */
export function requireUsableFor(key: KeyRecord, operation: string, usage: KeyUsage, algorithm: string): void {
  requireUsage(key, operation, usage);
  requireUsable(key);
  if (!algorithmsOf(key).includes(algorithm)) throw invalidKeyUsage(algorithm, specOf(key));
}

function requireUsage(key: KeyRecord, operation: string, usage: KeyUsage): void {
  if (usageOf(key) !== usage) throw wrongKeyUsage(keyArn(key), usageOf(key), operation);
}

/** Throws unless the key makes data keys. */
export function requireDataKeyMaker(key: KeyRecord, operation: string): void {
  requireUsage(key, operation, "ENCRYPT_DECRYPT");
  requireUsable(key);
  if (!isSymmetricEncryption(key)) throw asymmetricDataKey();
}

export function requireNotPendingDeletion(key: KeyRecord): void {
  if (key.state === "PendingDeletion") throw invalidState(keyArn(key), "pending deletion");
  if (key.state === "PendingReplicaDeletion") throw invalidState(keyArn(key), "pending replica deletion");
}

export const isPendingDeletion = ({ state }: KeyRecord): boolean =>
  state === "PendingDeletion" || state === "PendingReplicaDeletion";

/** Throws while a key with imported material waits for its import. */
export function requireMaterial(key: KeyRecord): void {
  if (key.state === "PendingImport") throw invalidState(keyArn(key), "pending import");
}

/** Throws for enclave recipients, and ends a dry run. Last check before the work. */
export function refuseSpecialModes(input: CryptographicInput): void {
  if (input.Recipient) throw unsupported("`Recipient` (Nitro enclaves)");
  if (input.DryRun) throw dryRunSucceeded();
}
