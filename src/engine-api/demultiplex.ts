/**
 * The two outputs of a container without a terminal, as the engine mixes them on one connection: eight bytes
 * `{1|2, 0, 0, 0, length}` before each piece. A piece may end in the middle of a character: receivers decode by stream.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/#tag/Container/operation/ContainerAttach
 */

export type OutputName = "stdout" | "stderr";

const HEADER_BYTES = 8;
/** More than an engine ever sends in one piece; beyond it the connection carries something else. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;

/** Takes bytes as they come and tells the pieces apart. */
export class Demultiplexer {
  readonly #onPiece: (output: OutputName, bytes: Buffer) => void;
  #header: Buffer = Buffer.alloc(0);
  #output: OutputName = "stdout";
  #missing = 0;

  constructor(onPiece: (output: OutputName, bytes: Buffer) => void) {
    this.#onPiece = onPiece;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#missing > 0) {
        const bytes = rest.subarray(0, this.#missing);
        this.#missing -= bytes.length;
        rest = rest.subarray(bytes.length);
        this.#onPiece(this.#output, bytes);
        continue;
      }
      const wanted = HEADER_BYTES - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (this.#header.length < HEADER_BYTES) return;
      this.#output = this.#header[0] === 2 ? "stderr" : "stdout";
      this.#missing = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
      if (this.#missing > MAX_PIECE_BYTES) throw new Error("the engine's output has no frames");
    }
  }
}
