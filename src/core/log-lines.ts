/**
 * Log events that a part of Kiln hands to another in bulk, as bytes and lengths rather than an object an event: a build
 * writes a million lines a second, and objects, or texts that wait for the log store, would be most of what the garbage
 * collector has to do. Stands where PutLogEvents' `logEvents` would;
 * iterating makes the events. Never comes from outside, so that validation need not look at each (services/validate.ts).
 */

/** What a UTF-16 unit takes in UTF-8 at most. */
const MAX_BYTES_A_UNIT = 3;

export interface LogLine {
  readonly timestamp: number;
  readonly message: string;
}

export class LogLines implements Iterable<LogLine> {
  #bytes = Buffer.alloc(0);
  #size = 0;
  readonly #lengths: number[] = [];
  readonly #timestampRuns: number[] = [];
  #lastMs = 0;

  /** How many events there are. */
  get length(): number {
    return this.#lengths.length;
  }

  /** All messages in a row, in UTF-8. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  /** Length of each message in UTF-16 units. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** `[count, timestamp, count, timestamp, …]`, timestamps rising. */
  get timestampRuns(): readonly number[] {
    return this.#timestampRuns;
  }

  get firstMs(): number {
    return this.#timestampRuns[1] ?? 0;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  /** Adds messages that follow each other in `text`. invariant: lengths are positive and their sum is that of the text. */
  add(timestamp: number, text: string, lengths: readonly number[]): void {
    if (lengths.length === 0) return;
    const most = this.#size + text.length * MAX_BYTES_A_UNIT;
    if (most > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(most, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#size);
      this.#bytes = grown;
    }
    this.#size += this.#bytes.write(text, this.#size);
    for (const length of lengths) this.#lengths.push(length);
    const last = this.#timestampRuns.length - 2;
    // A clock that is set back must not bring events out of order.
    if (last >= 0 && timestamp <= this.#lastMs)
      this.#timestampRuns[last] = (this.#timestampRuns[last] ?? 0) + lengths.length;
    else {
      this.#lastMs = timestamp;
      this.#timestampRuns.push(lengths.length, timestamp);
    }
  }

  *[Symbol.iterator](): Iterator<LogLine> {
    const text = this.bytes.toString("utf8");
    let [from, index] = [0, 0];
    for (let run = 0; run < this.#timestampRuns.length; run += 2) {
      const timestamp = this.#timestampRuns[run + 1] as number;
      for (let left = this.#timestampRuns[run] as number; left > 0; left--) {
        const to = from + (this.#lengths[index++] as number);
        yield { timestamp, message: text.slice(from, to) };
        from = to;
      }
    }
  }
}
