/** The last resort for a failed command: what its exit status means, and its last lines. */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";

export const exitStatusOnly: Cause = {
  id: "commands/exit-status",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html"],
  match(failure, facts): Finding | undefined {
    const { command } = failure;
    if (!command) return undefined;
    const meaning = meaningOf(command.exitStatus);
    const hasOutput = failure.output.length > 0;
    return {
      cause: `a command ended with exit status ${command.exitStatus}${meaning === undefined ? "" : ` (${meaning})`}: \`${command.text.split("\n", 1)[0]}\``,
      ...placeOfCommand(facts, command),
      evidence: hasOutput ? failure.output.slice(-8) : [failure.message].filter((line) => line !== ""),
      confidence: "possible",
      next: hasOutput
        ? "its last lines are above; the whole log: `kiln builds logs`"
        : "it printed nothing: put `set -x` on the first line of the command, or run it by hand",
      isUndiagnosed: true,
    };
  },
};

/** AWS's and the shells' usual meanings. */
function meaningOf(status: number): string | undefined {
  if (status === 2) return "wrong usage, or make found an error";
  if (status === 125) return "docker refused to start";
  if (status === 126) return "found, but not executable";
  if (status === 127) return "command not found";
  if (status === 143) return "terminated";
  if (status === 254 || status === 255) return "the aws CLI was refused, or could not reach the service";
  if (status > 128 && status < 160) return `killed by signal ${status - 128}`;
  return undefined;
}
