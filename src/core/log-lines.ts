/**
 * Log events that a part of Kiln hands to another in bulk, as text and lengths rather than an object an event: a build
 * writes a million lines a second, and objects would be most of the cost. Stands where PutLogEvents' `logEvents` would;
 * iterating makes the events. Never comes from outside, so that validation need not look at each (services/validate.ts).
 */

export interface LogLine {
  readonly timestamp: number;
  readonly message: string;
}

export class LogLines implements Iterable<LogLine> {
  #texts: string[] = [];
  readonly #lengths: number[] = [];
  readonly #timestampRuns: number[] = [];
  #lastMs = 0;

  /** How many events there are. */
  get length(): number {
    return this.#lengths.length;
  }

  /** All messages in a row. */
  text(): string {
    if (this.#texts.length > 1) this.#texts = [this.#texts.join("")];
    return this.#texts[0] ?? "";
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
    this.#texts.push(text);
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
    const text = this.text();
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
