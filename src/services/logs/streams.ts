/** Log streams: create, delete, describe. */
import type { AwsScope } from "../../core/arn.ts";
import { pageToken } from "../page-token.ts";
import { operation } from "../service.ts";
import { groupHere, onGroup, onStream, soughtGroup, streamArn } from "./access.ts";
import { groupNotFound, invalidParameter, streamExists, streamNotFound, validationFailed } from "./errors.ts";
import { nameInToken } from "./pages.ts";
import {
  deleteStream,
  groupKey,
  type LogStreamRecord,
  logRecords,
  requireGroup,
  requireStream,
  streamKey,
} from "./records.ts";
import type {
  CreateLogStreamRequest,
  DeleteLogStreamRequest,
  DescribeLogStreamsRequest,
  DescribeLogStreamsResponse,
  LogStream,
} from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference";
const DEFAULT_PAGE = 50;
/** AWS writes sequence tokens and event ids with 56 digits. */
const TOKEN_DIGITS = 56;

export const createLogStream = operation<CreateLogStreamRequest, object>({
  name: "CreateLogStream",
  support: "supported",
  source: `${API}/API_CreateLogStream.html`,
  authorize: (input, context) => onStream("CreateLogStream", input.logGroupName, input.logStreamName, context),
  errors: [groupNotFound, streamExists],
  async run(input, { store, scope, clock, ids }) {
    const records = logRecords(store);
    const key = streamKey(scope, input.logGroupName, input.logStreamName);
    const number = String(ids.bytes(8).readBigUInt64BE() % 10n ** 18n).padStart(18, "0");
    await store.write(() => {
      requireGroup(records, scope, input.logGroupName);
      if (records.streams.has(key)) throw streamExists();
      const created = { streamName: input.logStreamName, number, createdMs: clock.nowMs() };
      records.streams.put(key, { ...created, nextChunk: 0, isOrdered: true });
    });
    return {};
  },
});

export const deleteLogStream = operation<DeleteLogStreamRequest, object>({
  name: "DeleteLogStream",
  support: "supported",
  source: `${API}/API_DeleteLogStream.html`,
  authorize: (input, context) => onStream("DeleteLogStream", input.logGroupName, input.logStreamName, context),
  errors: [groupNotFound, streamNotFound],
  async run(input, { store, scope }) {
    const records = logRecords(store);
    const { number } = await store.write(() => {
      const stream = requireStream(records, scope, input.logGroupName, input.logStreamName);
      deleteStream(records, streamKey(scope, input.logGroupName, input.logStreamName));
      return stream;
    });
    await records.files?.remove(number);
    return {};
  },
});

export const describeLogStreams = operation<DescribeLogStreamsRequest, DescribeLogStreamsResponse>({
  name: "DescribeLogStreams",
  support: "supported",
  source: `${API}/API_DescribeLogStreams.html`,
  authorize: (input, context) => onGroup("DescribeLogStreams", soughtGroup(input, context), context),
  errors: [groupNotFound, invalidParameter, validationFailed],
  run(input, context) {
    const { store, scope } = context;
    const { logStreamNamePrefix, orderBy = "LogStreamName", descending = false } = input;
    if (logStreamNamePrefix !== undefined && orderBy === "LastEventTime") {
      throw invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
    }
    const groupName = groupHere(input, context);
    const records = logRecords(store);
    requireGroup(records, scope, groupName);
    const sorted = records.streams
      .list(groupKey(scope, groupName))
      .map((entry) => entry.value)
      .filter((stream) => stream.streamName.startsWith(logStreamNamePrefix ?? ""))
      .map((stream) => ({ stream, rank: rankOf(stream, orderBy) }))
      .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
    if (descending) sorted.reverse();
    const after = input.nextToken === undefined ? undefined : nameInToken(input.nextToken);
    const rest = sorted.filter(({ rank }) => after === undefined || (descending ? rank < after : rank > after));
    const page = rest.slice(0, input.limit ?? DEFAULT_PAGE);
    return {
      logStreams: page.map(({ stream }) => describeStream(stream, scope, groupName)),
      ...(page.length < rest.length && { nextToken: pageToken(page.at(-1)?.rank ?? "") }),
    };
  },
});

/** Text that sorts as asked and tells streams apart. AWS: streams without events come first by time. */
const rankOf = (stream: LogStreamRecord, orderBy: "LogStreamName" | "LastEventTime"): string =>
  orderBy === "LogStreamName"
    ? stream.streamName
    : `${String(stream.lastEventMs ?? 0).padStart(16, "0")} ${stream.streamName}`;

function describeStream(stream: LogStreamRecord, scope: AwsScope, groupName: string): LogStream {
  return {
    logStreamName: stream.streamName,
    creationTime: stream.createdMs,
    ...(stream.firstEventMs !== undefined && { firstEventTimestamp: stream.firstEventMs }),
    ...(stream.lastEventMs !== undefined && { lastEventTimestamp: stream.lastEventMs }),
    ...(stream.lastIngestionMs !== undefined && {
      lastIngestionTime: stream.lastIngestionMs,
      uploadSequenceToken: sequenceToken(stream),
    }),
    arn: streamArn(scope, groupName, stream.streamName),
    // AWS: always 0 for streams, since 2019.
    storedBytes: 0,
  };
}

/** AWS still gives one out, another with each batch, and no longer looks at it. */
export const sequenceToken = ({ number, batches, nextChunk }: LogStreamRecord): string =>
  `49${number}${String(batches ?? nextChunk).padStart(TOKEN_DIGITS - 20, "0")}`;
