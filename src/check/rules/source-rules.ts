/** The rules that find something in a buildspec and the files around it, by id. */
import type { Rule } from "../rule.ts";
import { artifactsBaseDirectory } from "./artifacts-base-directory.ts";
import { artifactsDiscardPathsCollision } from "./artifacts-discard-paths-collision.ts";
import { artifactsEmptyFiles } from "./artifacts-empty-files.ts";
import { artifactsNoMatch } from "./artifacts-no-match.ts";
import { artifactsQuoteInGlob } from "./artifacts-quote-in-glob.ts";
import { artifactsSecondaryUnmatched } from "./artifacts-secondary-unmatched.ts";
import { awsCliEcrPublicRegion } from "./aws-cli-ecr-public-region.ts";
import { awsCliGetParameterEncrypted } from "./aws-cli-get-parameter-encrypted.ts";
import { awsCliUnknownOption } from "./aws-cli-unknown-option.ts";
import { buildspecDuplicateKey } from "./buildspec-duplicate-key.ts";
import { buildspecFileName } from "./buildspec-file-name.ts";
import { buildspecIgnored } from "./buildspec-ignored.ts";
import { buildspecItemJoined } from "./buildspec-item-joined.ts";
import { buildspecMissingVersion } from "./buildspec-missing-version.ts";
import { buildspecNotCodebuild } from "./buildspec-not-codebuild.ts";
import { buildspecOldVersion } from "./buildspec-old-version.ts";
import { buildspecProxyWithoutVariables } from "./buildspec-proxy-without-variables.ts";
import { buildspecSyntax } from "./buildspec-syntax.ts";
import { buildspecUnknownKey } from "./buildspec-unknown-key.ts";
import { cacheNotUsed } from "./cache-not-used.ts";
import { cachePathUseless } from "./cache-path-useless.ts";
import { commandsDeployAfterFailedBuild } from "./commands-deploy-after-failed-build.ts";
import { commandsInteractivePrompt } from "./commands-interactive-prompt.ts";
import { commandsPlaceholderLeft } from "./commands-placeholder-left.ts";
import { dockerBuildArguments } from "./docker-build-arguments.ts";
import { dockerBuildxWithoutLoadOrPush } from "./docker-buildx-without-load-or-push.ts";
import { dockerDaemonNotStarted } from "./docker-daemon-not-started.ts";
import { dockerEcrLoginRegion } from "./docker-ecr-login-region.ts";
import { dockerGetLoginPasswordExecuted } from "./docker-get-login-password-executed.ts";
import { dockerGetLoginRemoved } from "./docker-get-login-removed.ts";
import { dockerInvalidReference } from "./docker-invalid-reference.ts";
import { dockerLoginEmptyPipe } from "./docker-login-empty-pipe.ts";
import { dockerLoginPasswordArgument } from "./docker-login-password-argument.ts";
import { dockerPrivilegedMode } from "./docker-privileged-mode.ts";
import { dockerPushAfterFailedBuild } from "./docker-push-after-failed-build.ts";
import { dockerPushWithoutLogin } from "./docker-push-without-login.ts";
import { dockerRegistryUrlScheme } from "./docker-registry-url-scheme.ts";
import { dockerTagNeverMade } from "./docker-tag-never-made.ts";
import { dockerfileBuildArgUnused } from "./dockerfile-build-arg-unused.ts";
import { dockerfileCopySourceNotFound } from "./dockerfile-copy-source-not-found.ts";
import { dockerfileDockerHubWithoutLogin } from "./dockerfile-docker-hub-without-login.ts";
import { dockerfileNameCase } from "./dockerfile-name-case.ts";
import { dockerfileNotFound } from "./dockerfile-not-found.ts";
import { dockerfileSyntax } from "./dockerfile-syntax.ts";
import { dockerfileTargetNotFound } from "./dockerfile-target-not-found.ts";
import { envExportedVariableUnset } from "./env-exported-variable-unset.ts";
import { envSecretInCommand } from "./env-secret-in-command.ts";
import { envShellNotSupported } from "./env-shell-not-supported.ts";
import { envSsmReferenceOutsideParameterStore } from "./env-ssm-reference-outside-parameter-store.ts";
import { envValueNotExpanded } from "./env-value-not-expanded.ts";
import { envVariableName } from "./env-variable-name.ts";
import { envVariableTwice } from "./env-variable-twice.ts";
import { filesGradleWrapperMissing } from "./files-gradle-wrapper-missing.ts";
import { filesMavenSettingsUnused } from "./files-maven-settings-unused.ts";
import { filesNeededNotFound } from "./files-needed-not-found.ts";
import { makeTargetNotFound } from "./make-target-not-found.ts";
import { nodeLockMissing } from "./node-lock-missing.ts";
import { nodePackageJsonNotFound } from "./node-package-json-not-found.ts";
import { nodeScriptNotFound } from "./node-script-not-found.ts";
import { nodeWorkspaceNotFound } from "./node-workspace-not-found.ts";
import { pathsCrlfScript } from "./paths-crlf-script.ts";
import { pathsGitFolder } from "./paths-git-folder.ts";
import { pathsGitIgnored } from "./paths-git-ignored.ts";
import { pathsNonAsciiName } from "./paths-non-ascii-name.ts";
import { pathsNotExecutable } from "./paths-not-executable.ts";
import { pathsNotFound } from "./paths-not-found.ts";
import { pathsOutsideSource } from "./paths-outside-source.ts";
import { pathsRepeatedBaseDirectory } from "./paths-repeated-base-directory.ts";
import { pathsSubmodule } from "./paths-submodule.ts";
import { pathsUntracked } from "./paths-untracked.ts";
import { phasesCommandIsMapping } from "./phases-command-is-mapping.ts";
import { phasesCommandsNotAList } from "./phases-commands-not-a-list.ts";
import { phasesEnvironmentNotSupported } from "./phases-environment-not-supported.ts";
import { phasesNoCommands } from "./phases-no-commands.ts";
import { phasesOnFailureUnknown } from "./phases-on-failure-unknown.ts";
import { projectTimeout } from "./project-timeout.ts";
import { pythonRequirementsNotFound } from "./python-requirements-not-found.ts";
import { reportsFilesNotFound } from "./reports-files-not-found.ts";
import { reportsTooManyGroups } from "./reports-too-many-groups.ts";
import { reportsUnknownFormat } from "./reports-unknown-format.ts";
import { runAsUnknownUser } from "./run-as-unknown-user.ts";
import { runtimeConflict } from "./runtime-conflict.ts";
import { runtimeUnknownVersion } from "./runtime-unknown-version.ts";
import { runtimeUnquotedVersion } from "./runtime-unquoted-version.ts";
import { secretsHardCoded } from "./secrets-hard-coded.ts";
import { secretsManagerReferenceSyntax } from "./secrets-manager-reference-syntax.ts";
import { shellBashismUnderSh } from "./shell-bashism-under-sh.ts";
import { shellContinuationInPlainScalar } from "./shell-continuation-in-plain-scalar.ts";
import { shellLostExitStatus } from "./shell-lost-exit-status.ts";
import { shellStateNotCarriedOver } from "./shell-state-not-carried-over.ts";
import { shellSyntax } from "./shell-syntax.ts";

