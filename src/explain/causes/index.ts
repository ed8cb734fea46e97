/**
 * The causes in the order they are asked; the first that matches explains a failure. Specific before general: a
 * denial before what the denied tool printed afterwards, a missing file before an exit status.
 */
import type { Cause } from "../cause.ts";
import { artifactsNotFound } from "./artifacts-not-found.ts";
import { interrupted, killed, stopped, timedOut } from "./build-ended.ts";
import { buildspecMissing } from "./buildspec-missing.ts";
import { commandNotAString, unknownRuntime, yamlError } from "./buildspec-yaml.ts";
import { bashismUnderSh, commandNotFound } from "./command-not-found.ts";
import { baseImageUnavailable } from "./docker-base-image.ts";
import { dockerDaemonUnreachable } from "./docker-daemon.ts";
import { dockerInvalidReference } from "./docker-invalid-reference.ts";
import { dockerInteractiveLogin, dockerWrongPassword } from "./docker-login.ts";
import { dockerPushWithoutLogin, ecrDenied, imageNotLocal, repositoryMissing } from "./docker-push.ts";
import { exitStatusOnly } from "./exit-status.ts";
import { fileNotFound } from "./file-not-found.ts";
import { kmsDecryptDenied } from "./kms-decrypt-denied.ts";
import { logsDenied } from "./logs-denied.ts";
import { nameNotResolved } from "./name-not-resolved.ts";
import { parameterNotFound } from "./parameter-not-found.ts";
import { parameterReadDenied } from "./parameter-read-denied.ts";
import { roleNotAssumable } from "./role-not-assumable.ts";
import {
  secretDecryptDenied,
  secretJsonKeyNotFound,
  secretNotFound,
  secretReadDenied,
  secretVersionNotFound,
} from "./secret-unreadable.ts";
import { sourceReferenceNotFound } from "./source-reference-not-found.ts";

export const causes: readonly Cause[] = [
  stopped,
  interrupted,
  timedOut,
  roleNotAssumable,
  logsDenied,
  parameterReadDenied,
  parameterNotFound,
  kmsDecryptDenied,
  secretReadDenied,
  secretNotFound,
  secretVersionNotFound,
  secretJsonKeyNotFound,
  secretDecryptDenied,
  sourceReferenceNotFound,
  buildspecMissing,
  commandNotAString,
  unknownRuntime,
  yamlError,
  ecrDenied,
  dockerDaemonUnreachable,
  dockerInvalidReference,
  dockerWrongPassword,
  dockerInteractiveLogin,
  repositoryMissing,
  baseImageUnavailable,
  imageNotLocal,
  dockerPushWithoutLogin,
  bashismUnderSh,
  fileNotFound,
  commandNotFound,
  nameNotResolved,
  artifactsNotFound,
  killed,
  exitStatusOnly,
];
