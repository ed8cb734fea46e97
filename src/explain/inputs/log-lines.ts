/**
 * The lines of a CodeBuild log, however it was saved: console download, `aws logs get-log-events` and
 * `filter-log-events` (JSON and text), `aws logs tail`, CloudWatch Logs Insights, the local agent, a CI that prefixes
 * each line, CRLF, colours. One list a build: streams are told apart by name, builds in one text by their first lines.
 * Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html (and
 * FilterLogEvents, GetQueryResults); the line grammar as seen in published logs since 2016.
 */
import { withoutEscapes } from "../terminal-escapes.ts";

/** The stamp of CodeBuild's own lines; no fraction of a second before 2024 and in the local agent. */
export const CONTAINER = /^\[Container\] \d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})? (.*)$/;
const STAMPED = /^(.*?)(?=\[Container\] \d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2})/;

/** Each build's lines, in the order of the text; empty when the text is JSON of another kind. */
export function logLines(text: string): string[][] {
  const streams = streamsOfJson(text) ?? streamsOfText(text);
  return streams.flatMap((lines) => splitBuilds(lines)).filter((lines) => lines.some((line) => line.trim() !== ""));
}

/** A text as lines: colours off, `\r` of progress bars and of Windows ended. */
export const plainLines = (text: string): string[] =>
  withoutEscapes(text)
    .replace(/^\uFEFF/, "")
    .split(/\r*\n|\r/);

interface LogEvent {
  readonly stream: string;
  readonly message: string;
}

/** Undefined when the text is not JSON; no streams when it is JSON without log events. */
function streamsOfJson(text: string): string[][] | undefined {
  const values = jsonValues(text);
  if (values === undefined) return undefined;
  const streams = new Map<string, string>();
  for (const { stream, message } of values.flatMap((value) => logEventsIn(value))) {
    // AWS: a message keeps its line end, unless a tool has taken it off.
    streams.set(stream, `${streams.get(stream) ?? ""}${message}${message.endsWith("\n") ? "" : "\n"}`);
  }
  return [...streams.values()]
    .map((whole) => withoutPrefixes(plainLines(whole)))
    .flatMap((lines) => [...lines.values()]);
}

