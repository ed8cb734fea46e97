/**
 * Timeouts that CodeBuild refuses, and builds that cannot end within theirs: a `sleep` longer than the timeout, a batch
 * whose time is shorter than one of its builds.
 */
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

/** https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html */
const BUILD = { least: 5, most: 2160 };
const QUEUED = { least: 5, most: 480 };
const DEFAULT_MINUTES = 60;

export const projectTimeout: Rule = {
  id: "project/timeout",
  severity: "error",
  title: "a timeout out of range, or shorter than the build",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html",
  *run(context) {
    const { timeoutInMinutes, queuedTimeoutInMinutes, buildBatchConfig } = context.project;
    yield* outOfRange("timeoutInMinutes", timeoutInMinutes, BUILD);
    yield* outOfRange("queuedTimeoutInMinutes", queuedTimeoutInMinutes, QUEUED);
    const batchMinutes = buildBatchConfig?.timeoutInMins;
    yield* outOfRange("buildBatchConfig.timeoutInMins", batchMinutes, BUILD);
    const minutes = timeoutInMinutes ?? DEFAULT_MINUTES;
    if (context.buildspec.batch && batchMinutes !== undefined && batchMinutes < minutes) {
      yield {
        severity: "warning",
        message: `a batch ends after ${batchMinutes} minutes, and each of its builds may take ${minutes}`,
        why: "buildBatchConfig.timeoutInMins holds for all builds together",
      };
    }
    yield* sleeps(context, timeoutInMinutes);
  },
};

function* outOfRange(
  member: string,
  value: number | undefined,
  { least, most }: { least: number; most: number },
): Iterable<Finding> {
  if (value === undefined || (value >= least && value <= most)) return;
  yield { message: `${member} is ${value}, expected ${least} to ${most}`, why: "CodeBuild refuses the project" };
}

/** Unknown projects have the default, and may have more: nothing is certain below the longest timeout there is. */
function* sleeps({ shell }: CheckContext, minutes: number | undefined): Iterable<Finding> {
  const limit = minutes ?? BUILD.most;
  let slept = 0;
  for (const command of shell.commands) {
    const seconds = command.name === "sleep" && !command.isGuarded ? secondsOf(command) : undefined;
    if (seconds === undefined || isBackground(command)) continue;
    slept += seconds;
    if (slept <= limit * 60) continue;
    yield {
      message: `the build sleeps for ${Math.round(slept / 60)} minutes and has ${limit} minutes${minutes === undefined ? " at most" : ""}`,
      span: command.span,
      why: "CodeBuild stops the build with `TIMED_OUT`; raise timeoutInMinutes, or wait for what the build waits for",
    };
    return;
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function secondsOf({ args }: ShellCommand): number | undefined {
  let sum = 0;
  for (const { text } of args) {
    const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text ?? "");
    if (!match) return undefined;
    sum += Number(match[1]) * (UNITS[match[2] || "s"] ?? 1);
  }
  return args.length === 0 ? undefined : sum;
}

const isBackground = ({ within, args }: ShellCommand): boolean =>
  new RegExp(`\\bsleep\\s+${args[0]?.text ?? ""}\\b[^;\\n|&]*&(?!&)`).test(within.value) ||
  within.value.includes("nohup");
