/** CodeBuild's errors. Texts come from published logs and issue threads; `unverified` ones were not seen. */
import { awsError } from "../../core/errors.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

export const invalidInput = awsError({
  code: "InvalidInputException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateProject.html#API_CreateProject_Errors`,
  message: (text: string) => text,
});

/** The role does not exist, or does not trust CodeBuild. */
export const roleNotAssumable = awsError({
  code: "InvalidInputException",
  status: 400,
  fault: "client",
  source:
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html; wording of 2025 from published logs",
  message: () =>
    "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured.",
});

export const projectNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_StartBuild.html#API_StartBuild_Errors`,
  unverified: true,
  message: (projectArn: string) => `Project cannot be found: ${projectArn}`,
});

export const buildNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_StopBuild.html#API_StopBuild_Errors`,
  unverified: true,
  message: (id: string) => `Build cannot be found: ${id}`,
});

export const batchNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_StopBuildBatch.html#API_StopBuildBatch_Errors`,
  unverified: true,
  message: (id: string) => `Build batch cannot be found: ${id}`,
});

export const projectAlreadyExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateProject.html#API_CreateProject_Errors`,
  unverified: true,
  message: (projectArn: string) => `Project already exists: ${projectArn}`,
});

export const tooManyBuilds = awsError({
  code: "AccountLimitExceededException",
  status: 400,
  fault: "client",
  source: `${API}API_StartBuild.html#API_StartBuild_Errors`,
  unverified: true,
  message: (limit: number) => `Cannot have more than ${limit} active builds for the project`,
});

export const webhookAlreadyExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateWebhook.html#API_CreateWebhook_Errors`,
  unverified: true,
  message: (projectArn: string) => `Webhook already exists for project: ${projectArn}`,
});

export const webhookNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_UpdateWebhook.html#API_UpdateWebhook_Errors`,
  unverified: true,
  message: (projectArn: string) => `Webhook cannot be found for project: ${projectArn}`,
});

/** CodeBuild has no credentials with which to register a webhook at the provider. */
export const accessTokenNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: "text from published reports of CreateWebhook's answer",
  message: (serverType: string) => `Could not find access token for server type ${serverType}`,
});

export const sourceCredentialAlreadyExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}API_ImportSourceCredentials.html#API_ImportSourceCredentials_Errors`,
  unverified: true,
  message: (arn: string) => `Source credentials already exist: ${arn}`,
});

export const sourceCredentialNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_DeleteSourceCredentials.html#API_DeleteSourceCredentials_Errors`,
  unverified: true,
  message: (arn: string) => `Source credentials cannot be found: ${arn}`,
});

/** A project's own limit above the account's. Wording from published logs. */
export const limitAboveAccount = awsError({
  code: "InvalidInputException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateProject.html#API_CreateProject_Errors; wording from published logs`,
  message: (accountLimit: number) =>
    `Project-level concurrent build limit cannot exceed the account-level concurrent build limit of ${accountLimit}`,
});

/** The queue of the account is full. Wording from published logs. */
export const queueIsFull = awsError({
  code: "AccountLimitExceededException",
  status: 400,
  fault: "client",
  source: `${API}API_StartBuild.html#API_StartBuild_Errors; wording from published logs`,
  message: (limit: number) => `Cannot have more than ${limit} builds in queue for the account`,
});

export const fleetNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_UpdateFleet.html#API_UpdateFleet_Errors`,
  unverified: true,
  message: (arn: string) => `Fleet cannot be found: ${arn}`,
});

export const fleetAlreadyExists = awsError({
  code: "ResourceAlreadyExistsException",
  status: 400,
  fault: "client",
  source: `${API}API_CreateFleet.html#API_CreateFleet_Errors`,
  unverified: true,
  message: (name: string) => `Fleet already exists: ${name}`,
});

export const sandboxNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_StopSandbox.html#API_StopSandbox_Errors`,
  unverified: true,
  message: (id: string) => `Sandbox cannot be found: ${id}`,
});

export const resourceNotFound = awsError({
  code: "ResourceNotFoundException",
  status: 400,
  fault: "client",
  source: `${API}API_PutResourcePolicy.html#API_PutResourcePolicy_Errors`,
  unverified: true,
  message: (arn: string) => `Resource cannot be found: ${arn}`,
});

/** Settings that AWS has and Kiln does not offer: refused rather than ignored. */
export const notOffered = awsError({
  code: "InvalidInputException",
  status: 400,
  fault: "client",
  source: "docs/differences.md",
  message: (what: string) => `kiln does not offer ${what} (docs/coverage.md)`,
});
