/**
 * The rules that are silent unless more is known than files (the project, its role, what the stores hold) or the buildspec
 * describes a batch, by id. With what they stand on, the policy engine above all, they are a third of the checker, so
 * needed-rules.ts leaves them on the disk where they could say nothing.
 */
import type { Rule } from "../rule.ts";
import { batchBuildspecNotFound } from "./batch-buildspec-not-found.ts";
import { batchDependOnInList } from "./batch-depend-on-in-list.ts";
import { batchFastFailNoEffect } from "./batch-fast-fail-no-effect.ts";
import { batchInvalid } from "./batch-invalid.ts";
import { batchNotConfigured } from "./batch-not-configured.ts";
import { batchRoleMissing } from "./batch-role-missing.ts";
import { batchUnknownKey } from "./batch-unknown-key.ts";
import { imageComputeMismatch } from "./image-compute-mismatch.ts";
import { imageLambdaLimits } from "./image-lambda-limits.ts";
import { imagePullCredentials } from "./image-pull-credentials.ts";
import { imageUnknownCurated } from "./image-unknown-curated.ts";
import { kmsKeyUnusable } from "./kms-key-unusable.ts";
import { projectBuildspecIgnored } from "./project-buildspec-ignored.ts";
import { projectLocalCache } from "./project-local-cache.ts";
import { projectLogsDisabled } from "./project-logs-disabled.ts";
import { projectPlaintextSecret } from "./project-plaintext-secret.ts";
import { projectReferenceAsText } from "./project-reference-as-text.ts";
import { projectRetryIgnored } from "./project-retry-ignored.ts";
import { roleKmsDecryptMissing } from "./role-kms-decrypt-missing.ts";
import { roleOverBroad } from "./role-over-broad.ts";
import { rolePermissionMissing } from "./role-permission-missing.ts";
import { rolePolicyInvalid } from "./role-policy-invalid.ts";
import { roleResourceMismatch } from "./role-resource-mismatch.ts";
import { roleTrustPolicy } from "./role-trust-policy.ts";
import { roleWrongAction } from "./role-wrong-action.ts";
import { runtimeNoneSelected } from "./runtime-none-selected.ts";
import { runtimeNotSupportedByImage } from "./runtime-not-supported-by-image.ts";
import { secretsManagerJsonKeyNotFound } from "./secrets-manager-json-key-not-found.ts";
import { secretsManagerNotFound } from "./secrets-manager-not-found.ts";
import { sourcesNoGitRepository } from "./sources-no-git-repository.ts";
import { sourcesSecondaryUnknown } from "./sources-secondary-unknown.ts";
import { ssmConsoleRolePrefix } from "./ssm-console-role-prefix.ts";
import { ssmListType } from "./ssm-list-type.ts";
import { ssmNameConvention } from "./ssm-name-convention.ts";
import { ssmParameterNotFound } from "./ssm-parameter-not-found.ts";
import { ssmStringForSecret } from "./ssm-string-for-secret.ts";

export const knowledgeRules: readonly Rule[] = [
  batchBuildspecNotFound,
  batchDependOnInList,
  batchFastFailNoEffect,
  batchInvalid,
  batchNotConfigured,
  batchRoleMissing,
  batchUnknownKey,
  imageComputeMismatch,
  imageLambdaLimits,
  imagePullCredentials,
  imageUnknownCurated,
  kmsKeyUnusable,
  projectBuildspecIgnored,
  projectLocalCache,
  projectLogsDisabled,
  projectPlaintextSecret,
  projectReferenceAsText,
  projectRetryIgnored,
  roleKmsDecryptMissing,
  roleOverBroad,
  rolePermissionMissing,
  rolePolicyInvalid,
  roleResourceMismatch,
  roleTrustPolicy,
  roleWrongAction,
  runtimeNoneSelected,
  runtimeNotSupportedByImage,
  secretsManagerJsonKeyNotFound,
  secretsManagerNotFound,
  sourcesNoGitRepository,
  sourcesSecondaryUnknown,
  ssmConsoleRolePrefix,
  ssmListType,
  ssmNameConvention,
  ssmParameterNotFound,
  ssmStringForSecret,
];
