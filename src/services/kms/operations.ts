/** The operations of KMS, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./aliases.ts";
import { createGrant } from "./create-grant.ts";
import { createKey } from "./create-key.ts";
import { generateDataKeyPair, generateDataKeyPairWithoutPlaintext } from "./data-key-pairs.ts";
import { generateDataKey, generateDataKeyWithoutPlaintext, generateRandom } from "./data-keys.ts";
import { deriveSharedSecret } from "./derive-shared-secret.ts";
import { describeKey, listKeys } from "./describe-keys.ts";
import { decrypt, encrypt, reEncrypt } from "./encrypt.ts";
import { retireGrant, revokeGrant } from "./end-grants.ts";
import { deleteImportedKeyMaterial, importKeyMaterial } from "./import-material.ts";
import { getParametersForImport } from "./import-parameters.ts";
import { cancelKeyDeletion, scheduleKeyDeletion } from "./key-deletion.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./key-policy.ts";
import { disableKey, enableKey, updateKeyDescription } from "./key-state.ts";
import { getKeyLastUsage, noted } from "./last-usage.ts";
import { listGrants, listRetirableGrants } from "./list-grants.ts";
import { generateMac, verifyMac } from "./mac.ts";
import { replicateKey, updatePrimaryRegion } from "./multi-region-keys.ts";
import { getPublicKey } from "./public-key.ts";
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeyRotations,
  rotateKeyOnDemand,
} from "./rotation.ts";
import { sign, verify } from "./sign.ts";
import { listResourceTags, tagResource, untagResource } from "./tags.ts";

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
