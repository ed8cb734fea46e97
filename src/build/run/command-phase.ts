/**
 * INSTALL, PRE_BUILD, BUILD, POST_BUILD: commands in order until one fails, then `finally` whatever happened.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases; line texts from published logs.
 */
import type { Clock } from "../../core/clock.ts";
import { exitStatus } from "../../engines/outcome.ts";
import type { PlannedCommand, PlannedPhase } from "../plan/index.ts";
import type { BuildLog } from "./build-log.ts";
import type { ReadyBuild } from "./download-source.ts";
import type { PhaseContext } from "./events.ts";
import { type CommandPhase, parseOnFailure } from "./transitions.ts";

/** Runs one phase; a phase that the buildspec does not have succeeds. Resolves with its first failure. */
export async function runCommandPhase(
  phaseType: CommandPhase,
  build: ReadyBuild,
  log: BuildLog,
  clock: Clock,
  signal: AbortSignal,
): Promise<PhaseContext | undefined> {
  log.container(`Entering phase ${phaseType}`);
  const phase = build.plan.phases.find((one) => one.phaseType === phaseType);
  if (!phase) return undefined;
  const own = build.phaseVariables.filter(({ variable }) => variable.phase === phase.name);
  if (own.length > 0) {
    await build.session.set(Object.fromEntries(own.map(({ variable, value }) => [variable.name, value])));
  }
  const failure = await runCommands(phase.commands, phase, build, log, clock, signal);
  if (failure && parseOnFailure(phase.onFailure) !== "CONTINUE") await markFailing(build);
  const finallyFailure = signal.aborted
    ? undefined
    : await runCommands(phase.finally, phase, build, log, clock, signal);
  if (own.length > 0 && !signal.aborted)
    await restore(
      own.map(({ variable }) => variable.name),
      build,
    );
  return failure ?? finallyFailure;
}

/** AWS: `CODEBUILD_BUILD_SUCCEEDING` is 0 once the build is failing. */
export const markFailing = (build: ReadyBuild): Promise<void> => build.session.set({ CODEBUILD_BUILD_SUCCEEDING: "0" });

async function restore(names: readonly string[], build: ReadyBuild): Promise<void> {
  const outer = build.variables.filter(({ variable }) => names.includes(variable.name));
  await build.session.unset(names);
  await build.session.set(Object.fromEntries(outer.map(({ variable, value }) => [variable.name, value])));
}

async function runCommands(
  commands: readonly PlannedCommand[],
  phase: PlannedPhase,
  build: ReadyBuild,
  log: BuildLog,
  clock: Clock,
  signal: AbortSignal,
): Promise<PhaseContext | undefined> {
  for (const { text, line } of commands) {
    if (signal.aborted) return undefined;
    const about = { phaseType: phase.phaseType, command: text, line };
    const workingDirectory = await build.session.directory();
    log.commandStarted(about);
    log.container(`Running command ${text}`);
    const startMs = clock.nowMs();
    const output = log.commandOutput();
    const outcome = await build.session.run(text, workingDirectory, (chunk) => output.push(chunk));
    await output.end();
    if (outcome.kind === "failed-to-start") log.notice("warning", `the shell could not start: ${outcome.message}`);
    log.output("");
    const status = exitStatus(outcome);
    log.commandFinished({ ...about, exitStatus: status, durationMs: clock.nowMs() - startMs, workingDirectory });
    if (outcome.kind === "cancelled") return undefined;
    if (status !== 0) {
      log.container(`Command did not exit successfully ${text} exit status ${status}`);
      return {
        statusCode: "COMMAND_EXECUTION_ERROR",
        message: `Error while executing command: ${text}. Reason: exit status ${status}`,
      };
    }
  }
  return undefined;
}
