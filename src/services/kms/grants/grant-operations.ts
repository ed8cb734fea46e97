/**
 * Which operations a grant may permit: those that the key is for.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations
 */

import { isPair, isSymmetricEncryption, type KeyUsage, specOf, usageOf } from "../key-specs.ts";
import type { KeyRecord } from "../records.ts";
import { grantOnlyGrants, grantOperationRefused } from "./errors.ts";

const OF_EVERY_KEY = ["CreateGrant", "RetireGrant", "DescribeKey"];
const OF_USAGE: Readonly<Record<KeyUsage, readonly string[]>> = {
  ENCRYPT_DECRYPT: ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"],
  SIGN_VERIFY: ["Sign", "Verify"],
  GENERATE_VERIFY_MAC: ["GenerateMac", "VerifyMac"],
  KEY_AGREEMENT: ["DeriveSharedSecret"],
};
const OF_SYMMETRIC_ENCRYPTION = ["GenerateDataKey", "GenerateDataKeyPair"].flatMap((name) => [
  name,
  `${name}WithoutPlaintext`,
]);

/** Throws for an operation that the kind of key does not have, and for a grant of nothing but further grants. */
export function requireGrantable(key: KeyRecord, operations: readonly string[]): void {
  const grantable = new Set([
    ...OF_EVERY_KEY,
    ...OF_USAGE[usageOf(key)],
    ...(isSymmetricEncryption(key) ? OF_SYMMETRIC_ENCRYPTION : []),
    ...(isPair(key) ? ["GetPublicKey"] : []),
  ]);
  for (const name of operations) if (!grantable.has(name)) throw grantOperationRefused(name, specOf(key));
  if (operations.every((name) => name === "CreateGrant")) throw grantOnlyGrants();
}
