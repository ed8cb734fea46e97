/**
 * Creates the log group and stream of a build as the service role, as CodeBuild does before a build leaves the queue.
 * AWS: the stream is asked for first, so a role without logs permissions is denied `logs:CreateLogStream`.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html; texts from published logs.
 */
import type { AwsCaller } from "../../core/aws.ts";
import { AwsError } from "../../core/errors.ts";
import type { BuildRequest } from "./build-request.ts";
import type { PhaseContext } from "./events.ts";

/** The failure of phase QUEUED, or undefined when the stream exists. */
export async function createLogStream(
  role: AwsCaller,
  request: Pick<BuildRequest, "logs" | "serviceRole" | "buildArn">,
): Promise<PhaseContext | undefined> {
  if (!request.logs) return undefined;
  const { groupName, streamName } = request.logs;
  const stream = { logGroupName: groupName, logStreamName: streamName };
  try {
    try {
      await role.call("logs", "CreateLogStream", stream);
    } catch (error) {
      if (!(error instanceof AwsError) || error.code !== "ResourceNotFoundException") throw error;
      await role
        .call("logs", "CreateLogGroup", { logGroupName: groupName })
        .catch(unless("ResourceAlreadyExistsException"));
      await role.call("logs", "CreateLogStream", stream);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.code === "ResourceAlreadyExistsException") return undefined;
    return {
      statusCode: "ACCESS_DENIED",
      message: `Service role ${request.serviceRole} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build ${request.buildArn}. Error message: ${error.message}`,
    };
  }
}

const unless =
  (code: string) =>
  (error: unknown): void => {
    if (!(error instanceof AwsError) || error.code !== code) throw error;
  };
