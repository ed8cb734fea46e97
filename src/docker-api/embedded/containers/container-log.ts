/**
 * The output of a container, line by line with times, for `docker logs`.
 * Kept in memory; of more than 16 MiB the oldest lines go. Long lines are cut as docker's json-file driver cuts them.
 */

export interface LogLine {
  readonly atMs: number;
  /** 1 is standard output, 2 standard error. */
  readonly stream: 1 | 2;
  /** With its line end, if it had one. */
  readonly bytes: Buffer;
}

const MAX_LOG_BYTES = 16 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024;
/** What a line costs besides its bytes. */
const LINE_OVERHEAD_BYTES = 128;

export class ContainerLog {
  readonly #lines: LogLine[] = [];
  readonly #pending: Record<1 | 2, Buffer[]> = { 1: [], 2: [] };
  readonly #pendingBytes: Record<1 | 2, number> = { 1: 0, 2: 0 };
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  /** Lines that are gone. */
  #dropped = 0;

  add(stream: 1 | 2, chunk: Buffer, atMs: number): void {
    let rest = chunk;
    while (rest.length > 0) {
      const end = rest.indexOf(0x0a);
      const room = MAX_LINE_BYTES - this.#pendingBytes[stream];
      const isWhole = end >= 0 && end < room;
      const length = isWhole ? end + 1 : Math.min(room, rest.length);
      this.#pending[stream].push(rest.subarray(0, length));
      this.#pendingBytes[stream] += length;
      rest = rest.subarray(length);
      if (isWhole || this.#pendingBytes[stream] >= MAX_LINE_BYTES) this.#flush(stream, atMs);
    }
    this.#wake();
  }

  /** The process ended: unfinished lines are lines. */
  end(atMs: number): void {
    for (const stream of [1, 2] as const) if (this.#pendingBytes[stream] > 0) this.#flush(stream, atMs);
    this.#wake();
  }

  /** Number of the first line that is there, and of the next that comes. */
  get range(): { readonly first: number; readonly next: number } {
    return { first: this.#dropped, next: this.#dropped + this.#lines.length };
  }

  /** Undefined for a line that is gone or not there yet. */
  line(number: number): LogLine | undefined {
    return this.#lines[number - this.#dropped];
  }

  /** Resolves when there are new lines, when the process ends, or when `signal` does. */
  more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      if (signal.aborted) wake();
      else signal.addEventListener("abort", wake, { once: true });
    });
  }

  #flush(stream: 1 | 2, atMs: number): void {
    // A copy: a short line must not keep the whole chunk it came in.
    const bytes = Buffer.concat(this.#pending[stream]);
    this.#pending[stream] = [];
    this.#pendingBytes[stream] = 0;
    this.#lines.push({ atMs, stream, bytes });
    this.#bytes += bytes.length + LINE_OVERHEAD_BYTES;
    let gone = 0;
    while (this.#bytes > MAX_LOG_BYTES && gone < this.#lines.length)
      this.#bytes -= (this.#lines[gone++]?.bytes.length ?? 0) + LINE_OVERHEAD_BYTES;
    // In one go: dropping one line at a time costs the square of their number.
    if (gone > 0) {
      const extra = Math.min(this.#lines.length, gone + 1024);
      for (let at = gone; at < extra; at++) this.#bytes -= (this.#lines[at]?.bytes.length ?? 0) + LINE_OVERHEAD_BYTES;
      this.#lines.splice(0, extra);
      this.#dropped += extra;
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
