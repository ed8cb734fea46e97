import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { logs } from "./index.ts";
import type { StartLiveTailResponseStream } from "./shapes.gen.ts";

const arnOf = (name: string) => `arn:aws:logs:us-east-1:000000000000:log-group:${name}`;
const SECOND_MS = 1_000;

let services: ServicesFixture;
const open: AsyncIterator<StartLiveTailResponseStream>[] = [];

beforeEach(async () => {
  services = await openServices([logs]);
  for (const logGroupName of ["a", "b"]) {
    await call("CreateLogGroup", { logGroupName });
    await call("CreateLogStream", { logGroupName, logStreamName: "one" });
  }
});

afterEach(async () => {
  for (const tail of open.splice(0)) void tail.return?.();
  services.clock.advance(2 * SECOND_MS);
  await services.close();
});

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("logs", operation, input);

const put = (logGroupName: string, logStreamName: string, ...messages: string[]) => {
  const timestamp = services.clock.nowMs();
  const logEvents = messages.map((message) => ({ timestamp, message }));
  return call("PutLogEvents", { logGroupName, logStreamName, logEvents });
};

/** A session that has begun. */
async function start(input: object = {}) {
  const answer = await call<{ responseStream: AsyncIterable<StartLiveTailResponseStream> }>("StartLiveTail", {
    logGroupIdentifiers: [arnOf("a")],
    ...input,
  });
  const events = answer.responseStream[Symbol.asyncIterator]();
  open.push(events);
  const { sessionStart } = (await events.next()).value as StartLiveTailResponseStream;
  return { events, sessionStart };
}

/** The update of the next second. */
async function next(events: AsyncIterator<StartLiveTailResponseStream>) {
  const coming = events.next();
  services.clock.advance(SECOND_MS);
  const { sessionUpdate } = (await coming).value as StartLiveTailResponseStream;
  return sessionUpdate;
}

const texts = (update: Awaited<ReturnType<typeof next>>) => update?.sessionResults?.map((event) => event.message);

describe("a live tail", () => {
  it("begins with the session and tells each second what came", async () => {
    await put("a", "one", "before");
    const { events, sessionStart } = await start();
    expect(sessionStart).toEqual({
      requestId: expect.any(String),
      sessionId: expect.any(String),
      logGroupIdentifiers: [arnOf("a")],
      logStreamNames: [],
      logStreamNamePrefixes: [],
      logEventFilterPattern: "",
    });
    expect(await next(events)).toEqual({ sessionMetadata: { sampled: false }, sessionResults: [] });
    await put("a", "one", "first");
    await put("b", "one", "elsewhere");
    const timestamp = services.clock.nowMs();
    expect(await next(events)).toEqual({
      sessionMetadata: { sampled: false },
      sessionResults: [
        { logStreamName: "one", logGroupIdentifier: arnOf("a"), message: "first", timestamp, ingestionTime: timestamp },
      ],
    });
    expect(texts(await next(events))).toEqual([]);
  });

  it("follows new streams, streams made anew, and events that are late", async () => {
    const { events } = await start();
    await put("a", "one", "x");
    expect(texts(await next(events))).toEqual(["x"]);
    await call("CreateLogStream", { logGroupName: "a", logStreamName: "two" });
    await put("a", "two", "y");
    await call("DeleteLogStream", { logGroupName: "a", logStreamName: "one" });
    await call("CreateLogStream", { logGroupName: "a", logStreamName: "one" });
    await put("a", "one", "z");
    const late = { timestamp: services.clock.nowMs() - 60_000, message: "late" };
    await call("PutLogEvents", { logGroupName: "a", logStreamName: "one", logEvents: [late] });
    expect(texts(await next(events))?.sort()).toEqual(["late", "y", "z"]);
  });

  it("takes several groups, a pattern, names or prefixes of streams", async () => {
    await call("CreateLogStream", { logGroupName: "a", logStreamName: "two" });
    const both = await start({ logGroupIdentifiers: [arnOf("a"), arnOf("b")], logEventFilterPattern: "ERROR" });
    const named = await start({ logStreamNames: ["two"] });
    const prefixed = await start({ logStreamNamePrefixes: ["o"] });
    await put("a", "one", "ERROR 1", "ok");
    await put("a", "two", "ok 2");
    await put("b", "one", "ERROR 3");
    const coming = [both, named, prefixed].map(({ events }) => events.next());
    services.clock.advance(SECOND_MS);
    const updates = (await Promise.all(coming)).map(({ value }) => texts(value.sessionUpdate));
    expect(updates).toEqual([["ERROR 1", "ERROR 3"], ["ok 2"], ["ERROR 1", "ok"]]);
  });

  it("gives a sample of more than 500 events and passes over the rest", async () => {
    const { events } = await start();
    await put("a", "one", ...Array.from({ length: 600 }, (_, index) => `line ${index}`));
    const update = await next(events);
    expect(update?.sessionMetadata).toEqual({ sampled: true });
    expect(update?.sessionResults).toHaveLength(500);
    expect(texts(await next(events))).toEqual([]);
  });

  it("ends after three hours", async () => {
    const { events } = await start();
    await next(events);
    const last = events.next();
    services.clock.advance(3 * 3_600_000);
    await expect(last).rejects.toMatchObject({ code: "SessionTimeoutException", message: "Session timed out" });
  });

  it.each([
    [{ logGroupIdentifiers: ["a"] }, "The specified log group identifier is not the ARN of a log group: a"],
    [
      { logStreamNames: ["x"], logStreamNamePrefixes: ["x"] },
      "logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.",
    ],
    [
      { logGroupIdentifiers: [arnOf("a"), arnOf("b")], logStreamNames: ["x"] },
      "logStreamNames and logStreamNamePrefixes can only be specified with a single log group identifier.",
    ],
    [{ logEventFilterPattern: '""' }, `Invalid filter pattern: Invalid character(s) in term '""'`],
    [{ logEventFilterPattern: "{ }" }, "Invalid filter pattern"],
  ])("refuses %j", async (input, message) => {
    await expect(start(input)).rejects.toMatchObject({ code: "InvalidParameterException", message });
  });

  it("needs each group to be there and permission for it", async () => {
    await expect(start({ logGroupIdentifiers: [arnOf("a"), arnOf("none")] })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: "The specified log group does not exist.",
    });
    const caller = services.role("reader", [
      { Effect: "Allow", Action: "logs:StartLiveTail", Resource: `${arnOf("a")}:*` },
    ]);
    const asked = (...names: string[]) =>
      caller.call("logs", "StartLiveTail", { logGroupIdentifiers: names.map(arnOf) });
    await expect(asked("a")).resolves.toBeDefined();
    await expect(asked("a", "b")).rejects.toMatchObject({ code: "AccessDeniedException" });
  });
});
