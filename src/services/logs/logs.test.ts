import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AwsCaller, PolicyDocument, UserPrincipal } from "../../core/aws.ts";
import { HOUR_MS, TestClock } from "../../core/clock.ts";
import { TestIds } from "../../core/ids.ts";
import { openStore, type Store } from "../../store/index.ts";
import { createDispatcher } from "../index.ts";
import { logs } from "./index.ts";
import type {
  DescribeLogGroupsResponse,
  DescribeLogStreamsResponse,
  FilterLogEventsResponse,
  GetLogEventsResponse,
  PutLogEventsResponse,
} from "./shapes.gen.ts";

const SCOPE = { partition: "aws", region: "eu-west-1", accountId: "111122223333" };
const ROOT = {
  type: "Root",
  arn: "arn:aws:iam::111122223333:root",
  accountId: SCOPE.accountId,
  userId: SCOPE.accountId,
} as const;
const USER: UserPrincipal = {
  type: "User",
  arn: "arn:aws:iam::111122223333:user/reader",
  accountId: SCOPE.accountId,
  userId: "AIDAREADER",
  userName: "reader",
};
const group = { logGroupName: "/aws/codebuild/app" };
const stream = { ...group, logStreamName: "one" };

let store: Store;
let clock: TestClock;
let aws: AwsCaller;
let policy: PolicyDocument;
let asUser: AwsCaller;

beforeEach(async () => {
  store = await openStore({ ids: new TestIds() });
  clock = new TestClock();
  policy = {};
  const identity = { policiesOf: () => ({ identity: [{ name: "p", document: policy }] }), tagsOf: () => ({}) };
  const dispatcher = createDispatcher({ services: [logs], identity, store, clock, ids: new TestIds() });
  aws = dispatcher.callerFor(ROOT, SCOPE);
  asUser = dispatcher.callerFor(USER, SCOPE);
});

afterEach(() => store.close());

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  aws.call<O>("logs", operation, input);

async function makeStream(name = "one"): Promise<void> {
  await call("CreateLogGroup", group).catch(() => undefined);
  await call("CreateLogStream", { ...group, logStreamName: name });
}

const put = (
  events: readonly (readonly [offsetMs: number, message: string])[],
  name = "one",
): Promise<PutLogEventsResponse> =>
  call("PutLogEvents", {
    ...group,
    logStreamName: name,
    logEvents: events.map(([offsetMs, message]) => ({ timestamp: clock.nowMs() + offsetMs, message })),
  });

const get = (input: object = {}): Promise<GetLogEventsResponse> => call("GetLogEvents", { ...stream, ...input });
const messages = (answer: GetLogEventsResponse | FilterLogEventsResponse): (string | undefined)[] =>
  (answer.events ?? []).map((event) => event.message);

