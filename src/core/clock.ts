/** Time. This file and ids.ts are the only ones that read the clock or randomness. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Calls `run` once after `delayMs`; `cancel` may be called at any time, also after it ran. */
  after(delayMs: number, run: () => void): { cancel(): void };
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A clock that tests move by hand. */
export class TestClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();

  constructor(nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward and runs what became due, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((t) => t.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.run();
    }
    this.#nowMs = untilMs;
  }
}

/** Resolves after `ms`, or rejects with the signal's reason. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The moment without its fraction of a second, as many of AWS's answers give times. */
export const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** `2026-01-02T03:04:05Z`: ISO 8601 in UTC without a fraction, as AWS's XML bodies write it. */
export const isoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
