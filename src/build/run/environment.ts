/**
 * The variables CodeBuild itself gives every command.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html; the internal ones are the
 * harmless ones seen in published environment dumps. Credentials come from the container endpoint, as on AWS.
 */
import type { BuildRequest } from "./build-request.ts";

export interface EnvironmentInput {
  readonly request: BuildRequest;
  readonly srcDir: string;
  readonly resolvedSourceVersion: string | undefined;
  readonly credentials: { readonly uri: string; readonly token: string };
  readonly endpointUrl: string;
}

export function codeBuildVariables(input: EnvironmentInput): Record<string, string> {
  const { request, srcDir, credentials, endpointUrl, resolvedSourceVersion } = input;
  const { region } = request.scope;
  return {
    AWS_DEFAULT_REGION: region,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_EXECUTION_ENV: "AWS_ECS_EC2",
    AWS_CONTAINER_CREDENTIALS_FULL_URI: credentials.uri,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: credentials.token,
    CODEBUILD_BATCH_BUILD_IDENTIFIER: "",
    CODEBUILD_BUILD_ARN: request.buildArn,
    CODEBUILD_BUILD_ID: request.buildId,
    CODEBUILD_BUILD_IMAGE: request.image,
    CODEBUILD_BUILD_NUMBER: String(request.buildNumber),
    CODEBUILD_BUILD_SUCCEEDING: "1",
    CODEBUILD_BUILD_URL: `https://${region}.console.aws.amazon.com/codebuild/home?region=${region}#/builds/${request.buildId}/view/new`,
    CODEBUILD_CI: "true",
    CODEBUILD_CONTAINER_NAME: "default",
    CODEBUILD_EXECUTION_ROLE_BUILD: "",
    CODEBUILD_GOPATH: srcDir.slice(0, srcDir.lastIndexOf("/src")),
    CODEBUILD_INITIATOR: request.initiator,
    CODEBUILD_KMS_KEY_ID: request.encryptionKey,
    CODEBUILD_LAST_EXIT: "0",
    CODEBUILD_LOG_PATH: request.logs?.streamName ?? request.uuid,
    CODEBUILD_PROJECT_ARN: request.projectArn,
    ...(resolvedSourceVersion === undefined ? {} : { CODEBUILD_RESOLVED_SOURCE_VERSION: resolvedSourceVersion }),
    CODEBUILD_SOURCE_REPO_URL: request.source.location ?? "",
    CODEBUILD_SOURCE_VERSION: request.sourceVersion ?? "",
    CODEBUILD_SRC_DIR: srcDir,
    CODEBUILD_START_TIME: String(request.startTimeMs),
  };
}
