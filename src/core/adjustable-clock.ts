/**
 * A clock that goes as another one does and can be moved forward: what services go by, so that a test of what takes days
 * (an expiry, a waiting period, a session) takes none. Moved by the control API and by `Kiln.advance`.
 *
 * A move is like waking from a sleep: the time is another one at once, then every timer that fell due runs once, in the
 * order of its time. Never backwards: what is stored would come from the future. The offset is the process's, not the
 * state's; a new process is at the real time.
 */
import type { Clock } from "./clock.ts";

interface Timer {
  /** In time of the clock beneath; moves forward make it earlier. */
  dueMs: number;
  readonly run: () => void;
  beneath: { cancel(): void };
}

/** The last moment that texts of times have room for (`9999-12-31T…`). */
export const LAST_MOMENT_MS = Date.UTC(9999, 11, 31);

export class AdjustableClock implements Clock {
  /** This clock's time with the timers of the one beneath: for work that takes as long as it takes, such as a build. */
  readonly work: Clock;
  readonly #beneath: Clock;
  readonly #timers = new Set<Timer>();
  #offsetMs = 0;

  constructor(beneath: Clock) {
    this.#beneath = beneath;
    this.work = { nowMs: () => this.nowMs(), after: (delayMs, run) => beneath.after(delayMs, run) };
  }

  /** How far it is ahead of the real time. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  nowMs(): number {
    return this.#beneath.nowMs() + this.#offsetMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer: Timer = {
      dueMs: this.#beneath.nowMs() + delayMs,
      run,
      beneath: this.#beneath.after(delayMs, () => this.#fire(timer)),
    };
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.beneath.cancel();
      },
    };
  }

  /** Moves forward and runs what fell due. invariant: `ms` is not negative and ends before {@link LAST_MOMENT_MS}. */
  advance(ms: number): void {
    if (!(ms >= 0) || this.nowMs() + ms > LAST_MOMENT_MS) throw new RangeError(`a clock cannot be moved by ${ms} ms`);
    this.#offsetMs += ms;
    const nowMs = this.#beneath.nowMs();
    const due: Timer[] = [];
    for (const timer of this.#timers) {
      timer.dueMs -= ms;
      timer.beneath.cancel();
      if (timer.dueMs <= nowMs) due.push(timer);
      else timer.beneath = this.#beneath.after(timer.dueMs - nowMs, () => this.#fire(timer));
    }
    // One that runs may cancel another.
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) this.#fire(timer);
  }

  /** Back to the real time. Timers stay as far away as they are. */
  reset(): void {
    this.#offsetMs = 0;
  }

  #fire(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.run();
  }
}
