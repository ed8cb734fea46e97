/** Roles, logs, and builds that did not end by themselves. */
import { describe } from "vitest";
import { denialMessage } from "../../../test/support/build-facts.ts";
import { explains } from "../../../test/support/explain-cases.ts";

describe("causes: endings", () => {
  explains([
    {
      phase: "QUEUED",
      statusCode: "ACCESS_DENIED",
      message: `Service role arn:aws:iam::000000000000:role/CodeBuildServiceRole does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build b. Error message: ${denialMessage("logs:CreateLogStream", "arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/flask:log-stream:u").replace("AccessDeniedException: ", "")}`,
      code: "iam/logs-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not write the build's log: no policy allows `logs:CreateLogStream` on `arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/flask:log-stream:u`",
    },
    {
      phase: "QUEUED",
      statusCode: "CLIENT_ERROR",
      message:
        "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured.",
      code: "iam/role-not-assumable",
      cause:
        "CodeBuild may not assume the service role `CodeBuildServiceRole`: the role does not exist, or its trust policy does not name `codebuild.amazonaws.com`",
    },
    {
      phase: "BUILD",
      phaseStatus: "TIMED_OUT",
      code: "build/timed-out",
      cause: "the build ran into its timeout of 60 minutes in BUILD",
    },
    {
      phase: "BUILD",
      phaseStatus: "FAULT",
      statusCode: "INTERNAL_SERVICE_ERROR",
      message: "Kiln was interrupted while the build ran (process 7 ended); start the build again",
      code: "build/interrupted",
      cause: "the build did not end by itself: Kiln's process was killed, or could not go on, in BUILD",
    },
    {
      phase: "PROVISIONING",
      statusCode: "CLIENT_ERROR",
      message:
        "Build container found dead before completing the build. build container died because it was out of memory, or the Docker image is not supported. ErrorCode: 500",
      build: { environment: { image: "me/app:1" } },
      code: "docker/build-container-dead",
      cause: "the container of the build's image `me/app:1` does not start",
    },
    { phase: "BUILD", phaseStatus: "STOPPED", code: "build/stopped", cause: "the build was stopped in BUILD" },
    {
      phase: "QUEUED",
      phaseStatus: "TIMED_OUT",
      statusCode: "BUILD_TIMED_OUT",
      message: "Build has timed out. ",
      build: { queuedTimeoutInMinutes: 5 },
      code: "build/queued-too-long",
      cause: "the build waited 5 minutes for a place and never started",
      field: "queuedTimeoutInMinutes = 5",
      fix: "let it wait longer (5 to 480 minutes)",
    },
  ]);
});
