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

/** Settings that AWS has and Kiln does not offer: refused rather than ignored. */
export const notOffered = awsError({
  code: "InvalidInputException",
  status: 400,
  fault: "client",
  source: "docs/differences.md",
  message: (what: string) => `kiln does not offer ${what} (docs/coverage.md)`,
});
