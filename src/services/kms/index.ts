/**
 * AWS Key Management Service: symmetric keys that really encrypt, with key policies and grants that really decide.
 *
 * Sources: https://docs.aws.amazon.com/kms/latest/APIReference/ and responses recorded from AWS, November 2026.
 * Gaps: asymmetric, HMAC, multi-Region and imported keys, grants to AWS services, rotation, custom key stores, Nitro enclaves.
 * Differences: the ciphertext blob has its own layout and decrypts only here; a key is gone from its deletion date on,
 * to the second; a grant counts from the moment it is made until the moment it ends.
 */
import type { ServiceDefinition } from "../service.ts";

export const kms: ServiceDefinition = {
  name: "kms",
  title: "Key Management Service",
  protocol: "awsJson1_1",
  targetPrefix: "TrentService",
  operations: async () => (await import("./operations.ts")).operations,
};
