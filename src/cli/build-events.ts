/** `kiln builds events`: changes of builds as CodeBuild's EventBridge events: a line each, or the events as JSON Lines. */
import type { Kiln } from "../app.ts";
import type { CommandContext } from "./command-context.ts";
import { withSignals } from "./signals.ts";

/** Prints the events of one build, or of all whose events are still kept; with `follow`, goes on as they come. */
export async function printBuildEvents(
  context: CommandContext,
  kiln: Kiln,
  buildId: string | undefined,
  follow: boolean,
): Promise<number> {
  return withSignals(async ({ first }) => {
    const signal = AbortSignal.any([first, context.io.outputClosed]);
    // The log is polled with the clock's timers, which do not keep the process alive.
    const keepAlive = setInterval(() => {}, 1000);
    let printed = 0;
    try {
      for await (const { event } of kiln.buildEvents({ afterSequence: 0, buildId, follow, signal })) {
        printed++;
        if (context.settings.output === "json") context.io.stdout.write(`${JSON.stringify(event)}\n`);
        else context.print(lineOf(event));
      }
    } finally {
      clearInterval(keepAlive);
    }
    if (printed === 0 && !follow) context.note("no events are kept: they are of the newest builds");
    return first.aborted ? 130 : 0;
  });
}

function lineOf(event: {
  readonly time: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}): string {
  const { detail } = event;
  const text = (name: string): string => String(detail[name] ?? "");
  const build = (event.resources[0] ?? "").split("/").slice(1).join("/");
  if (detail["completed-phase"] === undefined) {
    const status = text("build-status") || text("build-batch-status");
    return `${event.time}  ${build}  ${status} (${text("current-phase")})`;
  }
  const why = text("completed-phase-context");
  const status = text("completed-phase-status");
  const reason = status === "SUCCEEDED" || why === "[]" ? "" : `  ${why}`;
  return `${event.time}  ${build}  ${text("completed-phase")} ${status}${reason}`;
}
