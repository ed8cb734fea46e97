/** The operations of Secrets Manager, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { batchGetSecretValue } from "./batch-get-secret-value.ts";
import { createSecret } from "./create-secret.ts";
import { deleteSecret, restoreSecret } from "./delete-secret.ts";
import { describeSecret, listSecrets, listSecretVersionIds } from "./describe-secrets.ts";
import { getRandomPassword } from "./get-random-password.ts";
import { getSecretValue } from "./get-secret-value.ts";
import { putSecretValue } from "./put-secret-value.ts";
import {
  deleteResourcePolicy,
  getResourcePolicy,
  putResourcePolicy,
  validateResourcePolicy,
} from "./resource-policy.ts";
import { cancelRotateSecret, rotateSecret } from "./rotation/rotate-secret.ts";
import { tagResource, untagResource } from "./tags.ts";
import { updateSecret } from "./update-secret.ts";
import { updateSecretVersionStage } from "./update-secret-version-stage.ts";

export const operations: Operations = [
  createSecret,
  getSecretValue,
  batchGetSecretValue,
  putSecretValue,
  updateSecret,
  updateSecretVersionStage,
  describeSecret,
  listSecrets,
  listSecretVersionIds,
  deleteSecret,
  restoreSecret,
  getRandomPassword,
  tagResource,
  untagResource,
  putResourcePolicy,
  getResourcePolicy,
  deleteResourcePolicy,
  validateResourcePolicy,
  rotateSecret,
  cancelRotateSecret,
];
