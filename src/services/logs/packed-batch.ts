/**
 * A batch of events as bytes, for log-files.ts: header, lengths of the messages, runs of times as JSON, then the messages'
 * text without anything between. Packing and unpacking 10,000 events takes a millisecond or two.
 * Layout, numbers little endian: u32 count, u32 bytes of JSON, count x u32 length in UTF-16 units, JSON, text in UTF-8.
 */
import type { Chunk } from "./records.ts";

const HEADER_BYTES = 8;
const NUMBER_BYTES = 4;

/** What is packed: the messages in a row and the length of each. */
export interface BatchParts {
  /** In UTF-8. */
  readonly text: Uint8Array;
  readonly lengths: readonly number[];
  readonly timestampRuns: readonly number[];
  readonly ingestionRuns: readonly number[];
}

export const partsOf = ({ messages, ...runs }: Chunk): BatchParts => ({
  text: Buffer.from(messages.join("")),
  lengths: messages.map((message) => message.length),
  ...runs,
});

export function packBatch({ text, lengths, timestampRuns, ingestionRuns }: BatchParts): Buffer {
  const runs = Buffer.from(JSON.stringify([timestampRuns, ingestionRuns]));
  const runsAt = HEADER_BYTES + lengths.length * NUMBER_BYTES;
  const textAt = runsAt + runs.length;
  const bytes = Buffer.allocUnsafeSlow(textAt + text.length);
  bytes.writeUInt32LE(lengths.length, 0);
  bytes.writeUInt32LE(runs.length, NUMBER_BYTES);
  let at = HEADER_BYTES;
  for (const length of lengths) {
    // Byte by byte: many times faster than writeUInt32LE, which checks its arguments.
    bytes[at++] = length;
    bytes[at++] = length >>> 8;
    bytes[at++] = length >>> 16;
    bytes[at++] = length >>> 24;
  }
  runs.copy(bytes, runsAt);
  bytes.set(text, textAt);
  return bytes;
}

export function unpackBatch(bytes: Buffer): Chunk {
  const count = bytes.readUInt32LE(0);
  const runsAt = HEADER_BYTES + count * NUMBER_BYTES;
  const textAt = runsAt + bytes.readUInt32LE(NUMBER_BYTES);
  const [timestampRuns, ingestionRuns] = JSON.parse(bytes.toString("utf8", runsAt, textAt)) as [number[], number[]];
  const text = bytes.toString("utf8", textAt);
  const messages: string[] = [];
  let from = 0;
  for (let at = HEADER_BYTES; at < runsAt; at += NUMBER_BYTES) {
    const to = from + bytes.readUInt32LE(at);
    messages.push(text.slice(from, to));
    from = to;
  }
  return { messages, timestampRuns, ingestionRuns };
}
