/**
 * Build facts from the lines of a CodeBuild log (inputs/log-lines.ts has brought them into one form). Accepts the
 * spellings since 2016 (`Success: true|false`), commands of several lines, and logs whose head or tail is cut off: what is
 * there is used, what is not is left unknown.
 */
import type { BuildEvent, BuildStatus, PhaseType } from "../build/run/events.ts";
import type { BuildFacts } from "./build-facts.ts";
import { shortened } from "./failures.ts";
import { CONTAINER, logLines } from "./inputs/log-lines.ts";

interface PhaseDraft {
  phaseType: string;
  phaseStatus: string;
  contexts: { statusCode: string; message: string }[];
}

/** Facts of the last build in the text, without decisions and parameters; add what else is known before explaining. */
export const factsFromLog = (text: string): BuildFacts => factsFromLines(logLines(text).at(-1) ?? []);

/** The facts of one build's lines. */
export function factsFromLines(lines: readonly string[]): BuildFacts {
  const reader = new LogReader();
  for (const line of lines) reader.take(line);
  return reader.end();
}

const FAILED_COMMAND = "Command did not exit successfully ";
const EXIT_STATUS = / exit status (\d+)\s*$/;
/** After one of these a build may be over; before it, the rest of the log is missing. */
const ENDS = new Set(["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]);
const CONTEXT = /^Phase context status code:\s{0,40}(.{0,200}?)\s{0,40}Message: ?(.*)$/;

class LogReader {
  readonly #phases: PhaseDraft[] = [];
  readonly #events: BuildEvent[] = [];
  #phaseType = "DOWNLOAD_SOURCE";
  #running: { readonly command: string; readonly at: number } | undefined;
  /** Lines of a `Command did not exit successfully` whose exit status is yet to come. */
  #failed: string[] | undefined;
  #context: { statusCode: string; message: string } | undefined;
  /** What a command printed whose beginning is not in the log. */
  #outputFrom = 0;
  /** Where the events of this phase begin. */
  #phaseFrom = 0;
  #hasFailedCommand = false;
  /** A phase was entered and has no end yet. */
  #isInPhase = false;

  take(line: string): void {
    const said = CONTAINER.exec(line)?.[1];
    if (said !== undefined) this.#container(said);
    else if (this.#failed) this.#failedCommand(line);
    else if (this.#context) this.#context.message += `\n${line}`;
    else this.#log("output", line);
  }

  #container(said: string): void {
    if (this.#failed) this.#closeCommand(1, this.#failed.join("\n"));
    this.#context = undefined;
    const entering = /^Entering phase (\w+)/.exec(said)?.[1];
    const command = /^Running command ([\s\S]*)$/.exec(said)?.[1];
    const complete = /^Phase complete: (\w+) (?:State: (\w+)|Success: (true|false))/.exec(said);
    const code = CONTEXT.exec(said);
    if (entering !== undefined) this.#enter(entering);
    else if (command !== undefined) this.#start(command);
    else if (said.startsWith(FAILED_COMMAND)) this.#failedCommand(said.slice(FAILED_COMMAND.length));
    else if (complete)
      this.#complete(complete[1] ?? this.#phaseType, complete[2] ?? (complete[3] === "true" ? "SUCCEEDED" : "FAILED"));
    else if (code) this.#code((code[1] ?? "").trim(), (code[2] ?? "").trim());
    else this.#log("container", said);
  }

  #enter(phaseType: string): void {
    this.#closeCommand(0);
    this.#phaseType = phaseType;
    this.#isInPhase = true;
    this.#events.push({ ...BASE, type: "phase-started", phaseType: phaseType as PhaseType });
    this.#outputFrom = this.#phaseFrom = this.#events.length;
  }

  #start(command: string): void {
    this.#closeCommand(0);
    this.#running = { command, at: this.#events.length };
    this.#hasFailedCommand = false;
    this.#events.push({ ...BASE, type: "command-started", phaseType: this.#phaseType as PhaseType, command, line: 0 });
  }

  #failedCommand(text: string): void {
    const lines = [...(this.#failed ?? []), text];
    const status = EXIT_STATUS.exec(text)?.[1];
    this.#failed = status === undefined ? lines : undefined;
    if (status === undefined) return;
    this.#closeCommand(Number(status), lines.join("\n").replace(EXIT_STATUS, ""));
    this.#hasFailedCommand = true;
  }

  /** Ends the running command. A failed one is named in full, so its further lines are told from what it printed. */
  #closeCommand(exitStatus: number, fullText?: string): void {
    this.#failed = undefined;
    const running =
      this.#running ?? (fullText === undefined ? undefined : { command: fullText, at: this.#outputFrom - 1 });
    if (!running) return;
    const command = fullText ?? running.command;
    const rest = command.split("\n").slice(1);
    const at = running.at + 1;
    const printed = this.#events.slice(at, at + rest.length);
    const isEcho =
      rest.length > 0 && printed.every((event, index) => event.type === "log" && event.text === rest[index]);
    if (isEcho) this.#events.splice(at, rest.length);
    const about = { command, line: 0, phaseType: this.#phaseType as PhaseType };
    this.#events.push({ ...BASE, type: "command-finished", ...about, exitStatus, durationMs: 0, workingDirectory: "" });
    this.#running = undefined;
    this.#outputFrom = this.#events.length;
  }

  #complete(phaseType: string, phaseStatus: string): void {
    if (phaseType !== this.#phaseType) this.#rename(phaseType);
    // A command of a failed phase of which no line says how it ended: the phase's message does.
    if (phaseStatus === "SUCCEEDED") this.#closeCommand(0);
    this.#running = undefined;
    this.#isInPhase = false;
    this.#phases.push({ phaseType, phaseStatus, contexts: [] });
    this.#hasFailedCommand = false;
    this.#outputFrom = this.#phaseFrom = this.#events.length;
  }

  /** The line `Entering phase` is cut off: what was read since the last phase belongs to this one. */
  #rename(phaseType: string): void {
    this.#phaseType = phaseType;
    for (let at = this.#phaseFrom; at < this.#events.length; at++) {
      const event = this.#events[at];
      if (event && "phaseType" in event) this.#events[at] = { ...event, phaseType: phaseType as PhaseType };
    }
  }

  #code(statusCode: string, message: string): void {
    this.#context = { statusCode, message };
    const phase = this.#phases.at(-1);
    if (phase && phase.contexts.length === 0) phase.contexts.push(this.#context);
    else if (statusCode !== "") {
      // The line above it, `Phase complete`, is cut off.
      this.#phases.push({ phaseType: this.#phaseType, phaseStatus: "FAILED", contexts: [this.#context] });
    }
  }

  #log(kind: "container" | "output", text: string): void {
    this.#events.push({ ...BASE, type: "log", kind, text: shortened(text) });
  }

  end(): BuildFacts {
    if (this.#failed) this.#closeCommand(1, this.#failed.join("\n"));
    // The log ends after the command that failed, before its phase does.
    if (this.#hasFailedCommand) this.#phases.push({ phaseType: this.#phaseType, phaseStatus: "FAILED", contexts: [] });
    for (const phase of this.#phases) for (const context of phase.contexts) context.message = context.message.trimEnd();
    return {
      build: { buildStatus: this.#status(), phases: this.#phases },
      events: this.#events,
      decisions: [],
      parameters: [],
    };
  }

  #status(): BuildStatus {
    const failed = this.#phases.find(({ phaseStatus }) => phaseStatus !== "SUCCEEDED");
    if (failed)
      return (["STOPPED", "TIMED_OUT", "FAULT"] as const).find((one) => one === failed.phaseStatus) ?? "FAILED";
    const last = this.#phases.at(-1)?.phaseType ?? "";
    return !this.#running && !this.#isInPhase && ENDS.has(last) ? "SUCCEEDED" : "IN_PROGRESS";
  }
}

const BASE = { buildId: "log", atMs: 0 };
