/** SIGINT and SIGTERM for commands that must clean up. */

export interface Interruption {
  /** Aborted by the first signal; the reason is the signal's name. */
  readonly first: AbortSignal;
  /** Aborted by the second. */
  readonly second: AbortSignal;
  /** Signal that came first, if any. */
  readonly signal: () => NodeJS.Signals | undefined;
}

/** Runs `work` with both signals caught, and lets them go afterwards. */
export async function withSignals<T>(work: (interruption: Interruption) => Promise<T>): Promise<T> {
  const first = new AbortController();
  const second = new AbortController();
  let came: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (came) second.abort(signal);
    came ??= signal;
    first.abort(came);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await work({ first: first.signal, second: second.signal, signal: () => came });
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
