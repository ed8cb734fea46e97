/** One line after the other, without a terminal: what runs, its output, how each phase ended. Readable in a CI log. */
import picocolors from "picocolors";
import type { BuildEvent, BuildPhase } from "../run/events.ts";
import type { Reporter, ReportOptions } from "./reporter.ts";
import { cacheLine, contextLine, duration, isBad, isQuietPhase, phaseTime, reportLine } from "./words.ts";

export function createPlainReporter({ output, colour }: ReportOptions): Reporter {
  const style = picocolors.createColors(colour);
  let startedMs = 0;
  const line = (text: string): void => output.write(`${text}\n`);

  const phaseEnd = (phase: BuildPhase): void => {
    const { phaseType, phaseStatus } = phase;
    if (phaseStatus === undefined || (isQuietPhase(phaseType) && !isBad(phaseStatus))) return;
    const text = `${phaseType} ${phaseStatus} (${phaseTime(phase)})`;
    line(isBad(phaseStatus) ? style.red(text) : style.green(text));
    const context = contextLine(phase);
    if (context !== undefined) for (const part of context.split("\n")) line(`  ${part}`);
  };

  return {
    event(event: BuildEvent) {
      switch (event.type) {
        case "build-started":
          startedMs = event.atMs;
          line(
            style.bold(`build ${event.buildNumber} of ${event.projectName}`) +
              style.dim(` (${event.buildId}, ${event.image}, engine ${event.engine}, role ${event.serviceRole})`),
          );
          return;
        case "phase-started":
          if (!isQuietPhase(event.phaseType)) line(style.bold(event.phaseType));
          return;
        case "command-started":
          for (const [index, text] of event.command.split("\n").entries())
            line(style.cyan(`${index === 0 ? "$" : ">"} ${text}`));
          return;
        case "command-finished":
          if (event.exitStatus !== 0) line(style.red(`exit status ${event.exitStatus} (buildspec line ${event.line})`));
          return;
        case "log":
          if (event.kind === "output") line(event.text);
          return;
        case "notice":
          line(event.level === "warning" ? style.yellow(`warning: ${event.text}`) : style.dim(`note: ${event.text}`));
          return;
        case "report":
          line(event.status === "SUCCEEDED" ? reportLine(event) : style.red(reportLine(event)));
          return;
        case "cache":
          line(style.dim(`cache ${cacheLine(event)}`));
          return;
        case "image-pushed":
          line(`pushed ${event.reference} ${event.digest}`);
          return;
        // Who asked for the build tells of leaks at its end, with the fixes.
        case "leak":
        case "leak-check":
          return;
        case "phase-finished":
          phaseEnd(event.phase);
          return;
        case "build-finished": {
          const text = `build ${event.buildStatus} in ${duration(event.atMs - startedMs)}`;
          line(style.bold(isBad(event.buildStatus) ? style.red(text) : style.green(text)));
        }
      }
    },
    close() {},
  };
}
