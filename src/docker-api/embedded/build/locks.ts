/** Folders that one step has to itself, or several together, inside this process. */

interface Held {
  /** More than one when they share. */
  count: number;
}

export class Locks {
  readonly #held = new Map<string, Held>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Undefined when somebody has it. */
  takeIfFree(name: string): (() => void) | undefined {
    if (this.#held.has(name)) return undefined;
    this.#held.set(name, { count: 1 });
    return () => this.#release(name);
  }

  async take(name: string, signal: AbortSignal): Promise<() => void> {
    for (;;) {
      signal.throwIfAborted();
      const release = this.takeIfFree(name);
      if (release) return release;
      await new Promise<void>((resolve) => {
        this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** With others that share; those that `take` it wait for all of them, not these for them. */
  share(name: string): () => void {
    const held = this.#held.get(name);
    if (held) held.count++;
    else this.#held.set(name, { count: 1 });
    return () => this.#release(name);
  }

  #release(name: string): void {
    const held = this.#held.get(name);
    if (!held || --held.count > 0) return;
    this.#held.delete(name);
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const wake of waiting) wake();
  }
}
