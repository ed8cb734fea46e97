/**
 * StartLiveTail: what arrives in up to ten groups, once a second, until the client goes away or three hours have passed.
 * The store is looked at each second, so that events of other processes come too. Nothing is kept for a client that takes
 * its time: the next update holds a sample of what came meanwhile.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html
 */
import { setImmediate } from "node:timers/promises";
import { parseArn } from "../../core/arn.ts";
import { HOUR_MS, sleep } from "../../core/clock.ts";
import { AwsError } from "../../core/errors.ts";
import { debug } from "../../core/log.ts";
import { type OperationContext, operation } from "../service.ts";
import { groupArn, groupNameOf, type NamedGroup, onGroup, requireHere, scopeIn } from "./access.ts";
import { groupNotFound, invalidOperation, invalidParameter, sessionStreamingFailed, sessionTimeout } from "./errors.ts";
import { arrivals } from "./events.ts";
import { type MessageFilter, parseFilterPattern } from "./filter-patterns/filter-pattern.ts";
import { hasDataKeys, openDataKeys } from "./kms-encryption.ts";
import { chunkKey, groupKey, type LogStreamRecord, logRecords, requireGroup, streamKey } from "./records.ts";
import type {
  LiveTailSessionLogEvent,
  LiveTailSessionUpdate,
  StartLiveTailRequest,
  StartLiveTailResponseStream,
} from "./shapes.gen.ts";

const UPDATE_EVERY_MS = 1_000;
const SESSION_MS = 3 * HOUR_MS;
const MAX_EVENTS = 500;
/** Of messages in one update; SDKs take no frame of more than 16 MB. */
const MAX_UPDATE_BYTES = 4 * 1_048_576;
/** Others get their turn after so much was looked at. */
const BYTES_AT_ONCE = 1_048_576;

export const startLiveTail = operation<
  StartLiveTailRequest,
  { readonly responseStream: AsyncIterable<StartLiveTailResponseStream> }
>({
  name: "StartLiveTail",
  support: "supported",
  source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html",
  authorize: (input, context) =>
    input.logGroupIdentifiers.flatMap((arn) => onGroup("StartLiveTail", groupOf(arn, context), context)),
  errors: [groupNotFound, invalidOperation, invalidParameter],
  run(input, context) {
    const { logStreamNames, logStreamNamePrefixes, logGroupIdentifiers } = input;
    if (logStreamNames && logStreamNamePrefixes) {
      throw invalidParameter("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.");
    }
    if ((logStreamNames ?? logStreamNamePrefixes) && logGroupIdentifiers.length > 1) {
      throw invalidParameter(
        "logStreamNames and logStreamNamePrefixes can only be specified with a single log group identifier.",
      );
    }
    const accepts = parsePattern(input.logEventFilterPattern ?? "");
    const groups = [...new Set(logGroupIdentifiers)].map((arn) => requireStandardGroup(arn, context));
    const tail = new LiveTail(groups, isWanted(input), accepts, context);
    return { responseStream: session(input, tail, context) };
  },
});

/** AWS: Live Tail says in front that it is the pattern. */
function parsePattern(pattern: string): MessageFilter {
  try {
    return parseFilterPattern(pattern);
  } catch (error) {
    if (!(error instanceof AwsError) || error.message === "Invalid filter pattern") throw error;
    throw invalidParameter(`Invalid filter pattern: ${error.message}`);
  }
}

function groupOf(arn: string, context: OperationContext): NamedGroup {
  if (!parseArn(arn)?.resource.startsWith("log-group:")) {
    throw invalidParameter(`The specified log group identifier is not the ARN of a log group: ${arn}`);
  }
  return { name: groupNameOf(arn), scope: scopeIn(arn, context) };
}

function requireStandardGroup(arn: string, context: OperationContext): string {
  const group = groupOf(arn, context);
  requireHere(group, context);
  const { groupClass } = requireGroup(logRecords(context.store), context.scope, group.name);
  if (groupClass !== undefined) throw invalidOperation("This operation is only supported on the Standard log class.");
  return group.name;
}

function isWanted({ logStreamNames, logStreamNamePrefixes }: StartLiveTailRequest): (streamName: string) => boolean {
  if (logStreamNames) return (name) => logStreamNames.includes(name);
  if (logStreamNamePrefixes) return (name) => logStreamNamePrefixes.some((prefix) => name.startsWith(prefix));
  return () => true;
}

async function* session(
  input: StartLiveTailRequest,
  tail: LiveTail,
  { clock, ids, requestId }: OperationContext,
): AsyncGenerator<StartLiveTailResponseStream> {
  const endMs = clock.nowMs() + SESSION_MS;
  yield {
    sessionStart: {
      requestId,
      sessionId: ids.uuid(),
      logGroupIdentifiers: input.logGroupIdentifiers,
      logStreamNames: input.logStreamNames ?? [],
      logStreamNamePrefixes: input.logStreamNamePrefixes ?? [],
      logEventFilterPattern: input.logEventFilterPattern ?? "",
    },
  };
  for (;;) {
    await sleep(clock, UPDATE_EVERY_MS);
    if (clock.nowMs() >= endMs) throw sessionTimeout();
    yield { sessionUpdate: await tail.next() };
  }
}

