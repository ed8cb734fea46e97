/**
 * From the output of a failed command to the one tool failure that began it. Every reader whose marks are in the output
 * says what it sees; of the verdicts the first in the output counts, unless it is a part of a larger one (a traceback
 * inside a test run); traces and messages that a program may survive count when nobody gave a verdict; wrappers last.
 */
import { readers } from "./readers.ts";
import { MAX_LINES, type Reading, type ToolFailure } from "./tool-failure.ts";
import { holds, partOf, type ToolLog, toolLog } from "./tool-log.ts";

export interface FailedOutput {
  /** Masked lines, without line ends. */
  readonly lines: readonly string[];
  readonly command?: string;
  readonly exitStatus?: number;
}

/** Undefined when no tool is known in the output. Linear in its length, at most its last 4 MiB. */
export const readToolFailure = ({ lines, command, exitStatus }: FailedOutput): ToolFailure | undefined =>
  read(toolLog(lines, command, exitStatus), 0);

const RANKS = { verdict: 0, symptom: 1, wrapper: 2 } as const;
/** Images in images, scripts in scripts: deep enough. */
const MAX_DEPTH = 4;

type Named = Reading & { readonly tool: string };

function read(log: ToolLog, depth: number): ToolFailure | undefined {
  const readings = readers
    .filter(({ marks }) => marks.some((mark) => holds(log, mark)))
    .flatMap((reader): Named[] => {
      const reading = reader.read(log);
      return reading ? [{ ...reading, tool: reading.tool ?? reader.tool }] : [];
    });
  const free = readings.filter((reading) => !readings.some((other) => covers(other, reading)));
  const chosen = free.sort((a, b) => RANKS[a.rank] - RANKS[b.rank] || a.at - b.at)[0];
  if (!chosen) return undefined;
  const wrappers = readings.filter(({ rank, at }) => rank === "wrapper" && at > (chosen.to ?? chosen.at));
  const within =
    chosen === wrappers[0] ? [] : wrappers.sort((a, b) => a.at - b.at).flatMap((wrapper) => wrapper.within ?? []);
  const inner =
    chosen.inner && depth < MAX_DEPTH
      ? read(partOf(log, chosen.inner.lines, chosen.inner.strip, chosen.inner.command), depth + 1)
      : undefined;
  if (inner) return { ...inner, within: [...inner.within, ...(chosen.within ?? []), ...within] };
  return failureOf(log, chosen, within);
}

/** A part of a larger whole: between where the other began and ended. */
function covers(other: Named, reading: Named): boolean {
  if (other === reading || other.rank !== "verdict") return false;
  const from = other.from ?? other.at;
  const to = other.to ?? other.at;
  const isInside = reading.at >= from && reading.at <= to;
  const isLarger = to - from > (reading.to ?? reading.at) - (reading.from ?? reading.at);
  return isInside && isLarger && reading.rank !== "wrapper";
}

function failureOf(log: ToolLog, reading: Named, within: readonly string[]): ToolFailure {
  const { tool, kind, headline, place, why, next, fix } = reading;
  const own = reading.rank === "wrapper" ? [] : (reading.within ?? []);
  const lines = [...new Set(reading.lines)]
    .filter((at) => at >= 0 && at < log.shown.length)
    .sort((a, b) => a - b)
    .slice(0, MAX_LINES)
    .map((at) => (log.shown[at] ?? "").slice(0, 500));
  return {
    tool,
    kind,
    headline,
    lines,
    within: [...own.filter(() => !reading.inner), ...within],
    ...(place ? { place } : {}),
    ...(why === undefined ? {} : { why }),
    ...(next === undefined ? {} : { next }),
    ...(fix ? { fix } : {}),
  };
}
