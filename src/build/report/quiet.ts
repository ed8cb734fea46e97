/** `-q`: nothing but warnings, what failed, and the last line. */
import type { Reporter, ReportOptions } from "./reporter.ts";
import { contextLine, isBad, reportLine } from "./words.ts";

export const createQuietReporter = ({ output }: Pick<ReportOptions, "output">): Reporter => ({
  event(event) {
    if (event.type === "notice" && event.level === "warning") output.write(`warning: ${event.text}\n`);
    if (event.type === "report" && event.status !== "SUCCEEDED") output.write(`${reportLine(event)}\n`);
    if (event.type === "phase-finished" && isBad(event.phase.phaseStatus)) {
      const context = contextLine(event.phase);
      output.write(
        `${event.phase.phaseType} ${event.phase.phaseStatus}${context === undefined ? "" : ` ${context}`}\n`,
      );
    }
    if (event.type === "build-finished") output.write(`build ${event.buildStatus}\n`);
  },
  close() {},
});
