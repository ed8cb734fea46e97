/** A pause that can be ended early: between two looks of a sandbox (sandbox-run.ts) for commands, which its runner rings. */
import type { Clock } from "../../../core/clock.ts";

export class Bell {
  #ring: (() => void) | undefined;
  #hasRung = false;

  ring(): void {
    this.#hasRung = true;
    this.#ring?.();
  }

  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(ms, resolve);
        this.#ring = () => {
          timer.cancel();
          resolve();
        };
        signal.addEventListener("abort", this.#ring, { once: true });
      });
      if (this.#ring) signal.removeEventListener("abort", this.#ring);
      this.#ring = undefined;
    }
    this.#hasRung = false;
  }
}
