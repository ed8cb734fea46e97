/** All rules of the checker, by id. A new rule is a file here, a line in this list, a golden case and a page in docs/checks/. */
import type { Rule } from "../rule.ts";
import { artifactsSecondaryUnmatched } from "./artifacts-secondary-unmatched.ts";
import { batchBuildspecNotFound } from "./batch-buildspec-not-found.ts";
import { batchInvalid } from "./batch-invalid.ts";
import { batchUnknownKey } from "./batch-unknown-key.ts";
import { buildspecDuplicateKey } from "./buildspec-duplicate-key.ts";
import { buildspecFileName } from "./buildspec-file-name.ts";
import { buildspecIgnored } from "./buildspec-ignored.ts";
import { buildspecMissingVersion } from "./buildspec-missing-version.ts";
import { buildspecSyntax } from "./buildspec-syntax.ts";
import { buildspecUnknownKey } from "./buildspec-unknown-key.ts";
import { cacheNotUsed } from "./cache-not-used.ts";
import { dockerGetLoginRemoved } from "./docker-get-login-removed.ts";
import { dockerPrivilegedMode } from "./docker-privileged-mode.ts";
import { dockerPushAfterFailedBuild } from "./docker-push-after-failed-build.ts";
import { dockerPushWithoutLogin } from "./docker-push-without-login.ts";
import { dockerRegistryUrlScheme } from "./docker-registry-url-scheme.ts";
import { envSecretInCommand } from "./env-secret-in-command.ts";
import { envShellNotSupported } from "./env-shell-not-supported.ts";
import { envSsmReferenceOutsideParameterStore } from "./env-ssm-reference-outside-parameter-store.ts";
import { pathsNotFound } from "./paths-not-found.ts";
import { pathsRepeatedBaseDirectory } from "./paths-repeated-base-directory.ts";
import { phasesCommandIsMapping } from "./phases-command-is-mapping.ts";
import { phasesCommandsNotAList } from "./phases-commands-not-a-list.ts";
import { phasesEnvironmentNotSupported } from "./phases-environment-not-supported.ts";
import { phasesOnFailureUnknown } from "./phases-on-failure-unknown.ts";
import { reportsTooManyGroups } from "./reports-too-many-groups.ts";
import { reportsUnknownFormat } from "./reports-unknown-format.ts";
import { runAsUnknownUser } from "./run-as-unknown-user.ts";
import { runtimeNoneSelected } from "./runtime-none-selected.ts";
import { runtimeUnknownVersion } from "./runtime-unknown-version.ts";
import { shellBashismUnderSh } from "./shell-bashism-under-sh.ts";
import { sourcesSecondaryUnknown } from "./sources-secondary-unknown.ts";
import { ssmParameterNotFound } from "./ssm-parameter-not-found.ts";
import { ssmStringForSecret } from "./ssm-string-for-secret.ts";

export const rules: readonly Rule[] = [
  artifactsSecondaryUnmatched,
  batchBuildspecNotFound,
  batchInvalid,
  batchUnknownKey,
  buildspecDuplicateKey,
  buildspecFileName,
  buildspecIgnored,
  buildspecMissingVersion,
  buildspecSyntax,
  buildspecUnknownKey,
  cacheNotUsed,
  dockerGetLoginRemoved,
  dockerPrivilegedMode,
  dockerPushAfterFailedBuild,
  dockerPushWithoutLogin,
  dockerRegistryUrlScheme,
  envSecretInCommand,
  envShellNotSupported,
  envSsmReferenceOutsideParameterStore,
  pathsNotFound,
  pathsRepeatedBaseDirectory,
  phasesCommandIsMapping,
  phasesCommandsNotAList,
  phasesEnvironmentNotSupported,
  phasesOnFailureUnknown,
  reportsTooManyGroups,
  reportsUnknownFormat,
  runAsUnknownUser,
  runtimeNoneSelected,
  runtimeUnknownVersion,
  shellBashismUnderSh,
  sourcesSecondaryUnknown,
  ssmParameterNotFound,
  ssmStringForSecret,
];
