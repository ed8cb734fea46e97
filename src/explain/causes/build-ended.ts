/** The build did not end by itself: timed out, stopped, killed. */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";

export const queuedTooLong: Cause = {
  id: "build/queued-too-long",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html"],
  match(failure, facts): Finding | undefined {
    if (failure.phaseStatus !== "TIMED_OUT" || failure.phaseType !== "QUEUED") return undefined;
    const { queuedTimeoutInMinutes: minutes, projectName = "PROJECT" } = facts.build;
    return {
      cause: `the build waited${minutes === undefined ? "" : ` ${minutes} minutes`} for a place and never started`,
      field: { path: "queuedTimeoutInMinutes", ...(minutes === undefined ? {} : { value: String(minutes) }) },
      evidence: [failure.message].filter((line) => line.trim() !== ""),
      why: "as many builds ran as the project, its fleet or this Kiln runs at the same time; none of them ended in time",
      fix: {
        kind: "command",
        title: "let it wait longer (5 to 480 minutes)",
        commands: [
          `aws codebuild update-project --name ${projectName} --queued-timeout-in-minutes ${Math.min(480, (minutes ?? 480) * 2)}`,
        ],
      },
      next: "or run more at once: `kiln start --concurrent-builds N`, the fleet's `baseCapacity`, the project's `concurrentBuildLimit`; `kiln builds ls` shows what runs",
      confidence: "certain",
    };
  },
};

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
