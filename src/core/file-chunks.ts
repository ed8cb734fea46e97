/**
 * A file as a body to be sent: opened when the first chunk is asked for, closed when the reader ends. A stream made
 * beforehand would end the process when the file vanishes before anybody listens to it (a refused upload never reads).
 */
import { createReadStream } from "node:fs";

/** The bytes of a file; throws the file system's error to whoever reads. */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Buffer>;
}
