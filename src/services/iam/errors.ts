/**
 * IAM's errors. Texts were seen on AWS unless marked `unverified`.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html#API_CreateRole_Errors and siblings.
 */
import { clientErrorsFrom } from "../../core/errors.ts";
import type { EntityWord } from "../../identity/index.ts";

const iamError = clientErrorsFrom("https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html");

const UNVERIFIED = { unverified: true } as const;

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

export const noSuchEntity = iamError(
  "NoSuchEntity",
  404,
  (kind: EntityWord, name: string) => `The ${kind} with name ${name} cannot be found.`,
);
export const noSuchInlinePolicy = iamError(
  "NoSuchEntity",
  404,
  (kind: EntityWord, name: string) => `The ${kind} policy with name ${name} cannot be found.`,
);
export const noSuchPolicy = iamError("NoSuchEntity", 404, (arn: string) => `Policy ${arn} was not found.`);
export const noSuchAttachablePolicy = iamError(
  "NoSuchEntity",
  404,
  (arn: string) => `Policy ${arn} does not exist or is not attachable.`,
);
export const noSuchBoundary = iamError(
  "NoSuchEntity",
  404,
  (arn: string) => `Scope ARN: ${arn} does not exist or is not attachable.`,
  UNVERIFIED,
);
export const noSuchPolicyVersion = iamError(
  "NoSuchEntity",
  404,
  (arn: string, versionId: string) => `Policy ${arn} version ${versionId} does not exist or is not attachable.`,
  UNVERIFIED,
);
export const noSuchAccessKey = iamError(
  "NoSuchEntity",
  404,
  (id: string) => `The Access Key with id ${id} cannot be found.`,
  UNVERIFIED,
);
export const noSuchBoundaryOnEntity = iamError(
  "NoSuchEntity",
  404,
  (kind: EntityWord, name: string) => `The ${kind} with name ${name} has no permissions boundary.`,
  UNVERIFIED,
);

export const entityAlreadyExists = iamError(
  "EntityAlreadyExists",
  409,
  (kind: EntityWord, name: string) => `${capital(kind)} with name ${name} already exists.`,
);
export const policyAlreadyExists = iamError(
  "EntityAlreadyExists",
  409,
  (name: string) => `A policy called ${name} already exists. Duplicate names are not allowed.`,
);

/** `must` as in "must detach all policies first". */
export const deleteConflict = iamError(
  "DeleteConflict",
  409,
  (must: string) => `Cannot delete entity, must ${must} first.`,
);
export const policyAttached = iamError("DeleteConflict", 409, () => "Cannot delete a policy attached to entities.");
export const policyHasVersions = iamError(
  "DeleteConflict",
  409,
  () =>
    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
);
export const defaultVersion = iamError("DeleteConflict", 409, () => "Cannot delete the default version of a policy.");

export const quotaExceeded = iamError(
  "LimitExceeded",
  409,
  (quota: string, limit: number) => `Cannot exceed quota for ${quota}: ${limit}`,
);
export const inlineSizeExceeded = iamError(
  "LimitExceeded",
  409,
  (limit: number, kind: EntityWord, name: string) =>
    `Maximum policy size of ${limit} bytes exceeded for ${kind} ${name}`,
);
export const tooManyVersions = iamError(
  "LimitExceeded",
  409,
  () =>
    "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
);
export const tooManyTags = iamError(
  "LimitExceeded",
  409,
  () => "The number of tags has reached the maximum limit.",
  UNVERIFIED,
);

export const malformedPolicyDocument = iamError("MalformedPolicyDocument", 400, (text: string) => text);
export const policyNotAttachable = iamError(
  "PolicyNotAttachable",
  400,
  () => "Cannot attach a Service Role Policy to a Customer Role.",
);
export const duplicateTagKeys = iamError(
  "InvalidInput",
  400,
  () => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
);
export const reservedTagKey = iamError(
  "InvalidInput",
  400,
  () => "aws: prefixed tag key names are not allowed for external use.",
  UNVERIFIED,
);
export const invalidInput = iamError("InvalidInput", 400, (text: string) => text, UNVERIFIED);

/** AWS: only the linked service changes its role; nobody is told more. */
export const unmodifiableEntity = iamError(
  "UnmodifiableEntity",
  400,
  (roleName: string) =>
    `Cannot perform the operation on the protected role '${roleName}' - this role is only modifiable by AWS`,
);
export const serviceRolePath = iamError(
  "InvalidInput",
  400,
  () => "Path prefix '/aws-service-role/' can only be used for AWS Service linked Roles",
);
export const serviceRoleTaken = iamError(
  "InvalidInput",
  400,
  (roleName: string) => `Service role name ${roleName} has been taken in this account, please try a different suffix.`,
);
export const suffixNotAllowed = iamError(
  "InvalidInput",
  400,
  (serviceName: string) => `Custom suffix is not allowed for ${serviceName}`,
);
export const noSuchDeletionTask = iamError(
  "NoSuchEntity",
  404,
  (taskId: string) => `The deletion task ${taskId} cannot be found.`,
  UNVERIFIED,
);

export const aliasTaken = iamError(
  "EntityAlreadyExists",
  409,
  (alias: string) => `The account alias ${alias} already exists.`,
);
export const noSuchAlias = iamError(
  "NoSuchEntity",
  404,
  (alias: string) => `The account alias with name ${alias} cannot be found.`,
  UNVERIFIED,
);
export const noPasswordPolicy = iamError(
  "NoSuchEntity",
  404,
  (accountId: string) => `The Password Policy with domain name ${accountId} cannot be found.`,
);
export const noPasswordPolicyToDelete = iamError(
  "NoSuchEntity",
  404,
  () => "The account policy with name PasswordPolicy cannot be found.",
  UNVERIFIED,
);
export const noSuchLoginProfile = iamError(
  "NoSuchEntity",
  404,
  (userName: string) => `Login Profile for User ${userName} cannot be found.`,
);
export const noSuchInstanceProfile = iamError(
  "NoSuchEntity",
  404,
  (name: string) => `Instance Profile ${name} cannot be found.`,
);
export const noSuchArn = iamError("NoSuchEntity", 404, (arn: string) => `ARN ${arn} was not found.`, UNVERIFIED);
export const noSuchJob = iamError("NoSuchEntity", 404, (jobId: string) => `Job ${jobId} was not found.`, UNVERIFIED);
/** AWS: answers about the report have a code and no text. */
export const reportNotPresent = iamError("ReportNotPresent", 410, () => "");
export const reportExpired = iamError("ReportExpired", 410, () => "", UNVERIFIED);

export const invalidStatus = iamError(
  "ValidationError",
  400,
  () =>
    "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set",
  UNVERIFIED,
);
export const invalidArn = iamError("ValidationError", 400, () => "Invalid ARN:  Could not be parsed!");
export const invalidMarker = iamError("ValidationError", 400, () => "Invalid Marker.");
export const userNameNeeded = iamError(
  "ValidationError",
  400,
  () => "Must specify userName when calling with non-User credentials",
  UNVERIFIED,
);
/** AWS managed policies cannot be changed, whatever the caller's policies say. */
export const notAuthorized = iamError(
  "AccessDenied",
  403,
  (principalArn: string, action: string, resource: string) =>
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${resource}`,
);
/** Temporary keys of GetSessionToken cannot call IAM without MFA. */
export const invalidClientTokenId = iamError(
  "InvalidClientTokenId",
  403,
  () => "The security token included in the request is invalid",
  UNVERIFIED,
);
