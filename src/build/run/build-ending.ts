/**
 * How a build ends before its time: stopped, timed out, or because what it says cannot be kept any more. The first
 * reason counts; its signal ends whatever runs.
 */
import type { Clock } from "../../core/clock.ts";

export type EndedBy = "STOPPED" | "TIMED_OUT" | "FAULT";

/** How long a phase may take to notice that the build ends; then the build goes on without it. */
const GIVE_UP_MS = 10_000;

export class BuildEnding {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  #by: EndedBy | undefined;
  #reason: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get by(): EndedBy | undefined {
    return this.#by;
  }

  /** Why, for a FAULT. */
  get reason(): unknown {
    return this.#reason;
  }

  end(by: EndedBy, reason?: unknown): void {
    if (this.#by !== undefined) return;
    this.#by = by;
    this.#reason = reason;
    this.#controller.abort(new Error(by));
  }

  /** The work's result, or undefined when the build ended and the work did not notice within ten seconds. */
  async unlessStuck<T>(work: Promise<T>): Promise<T | undefined> {
    let timer: { cancel(): void } | undefined;
    let onEnd = (): void => {};
    const stuck = new Promise<undefined>((resolve) => {
      onEnd = () => {
        timer = this.#clock.after(GIVE_UP_MS, () => resolve(undefined));
      };
      if (this.signal.aborted) onEnd();
      else this.signal.addEventListener("abort", onEnd, { once: true });
    });
    work.catch(() => {}); // heard of below, unless it comes too late to matter
    try {
      return await Promise.race([work, stuck]);
    } finally {
      this.signal.removeEventListener("abort", onEnd);
      timer?.cancel();
    }
  }
}
