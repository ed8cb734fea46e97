/**
 * Reads a file in large pieces, the next one while the last is being used, in two buffers that are used again: new ones
 * for each piece cost more than the reading (page faults, and garbage that the collector does not see as large).
 */
import { close, read } from "node:fs";

const PIECE_BYTES = 512 * 1024;
/** Buffers of readers that ended, for the next ones. */
const MAX_SPARE = 4;
const spare: Buffer[] = [];

/** Bytes `[start, end)` of `fd`, which is closed in the end. A piece is good until the next but one is asked for. */
export async function* filePieces(fd: number, start: number, end: number): AsyncGenerator<Uint8Array> {
  const buffers: Buffer[] = [];
  let reading: Promise<Buffer> | undefined;
  try {
    let at = start;
    const startReading = (buffer: Buffer): Promise<Buffer> => {
      const piece = readSome(fd, buffer.subarray(0, Math.min(PIECE_BYTES, end - at)), at);
      // Looked at with the next piece; until then a failure is not one that nobody awaits.
      piece.catch(() => undefined);
      return piece;
    };
    reading = at < end ? startReading(takeBuffer(buffers)) : undefined;
    while (reading !== undefined) {
      const piece: Buffer = await reading;
      if (piece.length === 0) throw new Error(`the file ends ${end - at} bytes too early`);
      at += piece.length;
      const next = buffers[1] ?? (at < end ? takeBuffer(buffers) : undefined);
      reading = at < end && next ? startReading(next) : undefined;
      buffers.reverse();
      yield piece;
    }
  } finally {
    // A read under way still writes into its buffer.
    await reading?.catch(() => undefined);
    for (const buffer of buffers) if (spare.length < MAX_SPARE) spare.push(buffer);
    close(fd, () => undefined);
  }
}

function takeBuffer(buffers: Buffer[]): Buffer {
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  buffers.push(buffer);
  return buffer;
}

const readSome = (fd: number, buffer: Buffer, position: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, position, (error, bytesRead) =>
      error ? reject(error) : resolve(buffer.subarray(0, bytesRead)),
    );
  });
