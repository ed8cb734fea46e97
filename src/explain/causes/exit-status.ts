/** The last resort for a failed command: what its exit status means, and its last lines. */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";

export const exitStatusOnly: Cause = {
  id: "commands/exit-status",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html"],
  match(failure, facts): Finding | undefined {
    const { command } = failure;
    if (!command) return undefined;
    const meaning = meaningOf(command.exitStatus, command.text);
    const hasOutput = failure.output.some((line) => line.trim() !== "");
    // Of a build of AWS's only a message may be known, or a log whose beginning is missing.
    const head = command.text.split("\n", 1)[0];
    const isUnseen =
      facts.isSaved &&
      !facts.events.some((event) => event.type === "command-started" && event.command.split("\n", 1)[0] === head);
    return {
      cause: `a command ended with exit status ${command.exitStatus}${meaning === undefined ? "" : ` (${meaning})`}: \`${command.text.split("\n", 1)[0]}\``,
      ...placeOfCommand(facts, command),
      evidence: hasOutput ? telling(failure.output) : [failure.message].filter((line) => line !== ""),
      confidence: "possible",
      next: hasOutput
        ? facts.isSaved
          ? "no tool that Kiln knows says why: read what it printed before these lines, or run it by hand"
          : "its last lines are above; the whole log: `kiln builds logs`"
        : isUnseen
          ? "what it printed is not in this text: give the whole log, `aws logs get-log-events --log-group-name /aws/codebuild/PROJECT --log-stream-name UUID`, with `--log`"
          : "it printed nothing: put `set -x` on the first line of the command, or run it by hand",
      isUndiagnosed: true,
    };
  },
};

const TROUBLE =
  /\b(?:error|fail(?:ed|ure)?|fatal|denied|refused|cannot|can't|could not|unable|invalid|not found|no such|exception|panic)\b/i;

/** At most five lines: the last, and before it those with words of trouble. */
function telling(output: readonly string[]): string[] {
  const told = output.filter((line) => line.trim() !== "");
  const troubled = told.filter((line, index) => TROUBLE.test(line) || index === told.length - 1);
  return (troubled.length > 1 ? troubled : told).slice(-5);
}

/** AWS's and the shells' usual meanings, and those of Windows. */
function meaningOf(status: number, command: string): string | undefined {
  if (status > 0xc0000000 && status <= 0xffffffff) {
    const code = `0x${status.toString(16).toUpperCase()}`;
    const known = WINDOWS[code];
    return known === undefined ? `Windows' ${code}` : `Windows' ${code}: ${known}`;
  }
  if (status === 2) return /\bmake\b/.test(command) ? "make found an error" : "often wrong usage";
  if (status === 125) return "docker refused to start";
  if (status === 126) return "found, but not executable";
  if (status === 127) return "command not found";
  if (status === 143) return "terminated";
  if (status === 254 || status === 255) return "the aws CLI was refused, or could not reach the service";
  if (status > 128 && status < 160) return `killed by signal ${status - 128}`;
  return undefined;
}

/** Sources: https://learn.microsoft.com/openspecs/windows_protocols/ms-erref (NTSTATUS values) */
const WINDOWS: Readonly<Record<string, string>> = {
  "0xC0000005": "the program touched memory that is not its own",
  "0xC0000135": "a DLL that the program needs is not there",
  "0xC0000139": "a DLL is of another version than the program needs",
  "0xC0000142": "a DLL could not start: often an image made for another build of Windows than the host's",
  "0xC000013A": "interrupted",
};
