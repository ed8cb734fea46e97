/**
 * Errors of CloudWatch Logs, texts as recorded on AWS.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html
 */
import { awsError } from "../../core/errors.ts";

const API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference";

export const groupNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}/API_DescribeLogStreams.html`,
  message: () => "The specified log group does not exist.",
});

export const streamNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}/API_GetLogEvents.html`,
  message: () => "The specified log stream does not exist.",
});

/** AWS: no full stop here, unlike the two above. */
export const groupExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}/API_CreateLogGroup.html`,
  message: () => "The specified log group already exists",
});

export const streamExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}/API_CreateLogStream.html`,
  message: () => "The specified log stream already exists",
});

/** Semantic checks; the text is given where it is thrown. */
export const invalidParameter = awsError({
  code: "InvalidParameterException",
  status: 400,
  fault: "client",
  source: `${API}/API_FilterLogEvents.html`,
  message: (message: string) => message,
});

export const validationFailed = awsError({
  code: "ValidationException",
  status: 400,
  fault: "client",
  source: `${API}/API_GetLogEvents.html`,
  message: (message: string) => message,
});

/** Keys that begin with `aws:` are AWS's. */
export const reservedTag = awsError({
  code: "InvalidParameterException",
  status: 400,
  fault: "client",
  source:
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html#log-group-tagging",
  unverified: true,
  message: () => "aws: prefixed tag key names are not allowed for external use.",
});

export const tooManyTags = awsError({
  code: "TooManyTagsException",
  status: 400,
  fault: "client",
  source: `${API}/API_TagResource.html`,
  unverified: true,
  message: () => "The log group has too many tags: at most 50 are allowed.",
});

/** For a key that is not there and for one whose policy does not let Logs use it. */
export const kmsKeyRefused = awsError({
  code: "AccessDeniedException",
  status: 400,
  fault: "client",
  source: `${API}/API_AssociateKmsKey.html`,
  message: (groupArn: string) =>
    `The specified KMS key does not exist or is not allowed to be used with Arn '${groupArn}'`,
});

/** AWS: operations that a group of class INFREQUENT_ACCESS does not have; recorded for DescribeSubscriptionFilters. */
export const standardClassOnly = awsError({
  code: "ValidationException",
  status: 400,
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html",
  message: () => "This operation is only supported on the Standard log class.",
});

export const invalidOperation = awsError({
  code: "InvalidOperationException",
  status: 400,
  fault: "client",
  source: `${API}/API_StartLiveTail.html`,
  unverified: true,
  message: (message: string) => message,
});

export const deletionProtected = awsError({
  code: "ValidationException",
  status: 400,
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/protecting-log-groups-from-deletion.html",
  unverified: true,
  message: (groupName: string) =>
    `Log group ${groupName} cannot be deleted because deletion protection is enabled. Disable deletion protection and try again.`,
});

/** The session has been open for three hours. */
export const sessionTimeout = awsError({
  code: "SessionTimeoutException",
  status: 400,
  fault: "client",
  source: `${API}/API_SessionTimeoutException.html`,
  unverified: true,
  message: () => "Session timed out",
});

export const sessionStreamingFailed = awsError({
  code: "SessionStreamingException",
  status: 400,
  fault: "client",
  source: `${API}/API_SessionStreamingException.html`,
  unverified: true,
  message: (why: string) => why,
});
