/** The operations of KMS, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./aliases.ts";
import { createGrant } from "./create-grant.ts";
import { createKey } from "./create-key.ts";
import { generateDataKey, generateDataKeyWithoutPlaintext, generateRandom } from "./data-keys.ts";
import { describeKey, listKeys } from "./describe-keys.ts";
import { decrypt, encrypt, reEncrypt } from "./encrypt.ts";
import { retireGrant, revokeGrant } from "./end-grants.ts";
import { cancelKeyDeletion, scheduleKeyDeletion } from "./key-deletion.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./key-policy.ts";
import { disableKey, enableKey, updateKeyDescription } from "./key-state.ts";
import { listGrants, listRetirableGrants } from "./list-grants.ts";
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
  createGrant,
  listGrants,
  listRetirableGrants,
  retireGrant,
  revokeGrant,
  tagResource,
  untagResource,
  listResourceTags,
];
