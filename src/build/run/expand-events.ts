/**
 * Inside Kiln one output event may carry several lines (a chunk of a command's output); readers get one event a line.
 */
import type { BuildEvent } from "./events.ts";

export function* expandEvent(event: BuildEvent): Generator<BuildEvent> {
  if (event.type !== "log" || event.kind !== "output" || !event.text.includes("\n")) {
    yield event;
    return;
  }
  for (const text of event.text.split("\n")) yield { ...event, text };
}