describe("log groups", () => {
  it("are described with both ARNs", async () => {
    await call("CreateLogGroup", group);
    const { logGroups } = await call<DescribeLogGroupsResponse>("DescribeLogGroups", { logGroupNamePrefix: "/aws" });
    expect(logGroups).toEqual([
      {
        logGroupName: "/aws/codebuild/app",
        creationTime: clock.nowMs(),
        metricFilterCount: 0,
        arn: "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/app:*",
        storedBytes: 0,
        logGroupClass: "STANDARD",
        logGroupArn: "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/app",
        deletionProtectionEnabled: false,
      },
    ]);
  });

  it("are found by a part of their name, page by page", async () => {
    for (const name of ["b", "ab", "c", "bc"]) await call("CreateLogGroup", { logGroupName: name });
    const first = await call<DescribeLogGroupsResponse>("DescribeLogGroups", { logGroupNamePattern: "b", limit: 2 });
    const { nextToken } = first;
    const second = await call<DescribeLogGroupsResponse>("DescribeLogGroups", { logGroupNamePattern: "b", nextToken });
    const names = [first, second].map((page) => page.logGroups?.map((found) => found.logGroupName));
    expect(names).toEqual([["ab", "b"], ["bc"]]);
    expect(second.nextToken).toBeUndefined();
  });

  it("refuse a second one of the same name, an unknown one, and both ways to search", async () => {
    await call("CreateLogGroup", group);
    await expect(call("CreateLogGroup", group)).rejects.toMatchObject({
      code: "ResourceAlreadyExistsException",
      message: "The specified log group already exists",
    });
    await expect(call("DeleteLogGroup", { logGroupName: "none" })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: "The specified log group does not exist.",
    });
    const both = { logGroupNamePrefix: "a", logGroupNamePattern: "b" };
    await expect(call("DescribeLogGroups", both)).rejects.toMatchObject({
      code: "InvalidParameterException",
      message: "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    });
  });

  it("take their streams and events with them", async () => {
    await makeStream();
    await put([[0, "a"]]);
    await call("DeleteLogGroup", group);
    await makeStream();
    expect(messages(await get())).toEqual([]);
  });

  it("hide what is older than their retention", async () => {
    await makeStream();
    await put([[0, "old"]]);
    await call("PutRetentionPolicy", { ...group, retentionInDays: 1 });
    clock.advance(25 * HOUR_MS);
    expect(messages(await get())).toEqual([]);
    await expect(call("PutRetentionPolicy", { ...group, retentionInDays: 2 })).rejects.toMatchObject({
      code: "InvalidParameterException",
    });
  });

  it("refuse by name what is not offered", async () => {
    await expect(call("CreateLogGroup", { ...group, logGroupClass: "DELIVERY" })).rejects.toMatchObject({
      code: "NotImplemented",
      message:
        "kiln does not offer `logs:CreateLogGroup logGroupClass DELIVERY`; it offers the classes STANDARD and INFREQUENT_ACCESS (docs/coverage.md)",
    });
  });
});

describe("log streams", () => {
  it("are described in the order asked for", async () => {
    for (const name of ["one", "two"]) await makeStream(name);
    await put([[0, "later"]], "one");
    await put([[-5, "earlier"]], "two");
    const byTime = { ...group, orderBy: "LastEventTime", descending: true };
    const { logStreams } = await call<DescribeLogStreamsResponse>("DescribeLogStreams", byTime);
    expect(logStreams?.map((found) => found.logStreamName)).toEqual(["one", "two"]);
    expect(logStreams?.[0]).toMatchObject({
      arn: "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/app:log-stream:one",
      firstEventTimestamp: clock.nowMs(),
      lastEventTimestamp: clock.nowMs(),
      lastIngestionTime: clock.nowMs(),
      storedBytes: 0,
    });
    expect(logStreams?.[0]?.uploadSequenceToken).toMatch(/^\d{56}$/);
  });

  it("refuse a second one of the same name and tell a missing group from a missing stream", async () => {
    await makeStream();
    await expect(call("CreateLogStream", stream)).rejects.toMatchObject({
      message: "The specified log stream already exists",
    });
    await expect(get({ logStreamName: "none" })).rejects.toMatchObject({
      message: "The specified log stream does not exist.",
    });
    await expect(get({ logGroupName: "none" })).rejects.toMatchObject({
      message: "The specified log group does not exist.",
    });
  });
});

describe("GetLogEvents", () => {
  beforeEach(() => makeStream());

  it("pages forwards from the head until the token stays the same", async () => {
    await put([0, 1, 2, 3, 4].map((i) => [i, `m${i}`] as const));
    const first = await get({ startFromHead: true, limit: 3 });
    const second = await get({ nextToken: first.nextForwardToken, limit: 3 });
    const third = await get({ nextToken: second.nextForwardToken, limit: 3 });
    expect([first, second, third].map(messages)).toEqual([["m0", "m1", "m2"], ["m3", "m4"], []]);
    expect(third.nextForwardToken).toBe(second.nextForwardToken);
    expect(first.nextForwardToken).toMatch(/^f\/\d{56}$/);
    expect(first.nextBackwardToken).toMatch(/^b\/\d{56}$/);
    await put([[5, "m5"]]);
    expect(messages(await get({ nextToken: third.nextForwardToken }))).toEqual(["m5"]);
  });

  it("starts at the end and pages backwards", async () => {
    await put([0, 1, 2, 3].map((i) => [i, `m${i}`] as const));
    const last = await get({ limit: 3 });
    const before = await get({ limit: 3, nextToken: last.nextBackwardToken });
    expect([last, before].map(messages)).toEqual([["m1", "m2", "m3"], ["m0"]]);
  });

  it("turns round at either end without leaving an event out", async () => {
    await put([0, 1, 2].map((i) => [i, `m${i}`] as const));
    const all = await get({ startFromHead: true });
    const pastTheEnd = await get({ nextToken: all.nextForwardToken });
    expect(messages(await get({ nextToken: pastTheEnd.nextBackwardToken }))).toEqual(["m0", "m1", "m2"]);
    const beforeTheHead = await get({ nextToken: all.nextBackwardToken });
    expect(messages(beforeTheHead)).toEqual([]);
    expect(beforeTheHead.nextBackwardToken).toBe(all.nextBackwardToken);
    expect(messages(await get({ nextToken: beforeTheHead.nextForwardToken }))).toEqual(["m0", "m1", "m2"]);
  });

  it("orders events by time, then by arrival, whatever order the batches came in", async () => {
    await put([[10, "c"]]);
    await put([
      [0, "a"],
      [10, "d"],
    ]);
    await put([[5, "b"]]);
    const answer = await get({ startFromHead: true, limit: 2 });
    const rest = await get({ nextToken: answer.nextForwardToken });
    expect([...messages(answer), ...messages(rest)]).toEqual(["a", "b", "c", "d"]);
    expect(messages(await get())).toEqual(["a", "b", "c", "d"]);
  });

  it("takes a start that counts and an end that does not", async () => {
    await put([0, 1, 2].map((i) => [i, `m${i}`] as const));
    const startTime = clock.nowMs() + 1;
    expect(messages(await get({ startTime, endTime: startTime + 1 }))).toEqual(["m1"]);
  });

  it("keeps many small batches in few records and reads them all", async () => {
    for (let i = 0; i < 300; i++) await put([[i, `line ${i} ${"x".repeat(200)}`]]);
    const all = messages(await get({ startFromHead: true }));
    expect(all).toHaveLength(300);
    expect(all[299]).toMatch(/^line 299 /);
    expect(store.collection("log-chunks").list([]).length).toBeLessThan(5);
  });

  it("refuses a token that is none, a name and an ARN at once, and a limit out of range", async () => {
    await expect(get({ nextToken: "f/1" })).rejects.toMatchObject({ message: "The specified nextToken is invalid." });
    await expect(get({ logGroupIdentifier: "x" })).rejects.toMatchObject({
      code: "ValidationException",
      message: "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    });
    await expect(get({ limit: 10_001 })).rejects.toMatchObject({
      code: "InvalidParameterException",
      message:
        "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    });
  });
});

describe("FilterLogEvents", () => {
  const filter = (input: object = {}): Promise<FilterLogEventsResponse> =>
    call("FilterLogEvents", { ...group, ...input });

  beforeEach(async () => {
    for (const name of ["one", "two"]) await makeStream(name);
    await put([
      [0, "ERROR a"],
      [20, "c"],
    ]);
    await put([[10, "ERROR b"]], "two");
  });

  it("takes events up to and with the end, from the start on", async () => {
    const at = clock.nowMs();
    expect(messages(await filter({ startTime: at + 10, endTime: at + 20 }))).toEqual(["ERROR b", "c"]);
    expect(messages(await filter({ endTime: at + 19 }))).toEqual(["ERROR a", "ERROR b"]);
    expect(messages(await get({ endTime: at + 20 }))).toEqual(["ERROR a"]);
  });

  it("interleaves the streams by time", async () => {
    const answer = await filter();
    expect(messages(answer)).toEqual(["ERROR a", "ERROR b", "c"]);
    expect(answer.searchedLogStreams).toEqual([]);
    expect(answer.events?.[1]).toMatchObject({ logStreamName: "two", timestamp: clock.nowMs() + 10 });
    expect(answer.events?.[1]?.eventId).toMatch(/^\d{56}$/);
  });

  it("pages without losing or repeating an event", async () => {
    const first = await filter({ limit: 2 });
    const second = await filter({ limit: 2, nextToken: first.nextToken });
    expect([first, second].map(messages)).toEqual([["ERROR a", "ERROR b"], ["c"]]);
    expect(second.nextToken).toBeUndefined();
  });

  it("answers a megabyte of events at most", async () => {
    const large = "x".repeat(600_000);
    await put([[30, large]]);
    await put([[40, large]]);
    const first = await filter({ filterPattern: "-ERROR -c" });
    expect(messages(first)).toEqual([large]);
    expect(messages(await filter({ filterPattern: "-ERROR -c", nextToken: first.nextToken }))).toEqual([large]);
  });

  it("takes a pattern, names of streams and an ARN", async () => {
    expect(messages(await filter({ filterPattern: "ERROR" }))).toEqual(["ERROR a", "ERROR b"]);
    expect(messages(await filter({ logStreamNames: ["two"] }))).toEqual(["ERROR b"]);
    expect(messages(await filter({ logStreamNamePrefix: "o", filterPattern: "-ERROR" }))).toEqual(["c"]);
    const logGroupIdentifier = `arn:aws:logs:eu-west-1:111122223333:log-group:${group.logGroupName}`;
    expect(messages(await call("FilterLogEvents", { logGroupIdentifier }))).toHaveLength(3);
  });
});

describe("tags", () => {
  const resourceArn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/app";

  it("are one set for both pairs of operations", async () => {
    await call("CreateLogGroup", { ...group, tags: { a: "1" } });
    await call("TagLogGroup", { ...group, tags: { b: "2" } });
    await call("TagResource", { resourceArn, tags: { c: "3" } });
    await call("UntagResource", { resourceArn, tagKeys: ["a"] });
    expect(await call("ListTagsForResource", { resourceArn })).toEqual({ tags: { b: "2", c: "3" } });
    expect(await call("ListTagsLogGroup", group)).toEqual({ tags: { b: "2", c: "3" } });
  });

  it("are not AWS's", async () => {
    const refused = {
      code: "InvalidParameterException",
      message: "aws: prefixed tag key names are not allowed for external use.",
    };
    const tags = { "AWS:team": "blue" };
    await expect(call("CreateLogGroup", { logGroupName: "/reserved", tags })).rejects.toMatchObject(refused);
    await call("CreateLogGroup", group);
    await expect(call("TagLogGroup", { ...group, tags })).rejects.toMatchObject(refused);
    expect(await call("ListTagsLogGroup", group)).toEqual({ tags: {} });
  });
});

describe("permissions", () => {
  const allow = (action: string, resource: string, condition?: object): void => {
    policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: action, Resource: resource, ...(condition && { Condition: condition }) }],
    };
  };

  it("names the stream in a denial", async () => {
    await makeStream();
    await expect(asUser.call("logs", "GetLogEvents", stream)).rejects.toMatchObject({
      code: "AccessDeniedException",
      message:
        "User: arn:aws:iam::111122223333:user/reader is not authorized to perform: logs:GetLogEvents on resource: arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/app:log-stream:one because no identity-based policy allows the logs:GetLogEvents action",
    });
  });

  it("asks for a group as `log-group:NAME:log-stream:`", async () => {
    await makeStream();
    const bare = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/app";
    allow("logs:FilterLogEvents", bare);
    await expect(asUser.call("logs", "FilterLogEvents", group)).rejects.toMatchObject({
      code: "AccessDeniedException",
    });
    allow("logs:FilterLogEvents", `${bare}:*`);
    await expect(asUser.call("logs", "FilterLogEvents", group)).resolves.toMatchObject({ events: [] });
    allow("logs:DescribeLogGroups", "arn:aws:logs:eu-west-1:111122223333:log-group::log-stream:*");
    await expect(asUser.call("logs", "DescribeLogGroups", {})).resolves.toHaveProperty("logGroups");
  });

  it("knows the group's tags", async () => {
    await call("CreateLogGroup", { ...group, tags: { team: "blue" } });
    allow("logs:CreateLogStream", "*", { StringEquals: { "aws:ResourceTag/team": "blue" } });
    await expect(asUser.call("logs", "CreateLogStream", stream)).resolves.toEqual({});
  });
});
