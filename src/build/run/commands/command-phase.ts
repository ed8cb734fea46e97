/**
 * INSTALL, PRE_BUILD, BUILD, POST_BUILD: commands in order until one fails, then `finally` whatever happened.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases; line texts from published logs.
 */
import type { Clock } from "../../../core/clock.ts";
import { exitStatus } from "../../../engines/outcome.ts";
import type { PlannedCommand, PlannedPhase } from "../../plan/index.ts";
import type { BuildLog } from "../build-log.ts";
import type { ReadyBuild } from "../download-source.ts";
import type { PhaseContext } from "../events.ts";
import { type CommandPhase, onFailureOf } from "../transitions.ts";
import { commandFailure } from "./command-failure.ts";
import { userFailure } from "./run-as-user.ts";

interface PhaseRun {
  readonly phase: PlannedPhase;
  readonly build: ReadyBuild;
  readonly log: BuildLog;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Undefined: the engine's own. */
  readonly user: string | undefined;
}

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
  // AWS: commands run as root unless `run-as` says otherwise; the engine's own user stands for root.
  const user = phase.runAs === "root" ? undefined : phase.runAs;
  const first = phase.commands[0] ?? phase.finally[0];
  if (user !== undefined && first) {
    const failure = await userFailure(user, first, build.environment, log);
    if (failure) return failure;
  }
  const own = build.phaseVariables.filter(({ variable }) => variable.phase === phase.name);
  if (own.length > 0) {
    await build.session.set(Object.fromEntries(own.map(({ variable, value }) => [variable.name, value])));
  }
  const run: PhaseRun = { phase, build, log, clock, signal, user };
  const failure = await runCommands(phase.commands, run);
  if (failure && onFailureOf(phase)?.action !== "CONTINUE") await markFailing(build);
  const finallyFailure = signal.aborted ? undefined : await runCommands(phase.finally, run);
  if (own.length > 0 && !signal.aborted) {
    await restore(
      own.map(({ variable }) => variable.name),
      build,
    );
  }
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
  { phase, build, log, clock, signal, user }: PhaseRun,
): Promise<PhaseContext | undefined> {
  for (const { text, line } of commands) {
    if (signal.aborted) return undefined;
    const about = { phaseType: phase.phaseType, command: text, line };
    const directory = build.session.directory();
    log.commandStarted(about);
    log.container(`Running command ${text}`);
    const startMs = clock.nowMs();
    const output = log.commandOutput();
    const outcome = await build.session
      .run({ text, directory, user, onOutput: (chunk) => output.push(chunk) })
      .finally(() => output.end());
    if (outcome.kind === "failed-to-start") log.notice("warning", `the shell could not start: ${outcome.message}`);
    log.output("");
    const status = exitStatus(outcome);
    log.commandFinished({
      ...about,
      exitStatus: status,
      durationMs: clock.nowMs() - startMs,
      workingDirectory: directory,
    });
    if (outcome.kind === "cancelled") return undefined;
    if (status !== 0) {
      log.container(`Command did not exit successfully ${text} exit status ${status}`);
      return commandFailure(text, `exit status ${status}`);
    }
  }
  return undefined;
}
