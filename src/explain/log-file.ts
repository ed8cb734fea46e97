/**
 * Build facts from a CodeBuild log that somebody saved: console download, `aws logs`, the local agent. Accepts the
 * spellings since 2016 (no fraction of a second, `Success: true|false`, the agent's `agent_1  | ` prefix).
 */
import type { BuildEvent, BuildStatus, PhaseType } from "../build/run/events.ts";
import type { BuildFacts } from "./build-facts.ts";

const CONTAINER = /^\[Container\] \d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})? (.*)$/;
const AGENT_PREFIX = /^\S*agent\S*\s*\| ?/;

interface PhaseDraft {
  phaseType: string;
  phaseStatus: string;
  contexts: { statusCode: string; message: string }[];
}

/** Facts without decisions and parameters; add what else is known before explaining. */
export function factsFromLog(text: string): BuildFacts {
  const phases: PhaseDraft[] = [];
  const events: BuildEvent[] = [];
  const base = { buildId: "log", atMs: 0 };
  let phaseType = "DOWNLOAD_SOURCE";
  let running: { command: string; lines: string[] } | undefined;
  const finish = (exitStatus: number) => {
    if (!running) return;
    const command = { command: running.command, line: 0, phaseType: phaseType as PhaseType };
    events.push({ ...base, type: "command-finished", ...command, exitStatus, durationMs: 0, workingDirectory: "" });
    running = undefined;
  };
  let context: { statusCode: string; message: string } | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(AGENT_PREFIX, "");
    const said = CONTAINER.exec(line)?.[1];
    if (said === undefined) {
      if (context) context.message += `\n${line}`;
      else if (running) events.push({ ...base, type: "log", kind: "output", text: line });
      continue;
    }
    context = undefined;
    const entering = /^Entering phase (\w+)/.exec(said);
    const command = /^Running command ([\s\S]*)$/.exec(said);
    const failed = /^Command did not exit successfully [\s\S]* exit status (\d+)$/.exec(said);
    const complete = /^Phase complete: (\w+) (?:State: (\w+)|Success: (true|false))/.exec(said);
    const code = /^Phase context status code: (.*?) Message: ?(.*)$/.exec(said);
    if (entering) phaseType = entering[1] ?? phaseType;
    else if (command) {
      finish(0);
      running = { command: command[1] ?? "", lines: [] };
      events.push({
        ...base,
        type: "command-started",
        phaseType: phaseType as PhaseType,
        command: running.command,
        line: 0,
      });
    } else if (failed) finish(Number(failed[1]));
    else if (complete) {
      finish(0);
      const phaseStatus = complete[2] ?? (complete[3] === "true" ? "SUCCEEDED" : "FAILED");
      phases.push({ phaseType: complete[1] ?? phaseType, phaseStatus, contexts: [] });
    } else if (code) {
      context = { statusCode: (code[1] ?? "").trim(), message: (code[2] ?? "").trim() };
      phases.at(-1)?.contexts.push(context);
    } else events.push({ ...base, type: "log", kind: "container", text: said });
  }
  for (const phase of phases) for (const c of phase.contexts) c.message = c.message.trimEnd();
  const buildStatus: BuildStatus = phases.some((phase) => phase.phaseStatus !== "SUCCEEDED") ? "FAILED" : "SUCCEEDED";
  return { build: { buildStatus, phases }, events, decisions: [], parameters: [] };
}
