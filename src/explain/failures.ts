/**
 * From a build's record and events to its failures in order: per failed phase the status code, the failing command and
 * what that command printed. The causes match on these, never on the raw stream.
 */
import type { BuildEvent } from "../build/run/events.ts";
import type { ApiError, BuildFacts } from "./build-facts.ts";

export interface FailedCommand {
  readonly text: string;
  /** 1-based line in the buildspec; 0 when unknown (a log file). */
  readonly line: number;
  readonly exitStatus: number;
  /** Directory the command started in; empty when unknown. */
  readonly workingDirectory: string;
}

export interface Failure {
  /** Empty when no build began: a call was refused, or only a text is known. */
  readonly phaseType: string;
  readonly phaseStatus: string;
  readonly statusCode: string;
  readonly message: string;
  readonly command?: FailedCommand;
  /** What the failing command printed (masked), without line ends. */
  readonly output: readonly string[];
  /** The refused call, e.g. `CreateProject`; empty when the text does not name it. */
  readonly operation?: string;
}

const FAILED = new Set(["FAILED", "FAULT", "TIMED_OUT", "STOPPED"]);

/** Failures in the order they happened. Empty for a build that succeeded or still runs. */
export function failuresOf(facts: Pick<BuildFacts, "build" | "events" | "apiError">): Failure[] {
  const commands = failedCommands(facts.events);
  const failures: Failure[] = facts.apiError ? [refusedCall(facts.apiError)] : [];
  for (const phase of facts.build.phases ?? []) {
    if (!phase.phaseType || !phase.phaseStatus || !FAILED.has(phase.phaseStatus)) continue;
    const ran = commands.filter((command) => command.phaseType === phase.phaseType);
    const context = phase.contexts?.find((c) => c.statusCode || c.message);
    const named = ran.find((command) => context?.message?.includes(command.text)) ?? ran[0];
    const base = {
      phaseType: phase.phaseType,
      phaseStatus: phase.phaseStatus,
      statusCode: context?.statusCode ?? "",
      message: (context?.message ?? "").slice(0, MAX_MESSAGE),
    };
    if (named) {
      const { phaseType: _, output, ...command } = named;
      failures.push({ ...base, command, output });
    } else {
      failures.push({
        ...base,
        ...commandFromMessage(base.message),
        output: unfinishedOutput(facts.events, phase.phaseType),
      });
    }
  }
  return failures;
}

const refusedCall = ({ operation, code, message }: ApiError): Failure => ({
  phaseType: "",
  phaseStatus: "FAILED",
  statusCode: code,
  message,
  output: [],
  operation: operation ?? "",
});

/** AWS: `Error while executing command: <command>. Reason: exit status <n>` is all a build record keeps. */
function commandFromMessage(message: string): { command?: FailedCommand } {
  const match = /^Error while executing command: ([\s\S]*)\. Reason: exit status (\d+)$/.exec(message);
  if (!match) return {};
  return { command: { text: match[1] ?? "", line: 0, exitStatus: Number(match[2]), workingDirectory: "" } };
}

type CommandWithOutput = FailedCommand & { readonly phaseType: string; readonly output: string[] };

function failedCommands(events: readonly BuildEvent[]): CommandWithOutput[] {
  const failed: CommandWithOutput[] = [];
  let output: string[] = [];
  for (const event of events) {
    if (event.type === "command-started") output = [];
    if (event.type === "log" && event.kind === "output") output.push(shortened(event.text));
    if (event.type === "command-finished") {
      if (event.exitStatus !== 0) {
        failed.push({
          phaseType: event.phaseType,
          text: event.command,
          line: event.line,
          exitStatus: event.exitStatus,
          workingDirectory: event.workingDirectory,
          output: trimEmpty(output),
        });
      }
      output = [];
    }
  }
  return failed;
}

/** Output of a phase's last command when it never finished (a timeout, a stop). */
function unfinishedOutput(events: readonly BuildEvent[], phaseType: string): string[] {
  let output: string[] = [];
  // A log whose head is cut off does not say where its first phase began.
  let isInPhase = !events.some((event) => event.type === "phase-started" && event.phaseType === phaseType);
  for (const event of events) {
    if (event.type === "phase-started") isInPhase = event.phaseType === phaseType;
    if (event.type === "command-started") output = [];
    if (isInPhase && event.type === "log" && event.kind === "output") output.push(shortened(event.text));
    if (isInPhase && event.type === "phase-finished") break;
  }
  return trimEmpty(output);
}

/** AWS's are a few lines, with a whole command in them at most. */
const MAX_MESSAGE = 65_536;
/** A line as far as causes look at it: no message is longer, and patterns may cost the square of a line. */
const MAX_LINE = 8192;

/** Beginning and end of a line that is too long to be a message. */
export const shortened = (line: string): string =>
  line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE / 2)} … ${line.slice(-MAX_LINE / 2)}`;

const trimEmpty = (lines: readonly string[]): string[] => {
  const end = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, end + 1);
};
