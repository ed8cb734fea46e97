/** The build did not end by itself: timed out, stopped, killed. */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";

export const timedOut: Cause = {
  id: "build/timed-out",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html"],
  match(failure, facts): Finding | undefined {
    if (failure.phaseStatus !== "TIMED_OUT") return undefined;
    const minutes = facts.build.timeoutInMinutes;
    return {
      cause: `the build ran into its timeout${minutes === undefined ? "" : ` of ${minutes} minutes`} in ${failure.phaseType}`,
      ...placeOfCommand(facts, failure.command),
      evidence: [failure.message, ...failure.output.slice(-3)].filter((line) => line !== ""),
      fix: {
        kind: "command",
        title: "give it more time, if it was working (`timeoutInMinutes` of the project)",
        commands: [
          `aws codebuild update-project --name ${facts.build.projectName ?? "PROJECT"} --timeout-in-minutes ${Math.min(2160, (minutes ?? 60) * 2)}`,
        ],
      },
      next: "a command that waits for input hangs for ever: look at the last lines of its output",
      confidence: "certain",
    };
  },
};

export const stopped: Cause = {
  id: "build/stopped",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StopBuild.html"],
  match(failure): Finding | undefined {
    if (failure.phaseStatus !== "STOPPED") return undefined;
    return {
      cause: `the build was stopped in ${failure.phaseType}`,
      evidence: failure.output.slice(-1),
      next: "nothing to fix: start it again with `kiln run`",
      confidence: "certain",
    };
  },
};

export const killed: Cause = {
  id: "build/out-of-memory",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html"],
  match(failure, facts): Finding | undefined {
    if (failure.command?.exitStatus !== 137) return undefined;
    return {
      cause: "the command was killed (exit status 137): most often because memory ran out",
      ...placeOfCommand(facts, failure.command),
      evidence: [failure.message, ...failure.output.slice(-3)].filter((line) => line !== ""),
      next: "use a larger compute type, or less memory in the command (fewer parallel jobs, a smaller heap)",
      confidence: "likely",
    };
  },
};

export const interrupted: Cause = {
  id: "build/interrupted",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html"],
  match(failure): Finding | undefined {
    if (failure.statusCode !== "INTERNAL_SERVICE_ERROR" || !failure.message.startsWith("Kiln ")) return undefined;
    return {
      cause: `the build did not end by itself: Kiln's process was killed, or could not go on, in ${failure.phaseType}`,
      evidence: [failure.message, ...failure.output.slice(-1)],
      why: "the project, its buildspec and its role are not the cause",
      next: "start it again with `kiln run`; if nobody killed it, see `kiln doctor`",
      confidence: "certain",
    };
  },
};
