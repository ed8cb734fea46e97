/**
 * FilterLogEvents: events of many streams of one group, interleaved by time, that match a pattern. `aws logs tail` polls
 * it. AWS may answer a page with few or no events and a token; here a page ends after so many bytes were looked at.
 */
import { type OperationContext, operation } from "../service.ts";
import { groupHere, onGroup, onUnmask, soughtGroup } from "./access.ts";
import { invalidParameter } from "./errors.ts";
import { type EventRange, eventsOf, isPlace, type StoredEvent } from "./events.ts";
import { type MessageFilter, parseFilterPattern } from "./filter-patterns/filter-pattern.ts";
import { invalidNextToken } from "./pages.ts";
import { MAX_EVENTS, MAX_PAGE_BYTES, openForReading, readingErrors } from "./reading.ts";
import { groupKey, type LogStreamRecord, logRecords, requireStream, streamKey } from "./records.ts";
import type { FilteredLogEvent, FilterLogEventsRequest, FilterLogEventsResponse } from "./shapes.gen.ts";

const MAX_SCANNED_BYTES = 32 * 1_048_576;

export const filterLogEvents = operation<FilterLogEventsRequest, FilterLogEventsResponse>({
  name: "FilterLogEvents",
  support: "supported",
  source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html",
  authorize: (input, context) => {
    const group = soughtGroup(input, context);
    return [...onGroup("FilterLogEvents", group, context), ...onUnmask(input, group, context)];
  },
  errors: readingErrors,
  async run(input, context) {
    const { store, scope } = context;
    if (input.logStreamNames && input.logStreamNamePrefix !== undefined) {
      throw invalidParameter("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.");
    }
    if (input.nextToken !== undefined && !isPlace(input.nextToken)) {
      throw invalidNextToken();
    }
    const matches = parseFilterPattern(input.filterPattern ?? "");
    const groupName = groupHere(input, context);
    const { fromMs } = await openForReading(logRecords(store), groupName, context);
    const range: EventRange = {
      startMs: Math.max(input.startTime ?? 0, fromMs),
      // AWS: up to and with the end here, unlike GetLogEvents.
      endMs: (input.endTime ?? Number.POSITIVE_INFINITY) + 1,
      ...(input.nextToken !== undefined && { after: input.nextToken }),
    };
    const streams = streamsOf(input, groupName, context).filter((stream) => mayHold(stream, range));
    const sources = streams.map((stream) => {
      const key = streamKey(scope, groupName, stream.streamName);
      return { stream, events: eventsOf(logRecords(store), key, stream, range) };
    });
    // AWS: the list of searched streams has been empty since 2019.
    return { ...takePage(sources, matches, input.limit ?? MAX_EVENTS), searchedLogStreams: [] };
  },
});

/** Merges the streams and stops at the first limit that is reached. */
function takePage(
  sources: readonly Source[],
  matches: MessageFilter,
  limit: number,
): Pick<FilterLogEventsResponse, "events" | "nextToken"> {
  const events: FilteredLogEvent[] = [];
  let [pageBytes, scannedBytes] = [0, 0];
  let lastPlace: string | undefined;
  for (const { stream, event } of interleave(sources)) {
    const isWanted = matches(event.message);
    if (isWanted) pageBytes += event.message.length;
    const isFull = events.length === limit || (pageBytes > MAX_PAGE_BYTES && events.length > 0);
    if (isFull || scannedBytes > MAX_SCANNED_BYTES) {
      return { events, ...(lastPlace !== undefined && { nextToken: lastPlace }) };
    }
    scannedBytes += event.message.length;
    lastPlace = event.place;
    if (isWanted) events.push(filteredEvent(stream, event));
  }
  return { events };
}

function streamsOf(input: FilterLogEventsRequest, groupName: string, context: OperationContext): LogStreamRecord[] {
  const { store, scope } = context;
  const records = logRecords(store);
  if (input.logStreamNames) {
    return [...new Set(input.logStreamNames)].map((name) => requireStream(records, scope, groupName, name));
  }
  return records.streams
    .list(groupKey(scope, groupName))
    .map((entry) => entry.value)
    .filter((stream) => stream.streamName.startsWith(input.logStreamNamePrefix ?? ""));
}

const mayHold = (stream: LogStreamRecord, range: EventRange): boolean =>
  stream.lastEventMs !== undefined &&
  stream.lastEventMs >= range.startMs &&
  (stream.firstEventMs ?? 0) < range.endMs &&
  (range.after === undefined || stream.lastEventMs >= Number(range.after.slice(0, 14)));

interface Source {
  readonly stream: LogStreamRecord;
  readonly events: Generator<StoredEvent>;
}

/** The next event is the earliest of the streams' next ones; streams are read as far as needed. */
function* interleave(sources: readonly Source[]): Generator<{ stream: LogStreamRecord; event: StoredEvent }> {
  const open = sources.flatMap(({ stream, events }) => {
    const first = events.next();
    return first.done ? [] : [{ stream, events, event: first.value }];
  });
  while (open.length > 0) {
    let earliest = 0;
    for (let i = 1; i < open.length; i++) {
      if ((open[i] as Open).event.place < (open[earliest] as Open).event.place) earliest = i;
    }
    const source = open[earliest] as Open;
    yield { stream: source.stream, event: source.event };
    const next = source.events.next();
    if (next.done) open.splice(earliest, 1);
    else source.event = next.value;
  }
}

interface Open extends Source {
  event: StoredEvent;
}

const filteredEvent = (stream: LogStreamRecord, event: StoredEvent): FilteredLogEvent => ({
  logStreamName: stream.streamName,
  timestamp: event.timestampMs,
  message: event.message,
  ingestionTime: event.ingestionMs,
  eventId: event.place,
});
