/** The operations of KMS, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { generateDataKeyPair, generateDataKeyPairWithoutPlaintext } from "./cryptography/data-key-pairs.ts";
import { generateDataKey, generateDataKeyWithoutPlaintext, generateRandom } from "./cryptography/data-keys.ts";
import { deriveSharedSecret } from "./cryptography/derive-shared-secret.ts";
import { decrypt, encrypt, reEncrypt } from "./cryptography/encrypt.ts";
import { generateMac, verifyMac } from "./cryptography/mac.ts";
import { getPublicKey } from "./cryptography/public-key.ts";
import { sign, verify } from "./cryptography/sign.ts";
import { createGrant } from "./grants/create-grant.ts";
import { retireGrant, revokeGrant } from "./grants/end-grants.ts";
import { listGrants, listRetirableGrants } from "./grants/list-grants.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./keys/aliases.ts";
import { createKey } from "./keys/create-key.ts";
import { describeKey, listKeys } from "./keys/describe-keys.ts";
import { cancelKeyDeletion, scheduleKeyDeletion } from "./keys/key-deletion.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./keys/key-policy.ts";
import { disableKey, enableKey, updateKeyDescription } from "./keys/key-state.ts";
import { getKeyLastUsage, noted } from "./keys/last-usage.ts";
import { listResourceTags, tagResource, untagResource } from "./keys/tags.ts";
import { deleteImportedKeyMaterial, importKeyMaterial } from "./material/import-material.ts";
import { getParametersForImport } from "./material/import-parameters.ts";
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeyRotations,
  rotateKeyOnDemand,
} from "./material/rotation.ts";
import { replicateKey, updatePrimaryRegion } from "./multi-region/multi-region-keys.ts";

export const operations: Operations = [
  createKey,
  describeKey,
  listKeys,
  enableKey,
  disableKey,
  updateKeyDescription,
  scheduleKeyDeletion,
  cancelKeyDeletion,
  enableKeyRotation,
  disableKeyRotation,
  getKeyRotationStatus,
  rotateKeyOnDemand,
  listKeyRotations,
  getParametersForImport,
  importKeyMaterial,
  deleteImportedKeyMaterial,
  replicateKey,
  updatePrimaryRegion,
  getKeyLastUsage,
  createAlias,
  updateAlias,
  deleteAlias,
  listAliases,
  noted(encrypt),
  noted(decrypt),
  noted(reEncrypt),
  noted(generateDataKey),
  noted(generateDataKeyWithoutPlaintext),
  noted(generateDataKeyPair),
  noted(generateDataKeyPairWithoutPlaintext),
  generateRandom,
  getPublicKey,
  noted(sign),
  noted(verify),
  noted(generateMac),
  noted(verifyMac),
  noted(deriveSharedSecret),
  getKeyPolicy,
  putKeyPolicy,
  listKeyPolicies,
  createGrant,
  listGrants,
  listRetirableGrants,
  retireGrant,
  revokeGrant,
  tagResource,
  untagResource,
  listResourceTags,
];
