/**
 * BuildKit's plain progress (`--progress plain`), as `docker build` prints it on CodeBuild: one block of lines a step,
 * `#5 0.123 text`, `#5 DONE 0.2s`; a step that goes on keeps its place, others wait until it ends.
 * Source: observed with buildx 0.13 and 0.32. Differs: steps that run side by side change places after 5 s, not by speed.
 */
import { type MessageOf, msOf, type StatusMessage, type StatusResponse } from "../embedded/buildkit/messages.ts";

type VertexMessage = MessageOf<typeof StatusResponse>["vertexes"][number];
type TransferMessage = StatusMessage["statuses"][number];

/** A step may hold the output alone for so long. */
const TURN_MS = 5_000;
const ERROR_LINES = 10;

interface Step {
  /** From 1; undefined until it is shown. */
  index: number | undefined;
  message: VertexMessage;
  /** Lines to print below its name. */
  pending: string[];
  /** The last lines of its output, for the summary of a failure. */
  readonly lastLines: string[];
  /** Output after the last line end, with the time it began. */
  partial: string;
  isEnded: boolean;
  readonly transfers: Map<string, { isShown: boolean }>;
}

export class PlainProgress {
  readonly #print: (text: string) => void;
  readonly #nowMs: () => number;
  readonly #steps = new Map<string, Step>();
  readonly #warnings: string[] = [];
  #current: Step | undefined;
  #turnStartedMs = 0;
  #count = 0;
  #isFirst = true;

  constructor(print: (text: string) => void, nowMs: () => number) {
    this.#print = print;
    this.#nowMs = nowMs;
  }

  update({ vertexes, statuses, logs, warnings }: StatusMessage): void {
    for (const message of vertexes) this.#step(message.digest).message = message;
    for (const status of statuses) this.#transfer(this.#step(status.vertex), status);
    for (const { vertex, timestamp, msg } of logs) {
      const step = this.#step(vertex);
      this.#output(step, Buffer.from(msg).toString("utf8"), msOf(timestamp));
    }
    for (const { vertex, short } of warnings) {
      const text = Buffer.from(short).toString("utf8");
      const step = this.#step(vertex);
      this.#warnings.push(text);
      step.pending.push(`WARN: ${text}`);
      // One that has ended is shown again.
      step.isEnded = false;
    }
    this.#show();
  }

  /** All warnings, for the end of a build. */
  warnings(): string {
    if (this.#warnings.length === 0) return "";
    const found = this.#warnings.length === 1 ? "1 warning" : `${this.#warnings.length} warnings`;
    const lines = this.#warnings.map((text) => ` - ${text}\n`).join("");
    return `\n ${found} found (use docker --debug to expand):\n${lines}`;
  }

  /** What failed, with the last lines of its output. */
  failures(): string {
    return [...this.#steps.values()]
      .filter(({ message }) => message.error !== "" && !isCanceled(message.error))
      .map(({ message, lastLines }) => ["------", ` > ${message.name}:`, ...lastLines, "------", ""].join("\n"))
      .join("");
  }

  #step(digest: string): Step {
    const known = this.#steps.get(digest);
    if (known) return known;
    const message: VertexMessage = {
      digest,
      inputs: [],
      name: "",
      cached: false,
      started: undefined,
      completed: undefined,
      error: "",
    };
    const step: Step = {
      index: undefined,
      message,
      pending: [],
      lastLines: [],
      partial: "",
      isEnded: false,
      transfers: new Map(),
    };
    this.#steps.set(digest, step);
    return step;
  }

  #transfer(step: Step, status: TransferMessage): void {
    const known = step.transfers.get(status.id);
    const completed = msOf(status.completed);
    if (known?.isShown && completed === undefined) return;
    step.transfers.set(status.id, { isShown: true });
    const size =
      status.total > 0
        ? ` ${sizeOf(status.current)} / ${sizeOf(status.total)}`
        : status.current > 0
          ? ` ${sizeOf(status.current)}`
          : "";
    const startedMs = msOf(status.started);
    const seconds =
      startedMs === undefined ? 0 : ((completed ?? msOf(status.timestamp) ?? startedMs) - startedMs) / 1000;
    const time = seconds > 0.01 ? ` ${seconds.toFixed(1)}s` : "";
    step.pending.push(`${status.id}${size}${time}${completed === undefined ? "" : " done"}`);
  }

