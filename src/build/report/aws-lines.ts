/**
 * A build's log as CodeBuild writes it: `[Container] YYYY/MM/DD HH:MM:SS.ffffff text` for its own lines, a command's
 * output as it is. Used by `--format aws` and by the CloudWatch Logs sink.
 */
import type { BuildEvent } from "../run/events.ts";

/** Lines of one event, without line ends; none for events that CodeBuild does not log. */
export function awsLines(event: BuildEvent): string[] {
  if (event.type !== "log") return [];
  const text = event.kind === "container" ? `${containerPrefix(event.atMs)}${event.text}` : event.text;
  return text.split("\n");
}

/** `[Container] 2026/01/02 03:04:05.678000 ` in UTC. */
export function containerPrefix(atMs: number): string {
  const iso = new Date(atMs).toISOString();
  return `[Container] ${iso.slice(0, 10).replaceAll("-", "/")} ${iso.slice(11, 23)}000 `;
}
