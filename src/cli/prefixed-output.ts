/** Output of builds that run side by side: each whole line with the name of its build in front. */
import type { ReportOutput } from "../build/report/index.ts";

/** Writes to `write` line by line; what has no line end yet waits for it, or for `close`. */
export function prefixedOutput(prefix: string, write: (text: string) => void): ReportOutput & { close(): void } {
  let rest = "";
  const emit = (lines: readonly string[]): void =>
    write(`${lines.map((line) => `${prefix}${line}`.trimEnd()).join("\n")}\n`);
  return {
    write(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (lines.length > 0) emit(lines);
    },
    close() {
      if (rest !== "") emit([rest]);
      rest = "";
    },
  };
}
