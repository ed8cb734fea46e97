import { afterEach, beforeEach, expect, it } from "vitest";
import { openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { HOUR_MS } from "../../core/clock.ts";
import { logs } from "./index.ts";
import type { DescribeLogStreamsResponse, GetLogEventsResponse, PutLogEventsResponse } from "./shapes.gen.ts";

let services: ServicesFixture;
const group = { logGroupName: "/app" };
const stream = { ...group, logStreamName: "s" };

beforeEach(async () => {
  services = await openServices([logs]);
  await call("CreateLogGroup", group);
  await call("CreateLogStream", stream);
});
afterEach(() => services.close());

const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("logs", operation, input);

/** Events by their time, told from now on, and their text. */
const put = (...events: readonly (readonly [aheadMs: number, message: string])[]): Promise<PutLogEventsResponse> =>
  call("PutLogEvents", {
    ...stream,
    logEvents: events.map(([aheadMs, message]) => ({ timestamp: services.clock.nowMs() + aheadMs, message })),
  });

async function messages(): Promise<(string | undefined)[]> {
  const { events = [] } = await call<GetLogEventsResponse>("GetLogEvents", stream);
  return events.map((event) => event.message);
}

const refused = (message: string) => ({ code: "InvalidParameterException", message });

it("refuses a batch that is not in order", async () => {
  await expect(put([1, "b"], [0, "a"])).rejects.toMatchObject(
    refused("Log events in a single PutLogEvents request must be in chronological order."),
  );
});

it("leaves out events that are too old or too new and says which", async () => {
  expect((await put([-15 * 24 * HOUR_MS, "too old"])).rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1 });
  const answer = await put([0, "fine"], [3 * HOUR_MS, "too new"]);
  expect(answer.rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
  expect(await messages()).toEqual(["fine"]);
});

it("counts only the events it takes into the span of 24 hours", async () => {
  const answer = await put([-15 * 24 * HOUR_MS, "a"], [-23 * HOUR_MS, "b"], [0, "c"], [3 * HOUR_MS, "d"]);
  expect(answer.rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 3 });
  expect(await messages()).toEqual(["b", "c"]);
  await expect(put([-24 * HOUR_MS - 1, "a"], [0, "b"])).rejects.toMatchObject(
    refused("The batch of log events in a single PutLogEvents request cannot span more than 24 hours."),
  );
});

it("refuses an event, and a batch, of more than a mebibyte, 26 bytes more than its text each", async () => {
  const [text, half] = ["é".repeat(524_275), "x".repeat(524_262)];
  await expect(put([0, text])).resolves.toBeDefined();
  await expect(put([0, `${text}x`])).rejects.toMatchObject(
    refused("Log event too large: 1048577 bytes exceeds limit of 1048576"),
  );
  await expect(put([0, half], [0, half])).resolves.toBeDefined();
  await expect(put([0, half], [0, `${half}x`])).rejects.toMatchObject(
    refused("Upload too large: 1048577 bytes exceeds limit of 1048576"),
  );
});

it("gives another sequence token with each batch, which the stream has then, and looks at none", async () => {
  const tokens: (string | undefined)[] = [];
  for (const message of ["a", "b", "c"]) tokens.push((await put([0, message])).nextSequenceToken);
  expect(tokens).toEqual([...new Set(tokens)].sort());
  expect(tokens[0]).toMatch(/^\d{56}$/);
  const { logStreams } = await call<DescribeLogStreamsResponse>("DescribeLogStreams", group);
  expect(logStreams?.[0]?.uploadSequenceToken).toBe(tokens[2]);
  const logEvents = [{ timestamp: services.clock.nowMs(), message: "d" }];
  await call("PutLogEvents", { ...stream, logEvents, sequenceToken: "none" });
  expect(await messages()).toHaveLength(4);
});

it("looks at the batch, then for the group, then for the stream", async () => {
  const logEvents = [{ timestamp: services.clock.nowMs(), message: "x".repeat(1_048_551) }];
  await expect(call("PutLogEvents", { ...stream, logGroupName: "/none", logEvents })).rejects.toMatchObject(
    refused("Log event too large: 1048577 bytes exceeds limit of 1048576"),
  );
  const one = [{ timestamp: services.clock.nowMs(), message: "m" }];
  await expect(
    call("PutLogEvents", { logGroupName: "/none", logStreamName: "none", logEvents: one }),
  ).rejects.toMatchObject({ message: "The specified log group does not exist." });
  await expect(call("PutLogEvents", { ...group, logStreamName: "none", logEvents: one })).rejects.toMatchObject({
    message: "The specified log stream does not exist.",
  });
});
