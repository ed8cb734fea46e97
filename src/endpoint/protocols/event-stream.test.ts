import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { awsError } from "../../core/errors.ts";
import { loadModel } from "../../services/index.ts";
import { encodeEventStream, type StreamEvent } from "./event-stream.ts";

const union = loadModel("logs").operation("StartLiveTail")?.output?.eventStream?.shape;
const timedOut = awsError({
  code: "SessionTimeoutException",
  status: 400,
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_SessionTimeoutException.html",
  message: () => "over",
});

async function framesOf(events: AsyncIterable<StreamEvent>) {
  if (!union) throw new Error("no union");
  const frames = [];
  for await (const bytes of encodeEventStream(union, events, (_shape, value) => value)) {
    frames.push(decode(Buffer.from(bytes)));
  }
  return frames;
}

/** A frame by the format's description, with its checksums verified. */
function decode(bytes: Buffer): { headers: Record<string, string>; payload: string } {
  expect(bytes.readUInt32BE(0)).toBe(bytes.length);
  expect(bytes.readUInt32BE(8)).toBe(crc32(bytes.subarray(0, 8)));
  expect(bytes.readUInt32BE(bytes.length - 4)).toBe(crc32(bytes.subarray(0, -4)));
  const end = 12 + bytes.readUInt32BE(4);
  const headers: Record<string, string> = {};
  for (let at = 12; at < end; ) {
    const nameEnd = at + 1 + (bytes[at] as number);
    const name = bytes.toString("utf8", at + 1, nameEnd);
    expect(bytes[nameEnd]).toBe(7);
    at = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1);
    headers[name] = bytes.toString("utf8", nameEnd + 3, at);
  }
  return { headers, payload: bytes.toString("utf8", end, bytes.length - 4) };
}

describe("event streams", () => {
  it("begin with the initial response; events are JSON; an AWS error ends them", async () => {
    async function* events(): AsyncGenerator<StreamEvent> {
      yield { sessionStart: { sessionId: "é" } };
      yield { notInTheModel: {} };
      throw timedOut();
    }
    expect(await framesOf(events())).toEqual([
      { headers: { ":message-type": "event", ":event-type": "initial-response" }, payload: "{}" },
      {
        headers: { ":message-type": "event", ":event-type": "sessionStart", ":content-type": "application/json" },
        payload: '{"sessionId":"é"}',
      },
      {
        headers: {
          ":message-type": "exception",
          ":exception-type": "SessionTimeoutException",
          ":content-type": "application/json",
        },
        payload: '{"message":"over"}',
      },
    ]);
  });

  it("break off at a bug", async () => {
    // biome-ignore lint/correctness/useYield: it fails before it can
    async function* events(): AsyncGenerator<StreamEvent> {
      throw new TypeError("bug");
    }
    await expect(framesOf(events())).rejects.toThrow("bug");
  });
});
