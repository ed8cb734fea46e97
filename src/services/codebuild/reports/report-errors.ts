/** Errors of report groups and reports. */
import { awsError } from "../../../core/errors.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

export const reportGroupNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_UpdateReportGroup.html#API_UpdateReportGroup_Errors`,
  unverified: true,
  message: (arn: string) => `Report group cannot be found: ${arn}`,
});

export const reportNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_DescribeTestCases.html#API_DescribeTestCases_Errors`,
  unverified: true,
  message: (arn: string) => `Report cannot be found: ${arn}`,
});

export const reportGroupAlreadyExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateReportGroup.html#API_CreateReportGroup_Errors`,
  unverified: true,
  message: (arn: string) => `Report group already exists: ${arn}`,
});

export const tooManyReportGroups = awsError({
  code: "AccountLimitExceededException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateReportGroup.html#API_CreateReportGroup_Errors`,
  unverified: true,
  message: (limit: number) => `Cannot have more than ${limit} report groups for the account`,
});
