/**
 * Entries of maps that BuildKit and its client tell each other, read from their connection as it passes: the names that
 * images are to get (`name` of the exporter's attributes) and the ids of what was built (`containerimage.digest` of the
 * answer). `docker compose build` and whoever calls BuildKit without the build's `docker` build without the label that the
 * clean-up goes by.
 * Read, never changed: HTTP/2 frames, in them the first bytes of each gRPC message, in them entries of a protobuf
 * `map<string, string>`.
 * Sources: https://www.rfc-editor.org/rfc/rfc9113#section-4.1, https://protobuf.dev/programming-guides/encoding/#maps
 * Gap: a message that is compressed, or whose attributes come after its first 64 KiB, is not understood.
 */

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_BYTES = 9;
const DATA_FRAME = 0;
const PADDED = 0x8;
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Field 1 of a map's entry, the key; then the tag of field 2, the value with its length. */
const entryOf = (key: string): Buffer =>
  Buffer.concat([Buffer.from([0x0a, key.length]), Buffer.from(`${key}\x12`, "latin1")]);

/** Takes what one side of a connection to BuildKit sends; `onValue` gets each value of the keys once. */
export class BuildKitEntries {
  readonly #entries: readonly Buffer[];
  readonly #onValue: (value: string) => void;
  readonly #told = new Set<string>();
  /** First bytes of each stream's data. */
  readonly #streams = new Map<number, Buffer>();
  #bytes: Buffer = Buffer.alloc(0);
  #isPastStart = false;
  /** Bytes of a frame that nobody needs. */
  #toSkip = 0;

  constructor(keys: readonly string[], onValue: (value: string) => void) {
    this.#entries = keys.map(entryOf);
    this.#onValue = onValue;
  }

  push(chunk: Buffer): void {
    const skipped = Math.min(this.#toSkip, chunk.length);
    this.#toSkip -= skipped;
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(skipped)]);
    if (!this.#isPastStart && !this.#start()) return;
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

  /** A client starts with HTTP/2's preface, an engine with its answer to the upgrade. False: more is needed. */
  #start(): boolean {
    if (this.#bytes.length < PREFACE.length) return false;
    const isAnswer = this.#bytes.toString("latin1", 0, 5) === "HTTP/";
    const end = isAnswer ? this.#bytes.indexOf("\r\n\r\n") : PREFACE.length - 4;
    if (end < 0) return false;
    this.#isPastStart = true;
    this.#bytes = this.#bytes.subarray(end + 4);
    return true;
  }

  #read(stream: number, data: Buffer): void {
    const whole = Buffer.concat([this.#streams.get(stream) ?? Buffer.alloc(0), data]).subarray(0, MAX_MESSAGE_BYTES);
    this.#streams.set(stream, whole);
    for (const entry of this.#entries) {
      for (let at = whole.indexOf(entry); at >= 0; at = whole.indexOf(entry, at + 1)) {
        const value = lengthPrefixed(whole, at + entry.length);
        // Several names of one image stand in one value.
        for (const one of value?.split(",") ?? []) {
          if (one === "" || this.#told.has(one)) continue;
          this.#told.add(one);
          this.#onValue(one);
        }
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
