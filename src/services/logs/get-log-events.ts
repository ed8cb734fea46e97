/**
 * GetLogEvents: pages through one stream in either direction. Tokens are `f/` and `b/` with a place (events.ts): an
 * answer always has both, and the end of the stream gives back the token it was asked with.
 */
import { operation } from "../service.ts";
import { groupHere, onStream, onUnmask, soughtGroup } from "./access.ts";
import { type EventRange, eventsOf, FIRST_PLACE, isPlace, neighbour, type StoredEvent } from "./events.ts";
import { invalidNextToken } from "./pages.ts";
import { MAX_EVENTS, MAX_PAGE_BYTES, openForReading, readingErrors } from "./reading.ts";
import { logRecords, requireStream, streamKey } from "./records.ts";
import type { GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent } from "./shapes.gen.ts";

export const getLogEvents = operation<GetLogEventsRequest, GetLogEventsResponse>({
  name: "GetLogEvents",
  support: "supported",
  source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html",
  authorize: (input, context) => {
    const group = soughtGroup(input, context);
    return [...onStream("GetLogEvents", group, input.logStreamName, context), ...onUnmask(input, group, context)];
  },
  errors: readingErrors,
  async run(input, context) {
    const { store, scope } = context;
    const groupName = groupHere(input, context);
    const records = logRecords(store);
    const stream = requireStream(records, scope, groupName, input.logStreamName);
    const { fromMs } = await openForReading(records, groupName, context);
    const token = parseToken(input.nextToken);
    const isForward = token ? token.direction === "f" : input.startFromHead === true;
    const range: EventRange = {
      startMs: Math.max(input.startTime ?? 0, fromMs),
      endMs: input.endTime ?? Number.POSITIVE_INFINITY,
      ...(token && (isForward ? { after: token.place } : { before: token.place })),
    };
    const key = streamKey(scope, groupName, input.logStreamName);
    const page = takePage(eventsOf(records, key, stream, range, !isForward), input.limit ?? MAX_EVENTS);
    if (!isForward) page.reverse();
    // At an end of the stream the token that was given comes back, and the other one turns round without a gap.
    const { place: end = FIRST_PLACE } = token ?? {};
    const first = page[0]?.place ?? (token && isForward ? neighbour(end, 1n) : end);
    const last = page.at(-1)?.place ?? (token && !isForward ? neighbour(end, -1n) : end);
    return { events: page.map(outputEvent), nextForwardToken: `f/${last}`, nextBackwardToken: `b/${first}` };
  },
});

const TOKEN = /^([fb])\/(.*)$/;

function parseToken(text: string | undefined): { direction: "f" | "b"; place: string } | undefined {
  if (text === undefined) return undefined;
  const [, direction, place = ""] = TOKEN.exec(text) ?? [];
  if (!direction || !isPlace(place)) throw invalidNextToken();
  return { direction: direction as "f" | "b", place };
}

/** At most `limit` events and at most what fits into an answer; always one, if there is one. */
function takePage(events: Iterable<StoredEvent>, limit: number): StoredEvent[] {
  const page: StoredEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    bytes += event.message.length;
    if (page.length > 0 && bytes > MAX_PAGE_BYTES) break;
    page.push(event);
    if (page.length === limit) break;
  }
  return page;
}

const outputEvent = (event: StoredEvent): OutputLogEvent => ({
  timestamp: event.timestampMs,
  message: event.message,
  ingestionTime: event.ingestionMs,
});
