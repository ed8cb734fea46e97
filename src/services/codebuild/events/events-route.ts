/**
 * `GET /_kiln/events`: events of builds as Server-Sent Events. `?build=ID` gives one build's, from its first to its last;
 * without it, what happens from now on. `Last-Event-ID` (or `?after=N`) resumes. Each reader has its own place in the log
 * and waits for its own socket, so a slow one holds nothing in memory; one that takes nothing for a minute is dropped.
 * Who may read: everybody who reaches the port while the root key is the default one (then anybody there can sign in as
 * root anyway, and the port is loopback's), else callers that give an access key that may call `codebuild:BatchGetBuilds`: the events of their account.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, MINUTE_MS } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import type { EventFeed, FeedRequest } from "./event-feed.ts";
import type { LoggedEvent } from "./state-change-log.ts";

export const EVENTS_PREFIX = "/_kiln/events";
const HEARTBEAT_MS = 15_000;
const STALLED_MS = MINUTE_MS;
const RETRY_MS = 1000;
/** Readers at the same time; each polls the log. */
const MAX_READERS = 100;

/** Undefined: may read everything. An account: its events. Otherwise the status and the reason. */
export type ReaderCheck = (
  authorization: string | undefined,
) => { readonly accountId: string } | { readonly status: 401 | 403; readonly why: string } | undefined;

export interface EventsRoute {
  readonly prefix: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function eventsRoute(feed: EventFeed, clock: Clock, check: ReaderCheck): EventsRoute {
  let readers = 0;
  return {
    prefix: EVENTS_PREFIX,
    async handle(request, response) {
      const url = new URL(request.url ?? "/", "http://localhost");
      if (url.pathname !== EVENTS_PREFIX) return refuse(response, 404, "the events are at /_kiln/events");
      if (request.method !== "GET") return refuse(response, 405, "events are read with GET");
      // A page of another origin could open streams without being able to read them.
      if (request.headers["sec-fetch-site"] === "cross-site") return refuse(response, 403, "not for other origins");
      const verdict = check(request.headers.authorization);
      if (verdict && "status" in verdict) {
        if (verdict.status === 401) response.setHeader("www-authenticate", 'Basic realm="kiln"');
        return refuse(response, verdict.status, verdict.why);
      }
      const after = request.headers["last-event-id"] ?? url.searchParams.get("after") ?? undefined;
      if (after !== undefined && !/^\d{1,15}$/.test(String(after))) {
        return refuse(
          response,
          400,
          `the place to go on after must be a number, not \`${String(after).slice(0, 40)}\``,
        );
      }
      if (readers >= MAX_READERS) return refuse(response, 503, `${MAX_READERS} readers are connected already`);
      readers++;
      try {
        await stream(response, feed, clock, {
          afterSequence: after === undefined ? undefined : Number(after),
          buildId: url.searchParams.get("build") ?? undefined,
          accountId: verdict?.accountId,
        });
      } finally {
        readers--;
      }
    },
  };
}

async function stream(
  response: ServerResponse,
  feed: EventFeed,
  clock: Clock,
  from: Pick<FeedRequest, "afterSequence" | "buildId" | "accountId">,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.on("error", () => gone.abort());
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // The connection ends with the stream: a closing Kiln does not wait for it.
    connection: "close",
  });
  const start = from.afterSequence ?? (from.buildId === undefined ? feed.last : undefined);
  const gap = from.afterSequence === undefined ? undefined : feed.gapAfter(from.afterSequence);
  response.write(`retry: ${RETRY_MS}\n: kiln build events\n\n`);
  if (gap) response.write(`event: gap\ndata: ${JSON.stringify({ oldest: gap.oldest })}\n\n`);
  let timer = clock.after(HEARTBEAT_MS, heartbeat);
  function heartbeat(): void {
    if (!response.writableNeedDrain) response.write(": heartbeat\n\n");
    timer = clock.after(HEARTBEAT_MS, heartbeat);
  }
  try {
    for await (const logged of feed.read({ ...from, afterSequence: start, follow: true, signal: gone.signal })) {
      if (!response.write(sseOf(logged)) && !(await drained(response, clock, gone.signal))) {
        debug("endpoint", () => "a reader of events takes nothing: dropped");
        response.destroy();
        return;
      }
    }
  } finally {
    timer.cancel();
    response.end();
  }
}

/** One message: the event's place as id, its kind as name. */
const sseOf = ({ sequence, event }: LoggedEvent): string =>
  `id: ${sequence}\nevent: ${event["detail-type"].includes("Phase") ? "phase" : "state"}\ndata: ${JSON.stringify(event)}\n\n`;

/** True when the socket takes more; false when it does not for too long, or is closed. */
function drained(response: ServerResponse, clock: Clock, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (result: boolean): void => {
      timer.cancel();
      response.off("drain", onDrain);
      signal.removeEventListener("abort", onAbort);
      resolve(result);
    };
    const onDrain = (): void => end(true);
    const onAbort = (): void => end(false);
    const timer = clock.after(STALLED_MS, () => end(false));
    response.once("drain", onDrain);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) end(false);
  });
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify({ message })}\n`);
}
