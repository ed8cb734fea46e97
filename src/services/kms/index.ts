/**
 * AWS Key Management Service: symmetric keys that really encrypt, with key policies that really decide.
 *
 * Sources: https://docs.aws.amazon.com/kms/latest/APIReference/ and responses recorded from AWS, November 2026.
 * Gaps: asymmetric, HMAC, multi-Region and imported keys, grants, rotation, custom key stores, Nitro enclaves.
 * Differences: the ciphertext blob has its own layout and decrypts only here; a key is gone from its deletion date on,
 * to the second; PutKeyPolicy does not check that the caller could change the policy again.
 */
import type { ServiceDefinition } from "../service.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./aliases.ts";
import { createKey } from "./create-key.ts";
import { generateDataKey, generateDataKeyWithoutPlaintext, generateRandom } from "./data-keys.ts";
import { describeKey, listKeys } from "./describe-keys.ts";
import { decrypt, encrypt, reEncrypt } from "./encrypt.ts";
import { cancelKeyDeletion, scheduleKeyDeletion } from "./key-deletion.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./key-policy.ts";
import { disableKey, enableKey, updateKeyDescription } from "./key-state.ts";
import { listResourceTags, tagResource, untagResource } from "./tags.ts";

export const kms: ServiceDefinition = {
  name: "kms",
  title: "Key Management Service",
  protocol: "awsJson1_1",
  targetPrefix: "TrentService",
  operations: [
    createKey,
    describeKey,
    listKeys,
    enableKey,
    disableKey,
    updateKeyDescription,
    scheduleKeyDeletion,
    cancelKeyDeletion,
    createAlias,
    updateAlias,
    deleteAlias,
    listAliases,
    encrypt,
    decrypt,
    reEncrypt,
    generateDataKey,
    generateDataKeyWithoutPlaintext,
    generateRandom,
    getKeyPolicy,
    putKeyPolicy,
    listKeyPolicies,
    tagResource,
    untagResource,
    listResourceTags,
  ],
};
