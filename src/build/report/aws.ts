/** `--format aws`: CodeBuild's own log, nothing else. A build that failed before it had a log shows its phase context. */
import type { BuildPhase } from "../run/events.ts";
import { awsLines, containerPrefix } from "./aws-lines.ts";
import type { Reporter, ReportOptions } from "./reporter.ts";
import { contextLine } from "./words.ts";

export function createAwsReporter({ output }: Pick<ReportOptions, "output">): Reporter {
  let logged = false;
  const withoutLog = (phase: BuildPhase, atMs: number): void => {
    const context = contextLine(phase);
    if (logged || context === undefined) return;
    output.write(`${containerPrefix(atMs)}Phase complete: ${phase.phaseType} State: ${phase.phaseStatus}\n`);
    output.write(
      `${containerPrefix(atMs)}Phase context status code: ${phase.contexts?.[0]?.statusCode} Message: ${phase.contexts?.[0]?.message}\n`,
    );
  };
  return {
    event(event) {
      if (event.type === "phase-finished") withoutLog(event.phase, event.atMs);
      if (event.type !== "log") return;
      logged = true;
      output.write(`${awsLines(event).join("\n")}\n`);
    },
    close() {},
  };
}
