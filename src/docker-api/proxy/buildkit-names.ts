/**
 * Names that BuildKit is told to give to images, read from its connection as it passes: `docker compose build` and
 * whoever calls BuildKit without the build's `docker` give them without the label that the clean-up goes by.
 * Read, never changed: HTTP/2 frames of the client, in them the first bytes of each gRPC message, in them the entry
 * `name` of the exporter's attributes, a protobuf `map<string, string>`.
 * Sources: https://www.rfc-editor.org/rfc/rfc9113#section-4.1, https://protobuf.dev/programming-guides/encoding/#maps
 * Gap: a message that is compressed, or whose attributes come after its first 64 KiB, is not understood.
 */

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_BYTES = 9;
const DATA_FRAME = 0;
const PADDED = 0x8;
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Field 1 of a map's entry, the key `name`; then field 2, the value with its length. */
const NAME_ENTRY = Buffer.from("\n\x04name\x12", "latin1");

/** Takes what a client sends on a connection to BuildKit; `onName` gets each name once. */
export class BuildKitNames {
  readonly #onName: (name: string) => void;
  readonly #told = new Set<string>();
  /** First bytes of each stream's data. */
  readonly #streams = new Map<number, Buffer>();
  #bytes: Buffer = Buffer.alloc(0);
  #isPastPreface = false;
  /** Bytes of a frame that nobody needs. */
  #toSkip = 0;

  constructor(onName: (name: string) => void) {
    this.#onName = onName;
  }

  push(chunk: Buffer): void {
    const skipped = Math.min(this.#toSkip, chunk.length);
    this.#toSkip -= skipped;
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(skipped)]);
    if (!this.#isPastPreface) {
      if (this.#bytes.length < PREFACE.length) return;
      this.#isPastPreface = true;
      this.#bytes = this.#bytes.subarray(PREFACE.length);
    }
    while (this.#bytes.length >= FRAME_HEADER_BYTES) {
      const length = this.#bytes.readUIntBE(0, 3);
      const stream = this.#bytes.readUInt32BE(5) & 0x7fffffff;
      const known = this.#streams.get(stream)?.length ?? 0;
      const isWanted = this.#bytes[3] === DATA_FRAME && known < MAX_MESSAGE_BYTES;
      const end = FRAME_HEADER_BYTES + length;
      if (!isWanted) {
        this.#toSkip = Math.max(0, end - this.#bytes.length);
        this.#bytes = this.#bytes.subarray(end);
        continue;
      }
      if (this.#bytes.length < end) return;
      const payload = this.#bytes.subarray(FRAME_HEADER_BYTES, end);
      const padding = ((this.#bytes[4] ?? 0) & PADDED) === 0 ? 0 : (payload[0] ?? 0);
      this.#read(stream, padding === 0 ? payload : payload.subarray(1, payload.length - padding));
      this.#bytes = this.#bytes.subarray(end);
    }
  }

  #read(stream: number, data: Buffer): void {
    const whole = Buffer.concat([this.#streams.get(stream) ?? Buffer.alloc(0), data]).subarray(0, MAX_MESSAGE_BYTES);
    this.#streams.set(stream, whole);
    for (let at = whole.indexOf(NAME_ENTRY); at >= 0; at = whole.indexOf(NAME_ENTRY, at + 1)) {
      const value = lengthPrefixed(whole, at + NAME_ENTRY.length);
      // Several names of one image stand in one value.
      for (const name of value?.split(",") ?? []) {
        if (name === "" || this.#told.has(name)) continue;
        this.#told.add(name);
        this.#onName(name);
      }
    }
  }
}

/** The text behind a varint; undefined where it is cut off. */
function lengthPrefixed(bytes: Buffer, start: number): string | undefined {
  let length = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 21) return undefined;
    length += (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return at + length > bytes.length ? undefined : bytes.toString("utf8", at, at + length);
}
