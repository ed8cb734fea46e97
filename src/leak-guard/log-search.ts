/**
 * Searches what a build wrote to its log, after masking: the lines that CloudWatch Logs and S3 get. A hit has the line of
 * the log and the line of the buildspec whose command was running.
 */
import type { BuildEvent } from "../build/run/events.ts";
import type { Hit, PatternSet } from "./pattern-search.ts";

export interface LogHit<T> {
  readonly hit: Pick<Hit<T>, "value" | "isWrapped">;
  /** Of the log. */
  readonly line: number;
  /** Of the buildspec. */
  readonly commandLine?: number;
}

/** Answers how many bytes were searched. */
export async function searchLog<T>(
  events: AsyncIterable<BuildEvent>,
  patterns: PatternSet<T>,
  signal: AbortSignal,
  onHit: (hit: LogHit<T>) => void,
): Promise<number> {
  /** Where commands began: place in the text, line of the buildspec; `undefined` between commands. */
  const commands: { readonly start: number; readonly line: number | undefined }[] = [];
  let length = 0;
  const found = (hit: Hit<T>): void => {
    const commandLine = commands.findLast(({ start }) => start <= hit.start)?.line;
    onHit({ hit, line: hit.line ?? 1, ...(commandLine === undefined ? {} : { commandLine }) });
  };
  const search = patterns.stream(found, { countsLines: true });
  for await (const event of events) {
    signal.throwIfAborted();
    if (event.type === "command-started") commands.push({ start: length, line: event.line });
    if (event.type === "command-finished") commands.push({ start: length, line: undefined });
    if (event.type !== "log") continue;
    const bytes = Buffer.from(`${event.text}\n`);
    length += bytes.length;
    search.push(bytes);
  }
  search.end();
  return length;
}
