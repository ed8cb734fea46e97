/**
 * Readers for tools whose failure is one line with a known form: a table of forms, the first in the output counts. What
 * stands below the line (details, hints) is added where the row says so.
 */
import type { CommandFix } from "../../core/diagnostics.ts";
import { place, placed } from "./code-places.ts";
import {
  type CodePlace,
  MAX_LINES,
  type Rank,
  type Reading,
  type ToolFailureKind,
  type ToolReader,
} from "./tool-failure.ts";
import { type Found, find, type ToolLog } from "./tool-log.ts";

type Groups = readonly (string | undefined)[];

export interface LineForm {
  /** Text that every such line holds. */
  readonly mark: string;
  readonly pattern: RegExp;
  readonly kind: ToolFailureKind | ((groups: Groups) => ToolFailureKind);
  readonly say: (groups: Groups) => string;
  /** `verdict` when absent. */
  readonly rank?: Rank;
  readonly why?: string;
  readonly next?: string | ((groups: Groups) => string);
  readonly fix?: (groups: Groups) => CommandFix | undefined;
  readonly place?: (groups: Groups) => CodePlace | undefined;
  /** A line below that names file and line. */
  readonly placeBelow?: RegExp;
  /** What it ran, for a wrapper: `npm script \`test\``. */
  readonly within?: (groups: Groups) => string;
  /** Lines below that belong to it. */
  readonly below?: RegExp;
}

/** The table in the order of preference: forms of the same line, specific before general. */
export function lineReader(tool: string, forms: readonly LineForm[]): ToolReader {
  return {
    tool,
    marks: [...new Set(forms.map(({ mark }) => mark))],
    read(log) {
      let first: { form: LineForm; found: Found } | undefined;
      for (const form of forms) {
        const found = find(log, form.mark, form.pattern);
        if (found && (!first || found.at < first.found.at)) first = { form, found };
      }
      return first && readingOf(log, first.form, first.found);
    },
  };
}

export function readingOf(log: ToolLog, form: LineForm, { at, match }: Found): Reading {
  const groups: Groups = [...match];
  const { below, next, fix, why, kind, within, placeBelow } = form;
  const lines = [at];
  if (below) {
    for (let line = at + 1; line < log.lines.length && line <= at + 25 && lines.length < MAX_LINES; line += 1) {
      if (below.test(log.lines[line] ?? "")) lines.push(line);
    }
  }
  const command = fix?.(groups);
  return {
    rank: form.rank ?? "verdict",
    at,
    kind: typeof kind === "string" ? kind : kind(groups),
    headline: form.say(groups),
    lines,
    ...placed(form.place?.(groups) ?? (placeBelow && placeIn(log, at, placeBelow))),
    ...(within ? { within: [within(groups)] } : {}),
    ...(why === undefined ? {} : { why }),
    ...(next === undefined ? {} : { next: typeof next === "string" ? next : next(groups) }),
    ...(command ? { fix: command } : {}),
  };
}

function placeIn(log: ToolLog, at: number, pattern: RegExp): CodePlace | undefined {
  const match = log.lines
    .slice(at + 1, at + 12)
    .map((line) => pattern.exec(line))
    .find((found) => found !== null);
  return match ? place(match[1], match[2], match[3]) : undefined;
}
