/**
 * STS's errors. Texts were seen on AWS unless marked `unverified`.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
 */
import { clientErrorsFrom } from "../../core/errors.ts";

const stsError = clientErrorsFrom("https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html");

const UNVERIFIED = { unverified: true } as const;

export const invalidRoleArn = stsError("ValidationError", 400, (arn: string) => `${arn} is invalid`);
export const durationExceedsRole = stsError(
  "ValidationError",
  400,
  () => "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
  UNVERIFIED,
);
export const durationExceedsChaining = stsError(
  "ValidationError",
  400,
  () => "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
);
export const duplicateTagKeys = stsError(
  "InvalidParameterValue",
  400,
  () => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
);
export const reservedTagKey = stsError(
  "InvalidParameterValue",
  400,
  () => "aws: prefixed tag key names are not allowed for external use.",
  UNVERIFIED,
);
export const transitiveKeyNotRequested = stsError(
  "InvalidParameterValue",
  400,
  () => "The specified transitive tag key must be included in the requested tags.",
);
export const transitiveKeyConflict = stsError(
  "InvalidParameterValue",
  400,
  () =>
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
);
export const malformedPolicyDocument = stsError("MalformedPolicyDocument", 400, (text: string) => text);
export const packedPolicyTooLarge = stsError(
  "PackedPolicyTooLarge",
  400,
  (percent: number) => `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
  UNVERIFIED,
);
export const noSuchSessionPolicy = stsError(
  "ValidationError",
  400,
  (arn: string) => `Policy ${arn} does not exist or is not attachable.`,
  UNVERIFIED,
);
export const tooManyPolicyArns = stsError(
  "ValidationError",
  400,
  (most: number) =>
    `1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to ${most}`,
  UNVERIFIED,
);
export const notAuthorized = stsError(
  "AccessDenied",
  403,
  (principalArn: string, action: string, roleArn: string) =>
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${roleArn}`,
);
export const mfaFailed = stsError(
  "AccessDenied",
  403,
  () =>
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
  UNVERIFIED,
);
export const sessionCredentials = stsError(
  "AccessDenied",
  403,
  (operation: string) => `Cannot call ${operation} with session credentials`,
);
export const invalidAuthorizationMessage = stsError(
  "InvalidAuthorizationMessageException",
  400,
  () => "Message is not valid",
  UNVERIFIED,
);
/** Not AWS's text: the id carries no account (ids made before 2019), and no key of this state folder has it. */
export const unknownAccessKey = stsError(
  "ValidationError",
  400,
  (id: string) => `no account is known for the access key ${id}`,
  UNVERIFIED,
);
/** Not AWS's text: a member that Kiln does not offer. */
export const memberNotOffered = stsError(
  "ValidationError",
  400,
  (member: string) => `kiln does not offer \`${member}\` (docs/coverage.md)`,
  UNVERIFIED,
);
