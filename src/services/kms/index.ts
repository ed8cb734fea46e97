/**
 * AWS Key Management Service: keys that really encrypt, sign, authenticate and agree, with key policies and grants that
 * really decide.
 *
 * Sources: https://docs.aws.amazon.com/kms/latest/APIReference/ and responses recorded from AWS, November 2026.
 * Gaps: SM2 and ML-DSA keys, Ed25519ph, on-demand rotation of multi-Region keys with imported material, grants to AWS
 * services, custom key stores, Nitro enclaves.
 * Differences: the ciphertext blob has its own layout and decrypts only here; a key is gone from its deletion date on,
 * to the second; a grant counts from the moment it is made until the moment it ends; rotations, replications and moves of
 * the primary are done when their call answers.
 */
import type { ServiceDefinition } from "../service.ts";

export const kms: ServiceDefinition = {
  name: "kms",
  title: "Key Management Service",
  protocol: "awsJson1_1",
  targetPrefix: "TrentService",
  operations: async () => (await import("./operations.ts")).operations,
};
