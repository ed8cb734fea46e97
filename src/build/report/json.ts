/** JSON Lines: each event as it is, a line of output an event. The last line of `kiln run -o json`, the build, is added by the CLI. */
import type { Reporter, ReportOptions } from "./reporter.ts";

export const createJsonReporter = ({ output }: Pick<ReportOptions, "output">): Reporter => ({
  event(event) {
    if (event.type !== "log" || event.kind !== "output") {
      output.write(`${JSON.stringify(event)}\n`);
      return;
    }
    const lines = event.text.split("\n").map((text) => `${JSON.stringify({ ...event, text })}\n`);
    output.write(lines.join(""));
  },
  close() {},
});
