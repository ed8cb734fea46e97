/**
 * Event streams on the wire (`application/vnd.amazon.eventstream`): the answer of an operation whose output has a member
 * that is a stream. The operation gives an AsyncIterable of events, each an object with the one member of the union that
 * it is; an `AwsError` that it throws ends the stream as an exception. Events are asked for as the client takes them.
 * A frame: u32 whole length, u32 length of the headers, u32 CRC-32 of those, headers, payload, u32 CRC-32 of all before.
 * Source: https://smithy.io/2.0/aws/amazon-eventstream.html
 */
import { AwsError } from "../../core/errors.ts";
import type { Shape } from "../../services/index.ts";

export const EVENT_STREAM = "application/vnd.amazon.eventstream";

/** One event: the name of the union's member and its value. */
export type StreamEvent = Readonly<Record<string, unknown>>;

type Crc32 = (bytes: Uint8Array) => number;

const PRELUDE_BYTES = 8;
const CRC_BYTES = 4;
const STRING = 7;

/** The frames of a stream. `encode` makes JSON of a value of a shape. */
export async function* encodeEventStream(
  union: Shape,
  events: AsyncIterable<StreamEvent>,
  encode: (shape: Shape, value: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  // Nothing else needs it when the endpoint starts.
  const { crc32 } = await import("node:zlib");
  yield frame({ ":message-type": "event", ":event-type": "initial-response" }, "{}", crc32);
  try {
    for await (const event of events) {
      for (const [name, value] of Object.entries(event)) {
        const member = union.memberByName.get(name);
        if (!member) continue;
        yield frame(headersOf("event", name), JSON.stringify(encode(member.shape, value)), crc32);
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof AwsError)) throw thrown;
    yield frame(headersOf("exception", thrown.code), JSON.stringify({ message: thrown.message }), crc32);
  }
}

const headersOf = (kind: "event" | "exception", type: string): Record<string, string> => ({
  ":message-type": kind,
  [`:${kind}-type`]: type,
  ":content-type": "application/json",
});

function frame(headers: Readonly<Record<string, string>>, payload: string, crc32: Crc32): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const body = Buffer.from(payload);
  const bytes = Buffer.alloc(PRELUDE_BYTES + CRC_BYTES + head.length + body.length + CRC_BYTES);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(head.length, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, PRELUDE_BYTES)), PRELUDE_BYTES);
  head.copy(bytes, PRELUDE_BYTES + CRC_BYTES);
  body.copy(bytes, PRELUDE_BYTES + CRC_BYTES + head.length);
  const end = bytes.length - CRC_BYTES;
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

/** u8 length of the name, name, type, u16 length of the value, value. */
function header(name: string, value: string): Buffer {
  const bytes = Buffer.alloc(1 + name.length + 1 + 2 + Buffer.byteLength(value));
  bytes[0] = name.length;
  bytes.write(name, 1, "latin1");
  bytes[1 + name.length] = STRING;
  bytes.writeUInt16BE(Buffer.byteLength(value), 2 + name.length);
  bytes.write(value, 4 + name.length);
  return bytes;
}
