/**
 * The variables that CodeBuild gives a build, each with a sentence.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
 */
import { ownValue } from "../core/own-value.ts";
export const variablesPage = "https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html";

export const codebuildVariables: Readonly<Record<string, string>> = {
  AWS_DEFAULT_REGION: "Region of the build.",
  AWS_REGION: "Region of the build.",
  CODEBUILD_BATCH_BUILD_IDENTIFIER: "Identifier of the build in its batch; empty outside a batch.",
  CODEBUILD_BUILD_ARN: "ARN of the build.",
  CODEBUILD_BUILD_ID: "Id of the build: `project:uuid`.",
  CODEBUILD_BUILD_IMAGE: "Image of the build, as the project names it.",
  CODEBUILD_BUILD_NUMBER: "Number of the build in its project.",
  CODEBUILD_BUILD_SUCCEEDING: "`1` while nothing failed, then `0`; what `post_build` asks before it publishes.",
  CODEBUILD_CURRENT_SHARD_FILES: "Test files of this build's share, one a line, in a batch with `build-fanout`.",
  CODEBUILD_INITIATOR: "Who started the build: a user, a pipeline, a webhook.",
  CODEBUILD_KMS_KEY_ID: "Key that encrypts the artifacts.",
  CODEBUILD_LOG_PATH: "Name of the build's log stream.",
  CODEBUILD_PROJECT_ARN: "ARN of the project.",
  CODEBUILD_PUBLIC_BUILD_URL: "Address of the public build page, when the project has public builds.",
  CODEBUILD_RESOLVED_SOURCE_VERSION: "Commit id of the source; not set for a source in S3.",
  CODEBUILD_SOURCE_REPO_URL: "Where the source comes from.",
  CODEBUILD_SOURCE_VERSION: "The version that was asked for: a commit, branch, tag, pull request or object version.",
  CODEBUILD_SRC_DIR: "Folder of the primary source, in which commands start.",
  CODEBUILD_START_TIME: "When the build started, in milliseconds since 1970.",
  CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID: "Account of who caused the webhook event.",
  CODEBUILD_WEBHOOK_BASE_REF: "Base branch of the pull request that caused the build.",
  CODEBUILD_WEBHOOK_EVENT: "Webhook event that caused the build, such as `PUSH`.",
  CODEBUILD_WEBHOOK_HEAD_REF: "Head reference of the webhook event.",
  CODEBUILD_WEBHOOK_MERGE_COMMIT: "Merge commit of a merged pull request.",
  CODEBUILD_WEBHOOK_PREV_COMMIT: "Commit before the push that caused the build.",
  CODEBUILD_WEBHOOK_TRIGGER: "What triggered the build: `branch/…`, `tag/…` or `pr/…`.",
  HOME: "Home folder, `/root` on Linux.",
};

/** The sentence about a name of CodeBuild's, also about those that end in a source's identifier. */
export function codebuildVariable(name: string): string | undefined {
  const known = ownValue(codebuildVariables, name);
  if (known !== undefined) return known;
  const [, base, identifier] = /^(CODEBUILD_(?:SRC_DIR|SOURCE_VERSION|SOURCE_REPO_URL))_(.+)$/.exec(name) ?? [];
  if (base === undefined) return undefined;
  return `${codebuildVariables[base]} This one is of the secondary source \`${identifier}\`.`;
}
