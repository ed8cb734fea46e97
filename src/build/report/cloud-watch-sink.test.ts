import { describe, expect, it } from "vitest";
import { TestClock } from "../../core/clock.ts";
import type { BuildEvent } from "../run/events.ts";
import { createCloudWatchSink } from "./cloud-watch-sink.ts";

const output = (text: string): BuildEvent => ({ type: "log", kind: "output", text, buildId: "p:1", atMs: 5 });

function sinkOf(answer: () => Promise<object> = async () => ({})) {
  const calls: { timestamp: number; message: string }[][] = [];
  const failures: unknown[] = [];
  const clock = new TestClock();
  const sink = createCloudWatchSink({
    caller: {
      async call<O>(_service: string, _operation: string, input: object): Promise<O> {
        calls.push([...(input as { logEvents: Iterable<{ timestamp: number; message: string }> }).logEvents]);
        return (await answer()) as O;
      },
    },
    clock,
    groupName: "g",
    streamName: "s",
    onFailure: (error) => failures.push(error),
  });
  return { sink, clock, calls, failures };
}

describe("the CloudWatch Logs sink", () => {
  it("writes what came within 250 ms in one call, one event a line", async () => {
    const { sink, clock, calls } = sinkOf();
    void sink.write(output("a\nb"));
    void sink.write(output(""));
    clock.advance(249);
    expect(calls).toEqual([]);
    clock.advance(1);
    await sink.close();
    expect(calls.map((call) => call.map((event) => event.message))).toEqual([["a\n", "b\n", "\n"]]);
  });

  it("keeps to the limits of a call", async () => {
    const { sink, calls } = sinkOf();
    void sink.write(output(Array.from({ length: 25_000 }, () => "x".repeat(60)).join("\n")));
    void sink.write(output("y".repeat(300_000)));
    await sink.close();
    for (const call of calls) {
      expect(call.length).toBeLessThanOrEqual(10_000);
      expect(call.reduce((sum, event) => sum + event.message.length + 26, 0)).toBeLessThanOrEqual(1_048_576);
    }
    expect(calls.flat().length).toBe(25_002);
    expect(calls.flat().at(-2)?.message.length).toBe(256 * 1024 - 26);
  });

  it("splits a line that is too long for one event, between characters, and loses nothing of it", async () => {
    const { sink, calls } = sinkOf();
    const line = `${"a".repeat(87_371)}${"😀ü".repeat(200_000)}`;
    void sink.write(output(`${line}\nnext`));
    await sink.close();
    const messages = calls.flat().map((event) => event.message);
    expect(messages.join("")).toBe(`${line}\nnext\n`);
    for (const message of messages) {
      expect(Buffer.from(message).toString()).toBe(message);
      expect(Buffer.byteLength(message) + 26).toBeLessThanOrEqual(256 * 1024);
    }
  });

  it("keeps to the order of time when the clock is set back", async () => {
    const { sink, calls } = sinkOf();
    void sink.write({ ...output("a"), atMs: 7 });
    void sink.write({ ...output("b"), atMs: 5 });
    await sink.close();
    expect(calls).toEqual([
      [
        { timestamp: 7, message: "a\n" },
        { timestamp: 7, message: "b\n" },
      ],
    ]);
  });

  it("asks the build to wait when the log falls behind", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { sink } = sinkOf(async () => {
      await gate;
      return {};
    });
    let held: unknown;
    for (let round = 0; round < 12; round++) held = sink.write(output("z".repeat(200_000).concat("\n").repeat(5)));
    expect(held).toBeInstanceOf(Promise);
    release();
    await held;
    await sink.close();
  });

  it("tells the first failure and stays silent after it", async () => {
    const { sink, calls, failures } = sinkOf(async () => {
      throw new Error("denied");
    });
    void sink.write(output("a"));
    await sink.close();
    void sink.write(output("b"));
    await sink.close();
    expect([calls.length, failures.length]).toEqual([1, 1]);
  });
});