export const sourceRules: readonly Rule[] = [
  artifactsBaseDirectory,
  artifactsDiscardPathsCollision,
  artifactsEmptyFiles,
  artifactsNoMatch,
  artifactsQuoteInGlob,
  artifactsSecondaryUnmatched,
  awsCliEcrPublicRegion,
  awsCliGetParameterEncrypted,
  awsCliUnknownOption,
  buildspecDuplicateKey,
  buildspecFileName,
  buildspecIgnored,
  buildspecItemJoined,
  buildspecMissingVersion,
  buildspecNotCodebuild,
  buildspecOldVersion,
  buildspecProxyWithoutVariables,
  buildspecSyntax,
  buildspecUnknownKey,
  cacheNotUsed,
  cachePathUseless,
  commandsDeployAfterFailedBuild,
  commandsInteractivePrompt,
  commandsPlaceholderLeft,
  dockerBuildArguments,
  dockerBuildxWithoutLoadOrPush,
  dockerDaemonNotStarted,
  dockerEcrLoginRegion,
  dockerGetLoginPasswordExecuted,
  dockerGetLoginRemoved,
  dockerInvalidReference,
  dockerLoginEmptyPipe,
  dockerLoginPasswordArgument,
  dockerPrivilegedMode,
  dockerPushAfterFailedBuild,
  dockerPushWithoutLogin,
  dockerRegistryUrlScheme,
  dockerTagNeverMade,
  dockerfileBuildArgUnused,
  dockerfileCopySourceNotFound,
  dockerfileDockerHubWithoutLogin,
  dockerfileNameCase,
  dockerfileNotFound,
  dockerfileSyntax,
  dockerfileTargetNotFound,
  envExportedVariableUnset,
  envSecretInCommand,
  envShellNotSupported,
  envSsmReferenceOutsideParameterStore,
  envValueNotExpanded,
  envVariableName,
  envVariableTwice,
  filesGradleWrapperMissing,
  filesMavenSettingsUnused,
  filesNeededNotFound,
  makeTargetNotFound,
  nodeLockMissing,
  nodePackageJsonNotFound,
  nodeScriptNotFound,
  nodeWorkspaceNotFound,
  pathsCrlfScript,
  pathsGitFolder,
  pathsGitIgnored,
  pathsNonAsciiName,
  pathsNotExecutable,
  pathsNotFound,
  pathsOutsideSource,
  pathsRepeatedBaseDirectory,
  pathsSubmodule,
  pathsUntracked,
  phasesCommandIsMapping,
  phasesCommandsNotAList,
  phasesEnvironmentNotSupported,
  phasesNoCommands,
  phasesOnFailureUnknown,
  projectTimeout,
  pythonRequirementsNotFound,
  reportsFilesNotFound,
  reportsTooManyGroups,
  reportsUnknownFormat,
  runAsUnknownUser,
  runtimeConflict,
  runtimeUnknownVersion,
  runtimeUnquotedVersion,
  secretsHardCoded,
  secretsManagerReferenceSyntax,
  shellBashismUnderSh,
  shellContinuationInPlainScalar,
  shellLostExitStatus,
  shellStateNotCarriedOver,
  shellSyntax,
];