/** One value, or one a line, or several after each other (the pages of a command); undefined when it is no JSON. */
export function jsonValues(text: string): unknown[] | undefined {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (!/^[[{]/.test(trimmed) || trimmed.startsWith("[Container]")) return undefined;
  const whole = parse(trimmed);
  if (whole !== undefined) return [whole];
  const parts = trimmed.split(/\n(?=[[{])/).map(parse);
  return parts.some((part) => part === undefined) ? undefined : parts;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Pages within lists within answers. */
const MAX_DEPTH = 32;

function logEventsIn(value: unknown, depth = 0): LogEvent[] {
  if (depth > MAX_DEPTH) return [];
  const within = (inner: unknown): LogEvent[] => logEventsIn(inner, depth + 1);
  if (Array.isArray(value)) return value.flatMap(within);
  if (!isRecord(value)) return [];
  if (Array.isArray(value["events"])) return value["events"].flatMap(within);
  // A subscription's record of a stream.
  if (Array.isArray(value["logEvents"])) {
    const stream = typeof value["logStream"] === "string" ? value["logStream"] : "";
    return value["logEvents"].flatMap(within).map(({ message }) => ({ stream, message }));
  }
  if (Array.isArray(value["results"])) return value["results"].flatMap(insightsRow);
  const message = value["message"] ?? value["@message"];
  if (typeof message !== "string" || !("timestamp" in value || "@timestamp" in value || "@message" in value)) return [];
  const stream = value["logStreamName"] ?? value["@logStream"];
  return [{ stream: typeof stream === "string" ? stream : "", message }];
}

/** `[{ "field": "@message", "value": "…" }, …]` */
function insightsRow(row: unknown): LogEvent[] {
  if (!Array.isArray(row)) return [];
  const fields = row.filter(isRecord).map(({ field, value }) => [String(field), value] as const);
  return logEventsIn(Object.fromEntries(fields));
}

function streamsOfText(text: string): string[][] {
  const lines = plainLines(/^\uFEFF?"?@?timestamp"?,"?@?message"?/i.test(text) ? csvMessages(text) : text);
  const isTable = lines.some((line) => /^EVENTS\t/.test(line));
  return [...withoutPrefixes(isTable ? lines.flatMap(tableLine) : lines).values()];
}

/** The console's `timestamp,message` download: the second field of each row. */
function csvMessages(text: string): string {
  const rows = text.matchAll(/(?:^|\n)(?:"[^"\n]*"|[^",\n]*),(?:"((?:[^"]|"")*)"|([^\n]*))/g);
  return [...rows]
    .slice(1)
    .map(([, quoted, plain = ""]) =>
      (quoted === undefined ? plain : quoted.replaceAll('""', '"')).replace(/\r?\n?$/, "\n"),
    )
    .join("");
}

/** `--output text`: `EVENTS`, an id and stream for filter-log-events, times before and after the message. */
function tableLine(line: string): string[] {
  if (/^\t\d{13}$|^[bf]\/\d+\/s(?:\t[bf]\/\d+\/s)?$|^SEARCHEDLOGSTREAMS\t/.test(line)) return [];
  return [
    line.replace(/^EVENTS\t(?:\d{40,}\t)?\d{13}\t(?:[^\t]*?[0-9a-f]{8}-[0-9a-f-]{27}\t)?/, "").replace(/\t\d{13}$/, ""),
  ];
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** A tool has one or two; each is tried on every line. */
const MAX_SHAPES = 20;

/**
 * Takes off what a tool wrote before each line (a time, a stream, `agent_1 |`): known from the lines that are
 * CodeBuild's own, so that a time which a command printed stays. Keyed by the stream's uuid, where there is one.
 */
function withoutPrefixes(lines: readonly string[]): Map<string, string[]> {
  const shapes = new Set<string>();
  for (const line of lines) {
    const prefix = STAMPED.exec(line)?.[1];
    if (prefix !== undefined && prefix.length > 0 && prefix.length < 200) shapes.add(shapeOf(prefix));
    if (shapes.size > MAX_SHAPES) break;
  }
  const streams = new Map<string, string[]>();
  const patterns = [...shapes].map((shape) => new RegExp(`^(${shape})`));
  let stream = "";
  for (const line of lines) {
    const found = patterns.map((pattern) => pattern.exec(line)?.[1] ?? "");
    // The longest: one of them may be the beginning of another.
    const prefix = found.reduce((longest, one) => (one.length > longest.length ? one : longest), "");
    // A line without a prefix belongs to the event above it.
    if (prefix !== "") stream = UUID.exec(prefix)?.[0] ?? "";
    const own = streams.get(stream) ?? [];
    own.push(line.slice(prefix.length));
    streams.set(stream, own);
  }
  return streams;
}

/** `2026-01-02T03:04:05 ` → digits stand for any digits, blanks for any blanks, a uuid for any uuid. */
function shapeOf(prefix: string): string {
  return prefix
    .split(new RegExp(`(${UUID.source})`))
    .map((part, index) =>
      index % 2 === 1
        ? UUID.source
        : part
            .replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")
            .replace(/\d+/g, "\\d+")
            .replace(/\s+$/, (blanks) => (blanks.length > 1 ? "\\s{1,12}" : "\\s?")),
    )
    .join("");
}

const PHASES = [
  "SUBMITTED",
  "QUEUED",
  "PROVISIONING",
  "DOWNLOAD_SOURCE",
  "INSTALL",
  "PRE_BUILD",
  "BUILD",
  "POST_BUILD",
  "UPLOAD_ARTIFACTS",
  "FINALIZING",
];

/** A build's log begins with `Waiting for agent ping`; where that is cut off, a phase that was over before comes again. */
function splitBuilds(lines: readonly string[]): string[][] {
  const builds: string[][] = [[]];
  let reached = -1;
  let hasBegun = false;
  for (const line of lines) {
    const said = CONTAINER.exec(line)?.[1];
    const isFirst =
      said !== undefined && /^(?:Running on CodeBuild|Waiting for agent ping|going inside waitForAgent)/.test(said);
    const phase = said === undefined ? undefined : /^(?:Entering phase|Phase complete:) (\w+)/.exec(said);
    const order = PHASES.indexOf(phase?.[1] ?? "");
    const isAgain = order >= 0 && (said?.startsWith("Entering") ? order <= reached : order < reached);
    // `Running on …` stands before `Waiting for agent ping`, in the same build.
    if ((isFirst && (reached >= 0 || (hasBegun && said?.startsWith("Running on")))) || isAgain) {
      builds.push([]);
      reached = -1;
      hasBegun = false;
    }
    if (isFirst) hasBegun = true;
    if (said?.startsWith("Phase complete:")) reached = Math.max(reached, order);
    builds.at(-1)?.push(line);
  }
  return builds;
}
