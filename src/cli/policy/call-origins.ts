/** What made the calls of a build: the command that ran at that moment, else CodeBuild itself in a phase. */
import type { DecisionRecord } from "../../authorize/decision.ts";
import { callerOf } from "../../authorize/decision-record.ts";
import type { BuildEvent } from "../../build/run/events.ts";

interface Origin {
  readonly fromMs: number;
  readonly text: string;
}

/** Answers one line for a call of one of the builds; undefined when nothing is known of that build. */
export function callOrigins(
  buildspecFile: string,
  builds: ReadonlyMap<string, readonly BuildEvent[]>,
): (record: DecisionRecord) => string | undefined {
  const origins = new Map([...builds].map(([sessionName, events]) => [sessionName, originsOf(buildspecFile, events)]));
  return (record) => {
    // AWS's CodeBuild writes the log all the time, whatever command runs.
    if (record.service === "logs") return "the build's log";
    const known = origins.get(callerOf(record.principalArn).session ?? "");
    return known?.findLast(({ fromMs }) => fromMs <= record.atMs)?.text;
  };
}

function originsOf(buildspecFile: string, events: readonly BuildEvent[]): Origin[] {
  const origins: Origin[] = [];
  let phase = "";
  for (const event of events) {
    if (event.type === "phase-started") phase = `CodeBuild in ${event.phaseType}`;
    if (event.type === "phase-started" || event.type === "command-finished")
      origins.push({ fromMs: event.atMs, text: phase });
    if (event.type === "command-started") {
      const place = event.line > 0 ? ` (${buildspecFile}:${event.line})` : "";
      origins.push({ fromMs: event.atMs, text: `\`${firstLine(event.command)}\`${place}` });
    }
  }
  return origins;
}

const MOST = 100;

function firstLine(command: string): string {
  const [first = "", ...rest] = command.trim().split("\n");
  return first.length > MOST || rest.length > 0 ? `${first.slice(0, MOST)}…` : first;
}
