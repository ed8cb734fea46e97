/**
 * Kiln's own words in the life of a batch: AWS's contexts and refusals are not recorded anywhere. Codes are AWS's where
 * the like exists for builds.
 */
import type { ProcessMark } from "../../../core/process-mark.ts";
import { whyLeft } from "../builds/own-runs.ts";
import type { PhaseContext } from "../shapes.gen.ts";

/** The role lacks StartBuild, StopBuild or RetryBuild; the message is IAM's own. */
export const batchRoleDenied = (message: string): PhaseContext => ({ statusCode: "ACCESS_DENIED", message });

export const taskNotStarted = (identifier: string, message: string): PhaseContext => ({
  statusCode: "CLIENT_ERROR",
  message: `build group ${identifier} could not be started: ${message}`,
});

export const groupsFailed = (failed: readonly string[]): PhaseContext => ({
  statusCode: "CLIENT_ERROR",
  message: `build groups that did not succeed: ${failed.join(", ")}`,
});

export const batchTimedOut = (minutes: number): PhaseContext => ({
  statusCode: "BUILD_TIMED_OUT",
  message: `Build has timed out. (timeoutInMins of the batch: ${minutes})`,
});

export const sourceNotDownloaded = (buildId: string, context: PhaseContext | undefined): PhaseContext => ({
  statusCode: context?.statusCode || "CLIENT_ERROR",
  message: context?.message || `the build that downloads the source did not succeed: ${buildId}`,
});

/** The builds have their reports all the same. */
export const reportsNotMerged = (message: string): PhaseContext => ({ statusCode: "CLIENT_ERROR", message });

export const batchInterrupted = (owner: ProcessMark): PhaseContext => ({
  statusCode: "INTERNAL_SERVICE_ERROR",
  message: `${whyLeft("the batch ran", owner)}; retry the batch, or start it again`,
});

export const internalError = (message: string): PhaseContext => ({
  statusCode: "INTERNAL_SERVICE_ERROR",
  message: `Kiln could not go on with the batch: ${message}`,
});

export const noBatchConfig = (projectName: string): string =>
  `Project ${projectName} has no buildBatchConfig, and buildBatchConfigOverride names no serviceRole`;
export const noBatchRole = (): string => "Invalid buildBatchConfig: serviceRole must be set";
export const stillInProgress = (id: string): string => `Build batch is still in progress: ${id}`;
export const notFailed = (id: string, status: string): string =>
  `Only batch builds that have failed can be retried: ${id} is ${status}`;
