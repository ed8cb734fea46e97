/** Whether a key may be used now: shared by every cryptographic operation, checked after permission. */
import { dryRunSucceeded, invalidKeyUsage, invalidState, keyDisabled, unsupported } from "./errors.ts";
import { type KeyRecord, keyArn } from "./records.ts";

export const usabilityErrors = [keyDisabled, invalidState, invalidKeyUsage, unsupported, dryRunSucceeded];

interface CryptographicInput {
  readonly DryRun?: boolean | undefined;
  readonly Recipient?: object | undefined;
}

/** Throws unless the key is enabled and the algorithm is one of its own. */
export function requireUsable(key: KeyRecord, algorithm = "SYMMETRIC_DEFAULT"): void {
  requireNotPendingDeletion(key);
  if (key.state === "Disabled") throw keyDisabled(keyArn(key));
  if (algorithm !== "SYMMETRIC_DEFAULT") throw invalidKeyUsage(algorithm, "SYMMETRIC_DEFAULT");
}

export function requireNotPendingDeletion(key: KeyRecord): void {
  if (key.state === "PendingDeletion") throw invalidState(keyArn(key), "pending deletion");
}

/** Throws for enclave recipients, and ends a dry run. Last check before the work. */
export function refuseSpecialModes(input: CryptographicInput): void {
  if (input.Recipient) throw unsupported("`Recipient` (Nitro enclaves)");
  if (input.DryRun) throw dryRunSucceeded();
}