  #output(step: Step, text: string, atMs: number | undefined): void {
    const startedMs = msOf(step.message.started) ?? atMs ?? 0;
    const prefix = `${(Math.max(0, (atMs ?? startedMs) - startedMs) / 1000).toFixed(3)} `;
    const lines = text.split("\n");
    const last = lines.pop() ?? "";
    for (const line of lines) {
      this.#line(step, step.partial === "" ? `${prefix}${line}` : `${step.partial}${line}`);
      step.partial = "";
    }
    if (last !== "") step.partial = step.partial === "" ? `${prefix}${last}` : `${step.partial}${last}`;
  }

  #line(step: Step, line: string): void {
    step.pending.push(line.replace(/\r$/, ""));
    step.lastLines.push(line);
    if (step.lastLines.length > ERROR_LINES) step.lastLines.shift();
  }

  #show(): void {
    const ended = [...this.#steps.values()].filter(({ message, isEnded }) => message.completed && !isEnded);
    if (this.#current && ended.includes(this.#current)) this.#printStep(this.#current);
    for (const step of ended) if (!step.isEnded) this.#printStep(step);
    if (this.#current && this.#current.pending.length > 0) this.#printStep(this.#current);
    const isLong = this.#current !== undefined && this.#nowMs() - this.#turnStartedMs > TURN_MS;
    if (this.#current && !isLong) return;
    const next = [...this.#steps.values()].find(
      (step) =>
        step !== this.#current &&
        step.message.started !== undefined &&
        !step.isEnded &&
        (this.#current === undefined || step.pending.length > 0),
    );
    if (next) this.#printStep(next);
  }

  #printStep(step: Step): void {
    const { message } = step;
    step.index ??= ++this.#count;
    const line = (text: string): void => this.#print(`#${step.index} ${text}\n`);
    if (this.#current !== step) {
      if (this.#current) this.#print(`#${this.#current.index} ...\n`);
      if (!this.#isFirst) this.#print("\n");
      this.#isFirst = false;
      line(message.name);
      this.#current = step;
      this.#turnStartedMs = this.#nowMs();
    }
    if (message.completed && step.partial !== "") {
      this.#line(step, step.partial);
      step.partial = "";
    }
    for (const text of step.pending) line(text);
    step.pending = [];
    if (!message.completed) return;
    step.isEnded = true;
    this.#current = undefined;
    if (message.error !== "") line(isCanceled(message.error) ? "CANCELED" : `ERROR: ${message.error}`);
    else if (message.cached) line("CACHED");
    else line(`DONE ${(((msOf(message.completed) ?? 0) - (msOf(message.started) ?? 0)) / 1000).toFixed(1)}s`);
  }
}

const isCanceled = (error: string): boolean => error.endsWith("context canceled");

/** `186B`, `1.98MB`: powers of 1000. */
function sizeOf(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return power === 0 ? `${bytes}B` : `${(bytes / 1000 ** power).toFixed(2)}${units[power]}`;
}

/** Lines of a file with those that a failure is about marked, as BuildKit's clients print them. */
export function sourceExcerpt(file: string, text: string, startLine: number, endLine: number): string {
  const lines = text.split("\n");
  if (startLine < 1 || endLine < startLine || endLine > lines.length) return "";
  let [first, last] = [startLine, endLine];
  // As far as there are lines: two around one line, fewer around several.
  for (let padding = 0; padding < (startLine === endLine ? 4 : 2); padding++) {
    if (first > 1) {
      first--;
      padding++;
    }
    if (last !== lines.length) {
      last++;
      padding++;
    }
  }
  const rule = "-".repeat(20);
  const shown = lines.slice(first - 1, last).map((line, at) => {
    const number = first + at;
    const mark = number >= startLine && number <= endLine ? ">>>" : "   ";
    return ` ${String(number).padStart(3)} | ${mark} ${line}\n`;
  });
  return `${file}:${startLine}\n${rule}\n${shown.join("")}${rule}\n`;
}
