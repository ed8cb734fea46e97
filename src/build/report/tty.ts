/**
 * The live view in a terminal: a block at the bottom with the phases, their timers and the last lines of output, redrawn
 * in place a few times a second. Finished phases scroll away above it; a failed command's output is written out in full
 * (its last lines, from memory) so that it can be read and copied. `close` takes the block away and shows the cursor.
 */
import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import type { BuildEvent, BuildPhase, PhaseType } from "../run/events.ts";
import type { Reporter, ReportOptions } from "./reporter.ts";
import { cacheLine, contextLine, duration, isBad, isQuietPhase, phaseTime, reportLine } from "./words.ts";

const REDRAW_MS = 100;
const SHOWN_LINES = 6;
/** Kept of the running command, to be written out when it fails. */
const KEPT_LINES = 200;
const SIGNS = { ok: "✓", bad: "✗", bar: "│", more: "…", frames: [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"] } as const;
const ASCII_SIGNS = { ok: "+", bad: "x", bar: "|", more: "~", frames: [..."|/-\\"] } as const;

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_BELOW = "\u001b[0J";
const up = (lines: number): string => (lines === 0 ? "" : `\u001b[${lines}A`);

export function createTtyReporter({ output, clock, colour, unicode = true }: ReportOptions): Reporter {
  const signs = unicode ? SIGNS : ASCII_SIGNS;
  const style = picocolors.createColors(colour);
  let startedMs = clock.nowMs();
  let open: { phaseType: PhaseType; startMs: number } | undefined;
  let command: { text: string; startMs: number } | undefined;
  let lines: string[] = [];
  let drawn = 0;
  let frame = 0;
  let timer: { cancel(): void } | undefined;
  let closed = false;

  const erase = (): string => {
    const text = drawn === 0 ? "" : `${up(drawn)}\r${CLEAR_BELOW}`;
    drawn = 0;
    return text;
  };
  /** Cut to one row, with room for what is written behind it. */
  const shorten = (text: string, room = 0): string => {
    const plain = stripVTControlCharacters(text).replaceAll("\t", "  ");
    const width = Math.max(20, (output.columns ?? 80) - 1) - room;
    return plain.length <= width ? plain : `${plain.slice(0, width - 1)}${signs.more}`;
  };
  const block = (): string[] => {
    if (!open) return [];
    const nowMs = clock.nowMs();
    const spin = signs.frames[frame++ % signs.frames.length] ?? "";
    const head = shorten(`${spin} ${open.phaseType} ${duration(nowMs - open.startMs)}`);
    if (!command) return [style.bold(head)];
    const first = command.text.split("\n")[0] ?? "";
    const more = command.text.includes("\n") ? ` ${signs.more}` : "";
    const behind = `${more} (${duration(nowMs - command.startMs)})`;
    return [
      style.bold(head),
      style.cyan(`${shorten(`  $ ${first}`, behind.length)}${behind}`),
      ...lines.slice(-SHOWN_LINES).map((line) => style.dim(shorten(`  ${signs.bar} ${line}`))),
    ];
  };
  const draw = (above = ""): void => {
    if (closed) return;
    const rows = block();
    output.write(`${erase()}${above}${rows.map((row) => `${row}\n`).join("")}`);
    drawn = rows.length;
  };
  const tick = (): void => {
    draw();
    timer = clock.after(REDRAW_MS, tick);
  };

  const phaseEnd = (phase: BuildPhase): void => {
    open = undefined;
    command = undefined;
    const { phaseType, phaseStatus } = phase;
    if (phaseStatus === undefined || (isQuietPhase(phaseType) && !isBad(phaseStatus))) {
      draw();
      return;
    }
    const bad = isBad(phaseStatus);
    const context = contextLine(phase);
    const text = `${bad ? style.red(signs.bad) : style.green(signs.ok)} ${phaseType}${bad ? ` ${phaseStatus}` : ""} ${style.dim(phaseTime(phase))}\n`;
    draw(
      text +
        (context === undefined
          ? ""
          : `${context
              .split("\n")
              .map((line) => `  ${line}`)
              .join("\n")}\n`),
    );
  };

  return {
    event(event: BuildEvent) {
      switch (event.type) {
        case "build-started":
          startedMs = event.atMs;
          output.write(HIDE_CURSOR);
          draw(
            `${style.bold(`build ${event.buildNumber} of ${event.projectName}`)} ${style.dim(`${event.image}, engine ${event.engine}`)}\n`,
          );
          timer ??= clock.after(REDRAW_MS, tick);
          return;
        case "phase-started":
          open = { phaseType: event.phaseType, startMs: event.atMs };
          return;
        case "command-started":
          command = { text: event.command, startMs: event.atMs };
          lines = [];
          return;
        case "log":
          if (event.kind !== "output" || event.text === "") return;
          // A progress bar overwrites its line: the last state is what a terminal would show.
          for (const line of event.text.split("\n").slice(-KEPT_LINES))
            lines.push(line.slice(line.lastIndexOf("\r") + 1));
          if (lines.length > KEPT_LINES * 2) lines = lines.slice(-KEPT_LINES);
          return;
        case "command-finished": {
          command = undefined;
          if (event.exitStatus === 0) {
            const took = duration(event.durationMs);
            const first = shorten(event.command.split("\n")[0] ?? "", took.length + 5);
            draw(`  ${style.green(signs.ok)} ${first} ${style.dim(took)}\n`);
            return;
          }
          const tail = lines.slice(-KEPT_LINES).map((line) => `    ${line}\n`);
          draw(
            `  ${style.red(signs.bad)} ${event.command.replaceAll("\n", "\n    ")}\n${tail.join("")}    ${style.red(`exit status ${event.exitStatus}`)} ${style.dim(`buildspec line ${event.line}`)}\n`,
          );
          return;
        }
        case "notice":
          draw(
            event.level === "warning"
              ? `${style.yellow(`warning: ${event.text}`)}\n`
              : `${style.dim(`note: ${event.text}`)}\n`,
          );
          return;
        case "report":
          draw(`  ${event.status === "SUCCEEDED" ? reportLine(event) : style.red(reportLine(event))}\n`);
          return;
        case "cache":
          draw(`  cache ${style.dim(cacheLine(event))}\n`);
          return;
        case "image-pushed":
          draw(`  pushed ${event.reference} ${style.dim(event.digest)}\n`);
          return;
        case "leak":
        case "leak-check":
          return;
        case "phase-finished":
          phaseEnd(event.phase);
          return;
        case "build-finished": {
          open = undefined;
          const text = `build ${event.buildStatus} in ${duration(event.atMs - startedMs)}`;
          draw(`${style.bold(isBad(event.buildStatus) ? style.red(text) : style.green(text))}\n`);
        }
      }
    },
    close() {
      if (closed) return;
      timer?.cancel();
      output.write(`${erase()}${SHOW_CURSOR}`);
      closed = true;
    },
  };
}
