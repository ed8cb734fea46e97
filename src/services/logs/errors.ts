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

export const tooManyTags = awsError({
  code: "TooManyTagsException",
  status: 400,
  fault: "client",
  source: `${API}/API_TagResource.html`,
  unverified: true,
  message: () => "The log group has too many tags: at most 50 are allowed.",
});