/** How far a stream was read: its last chunk, and events of that. */
interface Cursor {
  readonly streamNumber: string;
  readonly chunk: number;
  readonly count: number;
  readonly nextChunk: number;
  readonly seenMs: number;
}

class LiveTail {
  readonly #groups: readonly string[];
  readonly #isWanted: (streamName: string) => boolean;
  readonly #accepts: MessageFilter;
  readonly #context: OperationContext;
  /** By group, then by stream. */
  readonly #cursors = new Map<string, Map<string, Cursor>>();

  /** Begins behind what is there already. */
  constructor(
    groups: readonly string[],
    wanted: (streamName: string) => boolean,
    accepts: MessageFilter,
    context: OperationContext,
  ) {
    this.#groups = groups;
    this.#isWanted = wanted;
    this.#accepts = accepts;
    this.#context = context;
    for (const group of groups) {
      const cursors = new Map<string, Cursor>();
      for (const stream of this.#streamsOf(group)) cursors.set(stream.streamName, this.#endOf(group, stream));
      this.#cursors.set(group, cursors);
    }
  }

  /** What came since the last time, or a sample of it. */
  async next(): Promise<LiveTailSessionUpdate> {
    try {
      for (const group of this.#groups) {
        if (hasDataKeys(group, this.#context)) await openDataKeys(group, this.#context);
      }
      const found: LiveTailSessionLogEvent[] = [];
      const isSampled = await this.#take(found);
      found.sort((a, b) => (a.ingestionTime ?? 0) - (b.ingestionTime ?? 0) || (a.timestamp ?? 0) - (b.timestamp ?? 0));
      return { sessionMetadata: { sampled: isSampled }, sessionResults: found };
    } catch (error) {
      if (!(error instanceof AwsError)) debug("endpoint", () => `live tail failed: ${String(error)}`);
      throw sessionStreamingFailed(error instanceof AwsError ? error.message : "An unknown error occurred.");
    }
  }

  /** True when there was more than fits into one update: the rest is passed over. */
  async #take(found: LiveTailSessionLogEvent[]): Promise<boolean> {
    let bytes = 0;
    let readBytes = 0;
    let isFull = false;
    for (const group of this.#groups) {
      const cursors = this.#cursors.get(group) as Map<string, Cursor>;
      const streams = this.#streamsOf(group);
      for (const stream of streams) {
        const known = cursors.get(stream.streamName);
        if (known && isUnchanged(known, stream)) continue;
        const end = this.#endOf(group, stream);
        cursors.set(stream.streamName, end);
        if (isFull) continue;
        for (const event of this.#arrivals(group, stream, known)) {
          readBytes += (event.message as string).length;
          if (readBytes > BYTES_AT_ONCE) {
            readBytes = 0;
            await setImmediate();
          }
          if (!this.#accepts(event.message as string)) continue;
          isFull = found.length === MAX_EVENTS || bytes > MAX_UPDATE_BYTES;
          if (isFull) break;
          bytes += (event.message as string).length;
          found.push(event);
        }
      }
      // Streams that are gone.
      if (cursors.size > streams.length) {
        const names = new Set(streams.map((stream) => stream.streamName));
        for (const name of cursors.keys()) if (!names.has(name)) cursors.delete(name);
      }
    }
    return isFull;
  }

  *#arrivals(group: string, stream: LogStreamRecord, known: Cursor | undefined): Generator<LiveTailSessionLogEvent> {
    const { store, scope } = this.#context;
    // A stream of the same name may be another one by now.
    const from = known?.streamNumber === stream.number ? known : { chunk: 0, count: 0 };
    const key = streamKey(scope, group, stream.streamName);
    for (const event of arrivals(logRecords(store), key, stream, from)) {
      yield {
        logStreamName: stream.streamName,
        logGroupIdentifier: groupArn(scope, group),
        message: event.message,
        timestamp: event.timestampMs,
        ingestionTime: event.ingestionMs,
      };
    }
  }

  #streamsOf(group: string): LogStreamRecord[] {
    const { store, scope } = this.#context;
    const streams = logRecords(store).streams.list(groupKey(scope, group));
    return streams.map((entry) => entry.value).filter((stream) => this.#isWanted(stream.streamName));
  }

  #endOf(group: string, stream: LogStreamRecord): Cursor {
    const { store, scope, clock } = this.#context;
    const { nextChunk, number: streamNumber } = stream;
    const chunk = Math.max(nextChunk - 1, 0);
    const last = chunkKey(streamKey(scope, group, stream.streamName), chunk);
    const count = logRecords(store).heads.get(last)?.count ?? 0;
    return { streamNumber, chunk, count, nextChunk, seenMs: clock.nowMs() };
  }
}

/** In the millisecond of the last look there may have come more. */
const isUnchanged = (cursor: Cursor, stream: LogStreamRecord): boolean =>
  cursor.streamNumber === stream.number &&
  cursor.nextChunk === stream.nextChunk &&
  (stream.lastIngestionMs === undefined || stream.lastIngestionMs < cursor.seenMs);
