/**
 * The causes in the order they are asked; the first that matches explains a failure. Specific before general: a
 * denial before what the denied tool printed afterwards, a missing file before an exit status.
 */
import type { Cause } from "../cause.ts";
import { refusals, requestDenied, requestRefused } from "./api-refused.ts";
import { artifactsNotFound } from "./artifacts-not-found.ts";
import {
  artifactsDenied,
  artifactsNameless,
  artifactsNames,
  artifactsRefused,
  otherRegion,
} from "./artifacts-not-stored.ts";
import { agentCannotReachAws, commandCannotReachAws } from "./aws-unreachable.ts";
import { batchInvalid } from "./batch-invalid.ts";
import { buildContainerDead } from "./build-container-dead.ts";
import { interrupted, killed, queuedTooLong, stopped, timedOut } from "./build-ended.ts";
import {
  buildImageDenied,
  buildImageInvalid,
  buildImageLoginRefused,
  buildImageMissing,
  buildImageOtherRegion,
  buildImageRateLimited,
  buildImageTooLarge,
  buildImageUnreachable,
  buildImageWindows,
} from "./build-image-pull.ts";
import { buildspecMissing } from "./buildspec-missing.ts";
import { commandNotAString, onFailureUnknown, shellNotSupported, yamlError } from "./buildspec-yaml.ts";
import { callDenied } from "./call-denied.ts";
import { bucketAclUnreadable, certificateUnreadable } from "./certificate-unreadable.ts";
import { bashismUnderSh, commandNotFound } from "./command-not-found.ts";
import { baseImageUnavailable } from "./docker-base-image.ts";
import { dockerCommandMissing } from "./docker-command-missing.ts";
import { dockerDaemonUnreachable } from "./docker-daemon.ts";
import { dockerInvalidReference } from "./docker-invalid-reference.ts";
import { dockerInteractiveLogin, dockerWrongPassword, ecrGetLoginRemoved } from "./docker-login.ts";
import { dockerPushWithoutLogin, ecrDenied, imageNotLocal, repositoryMissing, tagImmutable } from "./docker-push.ts";
import { dockerfileInvalid, dockerStepFailed } from "./docker-step-failed.ts";
import {
  gitFolderIsFile,
  gpuToolkitPresent,
  localeMissing,
  mavenSettings,
  rootRefused,
  stateNotKept,
} from "./environment-surprises.ts";
import { exitStatusOnly } from "./exit-status.ts";
import { fileNotFound } from "./file-not-found.ts";
import { fileSystemNotMounted } from "./file-system-mount.ts";
import { kmsDecryptDenied, kmsKeyUnusable } from "./kms-decrypt-denied.ts";
import { logsDenied } from "./logs-denied.ts";
import { nameNotResolved } from "./name-not-resolved.ts";
import { credentialsNotFound, regionNotSet } from "./no-credentials.ts";
import { parameterNotFound } from "./parameter-not-found.ts";
import { parameterReadDenied } from "./parameter-read-denied.ts";
import { reportExportDenied, reportFilesUnusable, reportNotMade, reportsDenied } from "./report-not-made.ts";
import { roleNotAssumable } from "./role-not-assumable.ts";
import { runAsNeedsRoot, runAsUnknownUser } from "./run-as.ts";
import { runnerTokenUnavailable } from "./runner-token.ts";
import { noRuntimeSelected, unknownRuntime, unknownRuntimeName } from "./runtime-unavailable.ts";
import { secondarySourceMissing } from "./secondary-source.ts";
import {
  secretDecryptDenied,
  secretJsonKeyNotFound,
  secretNotFound,
  secretReadDenied,
  secretVersionNotFound,
} from "./secret-unreadable.ts";
import {
  s3SourceDenied,
  s3SourceNotFound,
  s3SourceRefused,
  s3SourceUnreachable,
  sourceArchiveUnusable,
} from "./source-in-s3.ts";
import {
  gitFailed,
  sourceAuthenticationRequired,
  sourceAuthorizationFailed,
  sourceReferenceNotFound,
  sourceRepositoryNotFound,
  sourceSettingsWrong,
} from "./source-not-taken.ts";
import { toolFailed } from "./tool-failed.ts";
import { ec2Denied, noInternet, subnetFull } from "./vpc-network.ts";

export const causes: readonly Cause[] = [
  stopped,
  interrupted,
  queuedTooLong,
  timedOut,
  roleNotAssumable,
  ...refusals,
  subnetFull,
  noInternet,
  ec2Denied,
  fileSystemNotMounted,
  runnerTokenUnavailable,
  buildImageRateLimited,
  buildImageWindows,
  buildImageTooLarge,
  buildImageDenied,
  buildImageOtherRegion,
  buildImageUnreachable,
  buildImageLoginRefused,
  buildImageInvalid,
  buildImageMissing,
  logsDenied,
  certificateUnreadable,
  bucketAclUnreadable,
  s3SourceDenied,
  artifactsDenied,
  reportsDenied,
  reportExportDenied,
  parameterReadDenied,
  parameterNotFound,
  kmsDecryptDenied,
  secretReadDenied,
  secretNotFound,
  secretVersionNotFound,
  secretJsonKeyNotFound,
  secretDecryptDenied,
  kmsKeyUnusable,
  s3SourceNotFound,
  s3SourceUnreachable,
  s3SourceRefused,
  otherRegion,
  sourceArchiveUnusable,
  sourceAuthorizationFailed,
  sourceAuthenticationRequired,
  sourceRepositoryNotFound,
  sourceReferenceNotFound,
  gitFailed,
  sourceSettingsWrong,
  buildspecMissing,
  commandNotAString,
  unknownRuntime,
  unknownRuntimeName,
  noRuntimeSelected,
  onFailureUnknown,
  shellNotSupported,
  batchInvalid,
  yamlError,
  runAsUnknownUser,
  runAsNeedsRoot,
  ecrDenied,
  callDenied,
  requestDenied,
  agentCannotReachAws,
  credentialsNotFound,
  regionNotSet,
  commandCannotReachAws,
  dockerDaemonUnreachable,
  dockerInvalidReference,
  dockerWrongPassword,
  dockerInteractiveLogin,
  ecrGetLoginRemoved,
  repositoryMissing,
  tagImmutable,
  buildContainerDead,
  baseImageUnavailable,
  dockerCommandMissing,
  imageNotLocal,
  dockerPushWithoutLogin,
  bashismUnderSh,
  gpuToolkitPresent,
  gitFolderIsFile,
  localeMissing,
  mavenSettings,
  rootRefused,
  stateNotKept,
  secondarySourceMissing,
  nameNotResolved,
  // What a step in an image printed says nothing about this machine or the source.
  dockerfileInvalid,
  dockerStepFailed,
  fileNotFound,
  commandNotFound,
  artifactsNotFound,
  artifactsNames,
  artifactsNameless,
  artifactsRefused,
  reportFilesUnusable,
  reportNotMade,
  killed,
  requestRefused,
  toolFailed,
  exitStatusOnly,
];
