/** `GET /events`: past ones since a time, then new ones until a time or until the client goes. */
import type { ApiCall, ApiRoute } from "../api.ts";
import { Filters, timeParameter } from "../filters.ts";
import type { EngineEvent } from "./event-log.ts";

const FILTERS = [
  ..."config container daemon event image label network node plugin scope secret service type volume builder".split(
    " ",
  ),
];

async function events({ context, query, response, signal }: ApiCall): Promise<void> {
  const { clock, events: log } = context;
  const filters = Filters.of(query, FILTERS);
  const nowMs = clock.nowMs();
  const sinceMs = timeParameter(query.get("since"), "since", nowMs);
  const untilMs = timeParameter(query.get("until"), "until", nowMs);
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const send = (event: EngineEvent): void => {
    if (matches(filters, event)) response.write(`${JSON.stringify(event)}\n`);
  };
  if (sinceMs !== undefined) {
    for (const event of log.past()) {
      const atMs = event.timeNano / 1_000_000;
      if (atMs >= sinceMs && (untilMs === undefined || atMs <= untilMs)) send(event);
    }
  }
  if (untilMs === undefined || untilMs > nowMs) {
    const stop = log.follow(send);
    const due = untilMs === undefined ? undefined : untilMs - nowMs;
    await new Promise<void>((resolve) => {
      const timer = due === undefined ? undefined : clock.after(due, resolve);
      signal.addEventListener(
        "abort",
        () => {
          timer?.cancel();
          resolve();
        },
        { once: true },
      );
    });
    stop();
  }
  response.end();
}

function matches(filters: Filters, event: EngineEvent): boolean {
  const { ID: id, Attributes: attributes } = event.Actor;
  const names = (type: EngineEvent["Type"]) => (value: string) =>
    event.Type === type && (id.startsWith(value) || attributes["name"] === value);
  return (
    filters.some("type", (value) => event.Type === value) &&
    filters.some("event", (value) => event.Action === value || event.Action.startsWith(`${value}:`)) &&
    filters.some("scope", (value) => event.scope === value) &&
    filters.labels(attributes) &&
    filters.some("container", names("container")) &&
    filters.some("network", names("network")) &&
    filters.some("volume", names("volume")) &&
    filters.some(
      "image",
      (value) => names("image")(value) || attributes["image"] === value || attributes["image"]?.split(":")[0] === value,
    ) &&
    (["config", "node", "plugin", "secret", "service", "builder", "daemon"] as const).every((name) =>
      filters.some(name, (value) => event.Type === name && id === value),
    )
  );
}

export const eventRoutes: readonly ApiRoute[] = [{ method: "GET", pattern: /^\/events$/, handle: events }];
