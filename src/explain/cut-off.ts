/**
 * A log of AWS's that ends before any phase has failed: a copy of its last lines, a build whose end was not saved. What
 * its last command printed is read like that of a failed one, and said with less certainty; else the log's end is shown
 * with the next step. Used by explain-build.ts when no phase failed.
 */
import type { BuildFacts } from "./build-facts.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { Failure } from "./failures.ts";

const REST =
  "get the rest of it (`aws logs tail /aws/codebuild/PROJECT --since 1d`), or the build's end: `aws codebuild batch-get-builds --ids PROJECT:UUID`, with `--build`";

/** Nothing but a log is known, and it does not reach the build's end. */
const isCutOff = ({ isSaved, build, events }: BuildFacts): boolean =>
  isSaved === true && build.id === undefined && build.buildStatus === "IN_PROGRESS" && events.length > 0;

/** What would have failed next: the command or the download at the log's end. Undefined for a log that has its end. */
export function unfinishedFailure(facts: BuildFacts): Failure | undefined {
  if (!isCutOff(facts)) return undefined;
  const { events } = facts;
  const at = events.findLastIndex(({ type }) => type === "command-started" || type === "command-finished");
  const last = events[at];
  const output = printed(facts, at);
  if (output.length === 0) return undefined;
  if (last?.type === "command-started") {
    const command = { text: last.command, line: last.line, exitStatus: 1, workingDirectory: "" };
    return { phaseType: last.phaseType, phaseStatus: "FAILED", statusCode: "", message: "", command, output };
  }
  // AWS: an error of S3 while the source is taken is printed without a mark, and nothing comes after it.
  const message = output.join("\n");
  if (!/\bfor (?:primary|secondary) source\b/.test(message)) return undefined;
  return { phaseType: "DOWNLOAD_SOURCE", phaseStatus: "FAILED", statusCode: "CLIENT_ERROR", message, output };
}

/** Where the log ends, when nothing at its end is known. */
export function logEnd(facts: BuildFacts): Omit<Diagnosis, "alsoSeen"> | undefined {
  if (!isCutOff(facts)) return undefined;
  const { events } = facts;
  const at = events.findLastIndex(({ type }) => type === "command-started" || type === "command-finished");
  const last = events[at];
  const texts = events.flatMap((event) => (event.type === "log" && event.text.trim() !== "" ? [event.text] : []));
  const isReading = /^Decrypting parameter store environment variables/.test(texts.at(-1) ?? "");
  const agent = texts.findLast((text) => text.startsWith("Runtime error ("));
  return {
    outcome: "undiagnosed",
    cause:
      last?.type === "command-started"
        ? `the log ends while a command runs: \`${last.command.split("\n", 1)[0]}\``
        : agent !== undefined
          ? `CodeBuild's agent ended: ${agent.replace(/^Runtime error \((?:\*[\w.]+: )?(.*?)\)?$/, "$1")}`
          : isReading
            ? "the log ends while the build reads its variables from Parameter Store"
            : `the log ends in the phase ${phaseAtEnd(facts)}, and no phase in it failed`,
    code: "build/log-cut-off",
    phase: last?.type === "command-started" ? last.phaseType : phaseAtEnd(facts),
    evidence: agent === undefined ? texts.slice(-5) : [agent],
    alternatives: [],
    consequences: [],
    sources: [],
    confidence: "possible",
    next: isReading
      ? "see the phase's message (`aws codebuild batch-get-builds --ids PROJECT:UUID`, with `--build`); most often the service role lacks `ssm:GetParameters`, or a parameter of the project or the buildspec does not exist"
      : REST,
  };
}

/** What was printed at the end, of the running command or after the last one. */
const printed = ({ events }: BuildFacts, after: number): string[] => {
  const lines = events
    .slice(after + 1)
    .flatMap((event) => (event.type === "log" && event.kind === "output" ? [event.text] : []));
  return lines.slice(
    lines.findIndex((line) => line.trim() !== ""),
    lines.findLastIndex((line) => line.trim() !== "") + 1,
  );
};

/** The phase that was entered last, else the one in which a build begins. */
function phaseAtEnd({ events }: BuildFacts): string {
  const entered = events.findLast((event) => event.type === "phase-started");
  return entered?.type === "phase-started" ? entered.phaseType : "DOWNLOAD_SOURCE";
}
