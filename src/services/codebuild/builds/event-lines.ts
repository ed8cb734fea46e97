/**
 * Events as the lines of an event log, and back (event-log.ts). An event is a line of JSON. Of an event with output the
 * line of JSON lacks the text; the text follows, each of its lines behind a mark: neither writing nor reading has to look
 * at every character, which JSON would cost more than everything else that happens to output. The lines of one event may
 * be read in several portions; then they are several events.
 */
import type { BuildEvent } from "../../../build/run/index.ts";
import { debug } from "../../../core/log.ts";

/** No line of JSON begins so. */
const MARK = "|";

type OutputHead = Omit<Extract<BuildEvent, { type: "log" }>, "text">;

/** An event's lines without the last line end, in two parts; `output` is empty for events without. */
export function splitEvent(event: BuildEvent): { readonly head: string; readonly output: string } {
  if (event.type !== "log" || event.kind !== "output") return { head: JSON.stringify(event), output: "" };
  const { text, ...head } = event;
  return { head: `${JSON.stringify(head)}\n${MARK}`, output: text.replaceAll("\n", `\n${MARK}`) };
}

/** Reads the lines of one event log, in order. */
export class EventLines {
  #head: OutputHead | undefined;

  /** Events in complete lines. A line that a killed process left half-written is passed over. */
  parse(text: string): BuildEvent[] {
    const events: BuildEvent[] = [];
    for (let at = 0; at < text.length; ) {
      const isOutput = text.startsWith(MARK, at);
      const found = text.indexOf(isOutput ? "\n{" : "\n", at);
      const end = found === -1 ? text.length - 1 : found;
      if (!isOutput) this.#take(text.slice(at, end), events);
      else if (this.#head) {
        events.push({ ...this.#head, text: text.slice(at + MARK.length, end).replaceAll(`\n${MARK}`, "\n") });
      }
      at = end + 1;
    }
    return events;
  }

  #take(line: string, events: BuildEvent[]): void {
    this.#head = undefined;
    if (line === "") return;
    try {
      const event = JSON.parse(line) as BuildEvent;
      if (event.type === "log" && event.text === undefined) this.#head = event;
      else events.push(event);
    } catch {
      debug("run", () => `passed over half a line of ${line.length} characters in an event log`);
    }
  }
}
