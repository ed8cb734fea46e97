/** Which display a run gets: JSON Lines, CodeBuild's log lines, a live view on a terminal, plain lines otherwise. */
import {
  createAwsReporter,
  createJsonReporter,
  createPlainReporter,
  createQuietReporter,
  createTtyReporter,
  type Reporter,
} from "../build/report/index.ts";
import { systemClock } from "../core/clock.ts";
import type { CommandContext } from "./command-context.ts";
import type { CliIo } from "./io.ts";

export function selectReporter({ io, settings }: CommandContext, format: "kiln" | "aws"): Reporter {
  const output = {
    write: (text: string) => void io.stdout.write(text),
    get columns() {
      return io.stdout.columns;
    },
  };
  const options = { output, clock: systemClock, colour: settings.hasColor, unicode: isUnicode(io.env) };
  if (settings.output === "json") return createJsonReporter(options);
  if (format === "aws") return createAwsReporter(options);
  if (settings.isQuiet) return createQuietReporter(options);
  // A live view needs a terminal that can move its cursor.
  const isLive = io.stdout.isTTY === true && io.env["TERM"] !== "dumb" && !io.env["CI"];
  return isLive ? createTtyReporter(options) : createPlainReporter(options);
}

/** A locale that names another character set than UTF-8; none at all is most often a container whose terminal can. */
function isUnicode(env: CliIo["env"]): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "UTF-8";
  return /utf-?8/i.test(locale);
}
