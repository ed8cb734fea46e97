/** Follows a build to its end on the terminal: events as they come, Ctrl-C stops it, then why it failed and the exit code. */
import type { Kiln } from "../app.ts";
import { sleep, systemClock } from "../core/clock.ts";
import { explainBuild } from "../explain/index.ts";
import { BuildLeaks } from "./build-leaks.ts";
import type { CommandContext } from "./command-context.ts";
import { findBuild, gatherFacts, type WireBuild } from "./explain/gather-facts.ts";
import { shownDiagnosis } from "./explain/shown-diagnosis.ts";
import { onWire } from "./on-wire.ts";
import { selectReporter } from "./select-reporter.ts";
import { aborted, type Interruption } from "./signals.ts";

/** Answers the exit code: 0, 1, 124 (timed out) or 130 (interrupted). Follows the builds that come after a failed one by themselves. */
export async function watchBuild(
  context: CommandContext,
  kiln: Kiln,
  buildId: string,
  format: "kiln" | "aws",
  interruption: Interruption,
  /** Told how many leaks each build has. */
  onLeaks: (count: number) => void = () => {},
): Promise<number> {
  const leaks = new BuildLeaks();
  const reporter = selectReporter(context, format);
  const stopped = aborted(interruption.first).then(async () => {
    // Through the reporter: what another stream writes would break a live view.
    reporter.event({
      type: "notice",
      level: "info",
      text: "stopping the build; Ctrl-C once more kills it",
      buildId,
      atMs: systemClock.nowMs(),
    });
    await kiln.root.call("codebuild", "StopBuild", { id: buildId });
  });
  const follow = async (): Promise<void> => {
    for await (const event of kiln.events(buildId, { joined: true })) {
      leaks.see(event);
      reporter.event(event);
    }
  };
  try {
    await Promise.race([follow(), aborted(interruption.second)]);
    if (interruption.first.aborted && !interruption.second.aborted) await stopped;
  } finally {
    reporter.close();
  }
  if (interruption.first.aborted) return 130;
  onLeaks(leaks.count);
  const code = await finish(context, kiln, buildId, leaks);
  // A failed build may have been started again by itself: the last of the chain decides.
  const next = (await findBuild(kiln, buildId))?.autoRetryConfig?.nextAutoRetry;
  if (next === undefined) return code;
  return watchBuild(
    context,
    kiln,
    next.slice(next.indexOf(":build/") + ":build/".length),
    format,
    interruption,
    onLeaks,
  );
}

async function finish(context: CommandContext, kiln: Kiln, buildId: string, leaks: BuildLeaks): Promise<number> {
  const build = await findBuild(kiln, buildId);
  const found = build && (await diagnose(context, kiln, build));
  if (context.settings.output === "json") {
    const told = onWire({ ...build });
    context.io.stdout.write(
      `${JSON.stringify({ ...(told as object), ...(found && { diagnosis: found.diagnosis }) })}\n`,
    );
  } else if (found) {
    context.print(`\n${found.text}`);
    context.print(`  build ${buildId}`);
  }
  const text = leaks.text(context);
  if (context.settings.output !== "json" && text !== "") context.print(`\n${text}`);
  return exitCodeOf(build?.buildStatus);
}

/** Why a build did not succeed, as data and as text; undefined when there is nothing to say. */
export async function diagnose(
  context: CommandContext,
  kiln: Kiln,
  build: WireBuild,
): Promise<{ readonly diagnosis: ReturnType<typeof explainBuild>; readonly text: string } | undefined> {
  if (build.buildStatus === "SUCCEEDED") return undefined;
  const facts = await gatherFacts(kiln, build);
  const diagnosis = explainBuild(facts);
  if (diagnosis.outcome === "no-problem") return undefined;
  const readText = (file: string) => facts.workspace?.readText(file);
  return { diagnosis, text: shownDiagnosis(context, diagnosis, readText) };
}

export function exitCodeOf(buildStatus: string | undefined): number {
  if (buildStatus === "SUCCEEDED") return 0;
  return buildStatus === "TIMED_OUT" ? 124 : 1;
}

/** False when `signal` ended the pause. Keeps the process alive, which the clock's timers do not. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  const keepAlive = setInterval(() => {}, 1000);
  try {
    await sleep(systemClock, ms, signal);
    return true;
  } catch {
    return false;
  } finally {
    clearInterval(keepAlive);
  }
}
