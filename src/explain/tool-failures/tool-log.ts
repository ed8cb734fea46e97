/**
 * The output of a command, made readable: no colours, no overwritten progress, no prefixes of clocks and parallel
 * runners, and parallel output sorted by who printed it. Search goes by literal text first and by pattern only in the
 * lines that hold it, so work stays linear and a hostile line costs no more than another.
 */
import { withoutEscapes } from "../terminal-escapes.ts";

/** Of longer output only the end is read: what failed is there. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** Patterns see no more of a line. */
const MAX_LINE_CHARACTERS = 2_000;
/** Of a longer line only the end is kept: progress that overwrites itself. */
const MAX_RAW_LINE_CHARACTERS = 16_384;
/** Lines that one search tries before it gives up. */
const MAX_TRIED = 2_000;
const CLOCK = /^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?:?[ \t]+/;
/** BuildKit's plain progress and compose: `#7 1.234 text`, `web-1  | text`. */
const STREAM = /^(?:#\d{1,4} \d{1,5}\.\d{1,3} |[A-Za-z][\w.-]{0,60}[-_]\d{1,3} {1,30}\| )/;

export interface ToolLog {
  /** Lines as patterns see them. */
  readonly lines: readonly string[];
  /** The same lines as a person sees them. */
  readonly shown: readonly string[];
  readonly command: string;
  readonly exitStatus: number;
  /** `lines`, joined by line feeds; `starts` is where each begins. */
  readonly text: string;
  readonly starts: readonly number[];
  /** See `trigramsOf`. */
  readonly trigrams: Uint8Array;
}

export interface Found {
  readonly at: number;
  readonly match: RegExpExecArray;
}

export function toolLog(output: readonly string[], command = "", exitStatus = 1): ToolLog {
  let from = output.length;
  for (let size = 0; from > 0; from -= 1) {
    size += Math.min(output[from - 1]?.length ?? 0, MAX_RAW_LINE_CHARACTERS) + 1;
    if (size > MAX_CHARACTERS) break;
  }
  const clean = output.slice(from).flatMap((line) => (line.includes("\n") ? line.split("\n") : [line]));
  const { order, prefix } = parallel(clean.map(withoutControls));
  const lines = order.map((line) => {
    const text = line.length > MAX_LINE_CHARACTERS ? line.slice(0, MAX_LINE_CHARACTERS) : line;
    const first = text.charCodeAt(0);
    const isDigitOrBracket = first === 91 || (first >= 48 && first <= 57);
    const timeless = isDigitOrBracket ? text.replace(CLOCK, "") : text;
    const bare = first === 35 || timeless.includes(" | ") ? timeless.replace(STREAM, "") : timeless;
    return prefix ? bare.replace(prefix, "") : bare;
  });
  return { ...indexed(lines), shown: order, command, exitStatus };
}

/** Some lines of a log as a log of their own: what a wrapper passed on. `strip` is what it put before each line. */
export function partOf(log: ToolLog, indexes: readonly number[], strip: RegExp, command = log.command): ToolLog {
  const lines = indexes.map((at) => (log.lines[at] ?? "").replace(strip, ""));
  const shown = indexes.map((at) => log.shown[at] ?? "");
  return { ...indexed(lines), shown, command, exitStatus: log.exitStatus };
}

function indexed(lines: readonly string[]): Pick<ToolLog, "lines" | "text" | "starts" | "trigrams"> {
  const starts: number[] = [];
  let offset = 0;
  for (const line of lines) {
    starts.push(offset);
    offset += line.length + 1;
  }
  const text = lines.join("\n");
  return { lines, text, starts, trigrams: trigramsOf(text) };
}

/** Which three characters follow each other somewhere in a text: most literals can be ruled out without a search. */
function trigramsOf(text: string): Uint8Array {
  const seen = new Uint8Array(TRIGRAMS);
  let first = 0;
  let second = 0;
  for (let at = 0; at < text.length; at += 1) {
    const third = text.charCodeAt(at);
    seen[(first * 961 + second * 31 + third) & (TRIGRAMS - 1)] = 1;
    first = second;
    second = third;
  }
  return seen;
}

const TRIGRAMS = 1 << 18;

/** False when a literal is certainly not in the text. */
function mayHold({ trigrams }: ToolLog, literal: string): boolean {
  for (let at = 2; at < literal.length; at += 1) {
    const hash = literal.charCodeAt(at - 2) * 961 + literal.charCodeAt(at - 1) * 31 + literal.charCodeAt(at);
    if (trigrams[hash & (TRIGRAMS - 1)] === 0) return false;
  }
  return true;
}

function withoutControls(raw: string): string {
  let line = raw.length > MAX_RAW_LINE_CHARACTERS ? raw.slice(-MAX_RAW_LINE_CHARACTERS) : raw;
  line = withoutEscapes(line);
  if (line.includes("\r")) {
    const parts = line.split("\r").filter((part) => part.trim() !== "");
    line = parts.at(-1) ?? "";
  }
  return line.trimEnd();
}

/** Runners that put a name before each line of what they run at the same time. */
const RUNNERS: readonly { readonly mark: string; readonly line: RegExp; readonly prefix: RegExp }[] = [
  { mark: "ERR_PNPM_RECURSIVE", line: /./, prefix: /^(?!\w+:\/)[\w@./-]{1,100} [\w:-]{1,60}(?:: |\$ )/ },
  { mark: "• Running ", line: /^.{0,4}• Running \S+ in \d+ packages/m, prefix: /^@?[\w./-]{1,100}:[a-z][\w-]{0,60}: / },
  { mark: "Attaching to ", line: /^Attaching to /m, prefix: /^[A-Za-z][\w.-]{0,60} {1,30}\| / },
  { mark: "lerna ", line: /^lerna (?:info|notice|ERR!|success) /m, prefix: /^@?[\w./-]{1,100}: / },
  {
    mark: " exited with code ",
    line: /^\[\S{1,60}\] .{1,200} exited with code [1-9]/m,
    prefix: /^\[[\w:./-]{1,60}\] /,
  },
];

/** Lines of one stream together, streams in the order of their first line. */
function parallel(shown: readonly string[]): { order: readonly string[]; prefix: RegExp | undefined } {
  const sample = shown.length > 4_000 ? [...shown.slice(0, 2_000), ...shown.slice(-2_000)] : shown;
  const text = sample.map((line) => line.slice(0, 400)).join("\n");
  const runner = RUNNERS.find(({ mark, line }) => text.includes(mark) && line.test(text));
  if (!runner) return { order: shown, prefix: undefined };
  const streams = new Map<string, string[]>();
  const rest: string[] = [];
  for (const line of shown) {
    const key = runner.prefix.exec(line.slice(0, 300))?.[0];
    if (key === undefined) rest.push(line);
    else {
      const stream = streams.get(key.trimEnd());
      if (stream) stream.push(line);
      else streams.set(key.trimEnd(), [line]);
    }
  }
  return { order: [...[...streams.values()].flat(), ...rest], prefix: runner.prefix };
}

/** Index of the line that holds this offset of `text`. */
function lineAt({ starts }: ToolLog, offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

export const holds = (log: ToolLog, literal: string): boolean => mayHold(log, literal) && log.text.includes(literal);

/** Lines that hold `literal` and match, in order, at most `limit`. */
export function findAll(log: ToolLog, literal: string, pattern: RegExp, limit = 50, from = 0): Found[] {
  const found: Found[] = [];
  if (!mayHold(log, literal)) return found;
  let offset = log.starts[from] ?? log.text.length;
  for (let tried = 0; tried < MAX_TRIED && found.length < limit; tried += 1) {
    const hit = log.text.indexOf(literal, offset);
    if (hit < 0) break;
    const at = lineAt(log, hit);
    const match = pattern.exec(log.lines[at] ?? "");
    if (match) found.push({ at, match });
    offset = log.starts[at + 1] ?? log.text.length + 1;
    if (offset > log.text.length) break;
  }
  return found;
}

/** The first line at or after `from` that holds `literal` and matches. */
export const find = (log: ToolLog, literal: string, pattern: RegExp, from = 0): Found | undefined =>
  findAll(log, literal, pattern, 1, from)[0];

/** The last line before `before` that holds `literal` and matches. */
export function findBefore(log: ToolLog, literal: string, pattern: RegExp, before: number): Found | undefined {
  if (!mayHold(log, literal)) return undefined;
  let offset = (log.starts[before] ?? log.text.length) - 1;
  for (let tried = 0; tried < MAX_TRIED && offset >= 0; tried += 1) {
    const hit = log.text.lastIndexOf(literal, offset);
    if (hit < 0) return undefined;
    const at = lineAt(log, hit);
    const match = at < before ? pattern.exec(log.lines[at] ?? "") : null;
    if (match) return { at, match };
    offset = (log.starts[at] ?? 0) - 1;
  }
  return undefined;
}

/** Index of the first line after `from` for which `is` holds, looking at no more than `limit` lines. */
export function lineAfter(log: ToolLog, from: number, is: (line: string) => boolean, limit = 60): number | undefined {
  for (let at = from + 1; at <= from + limit && at < log.lines.length; at += 1) if (is(log.lines[at] ?? "")) return at;
  return undefined;
}
