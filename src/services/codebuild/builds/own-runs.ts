/**
 * What this process runs of one kind (builds, batches, sandboxes), by uuid, and how a run is stopped from anywhere: the
 * process that has it aborts it; any other leaves a mark in the store, which the owner looks for, and waits for the end.
 */
import { sleep } from "../../../core/clock.ts";
import { isAlive, type ProcessMark } from "../../../core/process-mark.ts";
import type { Collection, Key } from "../../../store/store.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";

/** How often the owner of a run looks for what other processes ask. */
export const STOP_POLL_MS = 200;

export interface OwnRun {
  readonly stop: AbortController;
  /** Never rejects. */
  readonly finished: Promise<void>;
}

/** A run as its record shows it, whoever's it is. */
export interface RecordedRun {
  readonly uuid: string;
  readonly owner: ProcessMark;
  readonly key: Key;
  /** Also when there is no record any more. */
  isOver(): boolean;
  /** Closes the record of a run whose process is no longer there. */
  interrupt(): Promise<void>;
}

/** Why nobody runs what a record says is running: its process is gone, or the state was set back (control API). */
export const whyLeft = (what: string, owner: ProcessMark): string =>
  isAlive(owner)
    ? `the state was set back to a moment when ${what}`
    : `Kiln was interrupted while ${what} (process ${owner.pid} ended)`;

export class OwnRuns<R extends OwnRun> {
  readonly #outside: Pick<CodeBuildDependencies, "store" | "clock">;
  readonly #stops: Collection<true>;
  readonly #stopWaitMs: number;
  readonly #runs = new Map<string, R>();
  #isClosing = false;

  /** `stops`: the marks. `stopWaitMs`: how long `stop` waits for the run of another process to end. */
  constructor(outside: Pick<CodeBuildDependencies, "store" | "clock">, stops: Collection<true>, stopWaitMs: number) {
    this.#outside = outside;
    this.#stops = stops;
    this.#stopWaitMs = stopWaitMs;
  }

  /** One that comes while all are being stopped is stopped, too. */
  add(uuid: string, run: R): void {
    this.#runs.set(uuid, run);
    if (this.#isClosing) run.stop.abort();
  }

  /** Forgets a run that has ended; not the one that has taken its place, as a retry of a batch does. */
  remove(uuid: string, stop: AbortController): void {
    if (this.#runs.get(uuid)?.stop === stop) this.#runs.delete(uuid);
  }

  get(uuid: string): R | undefined {
    return this.#runs.get(uuid);
  }

  /** Its process is no longer there; with `orMine`, also when it says that it runs here and does not. */
  isLeft({ uuid, owner }: Pick<RecordedRun, "uuid" | "owner">, orMine = false): boolean {
    return !this.#runs.has(uuid) && (!isAlive(owner) || (orMine && owner.pid === process.pid));
  }

  /** What runs here now. */
  all(): R[] {
    return [...this.#runs.values()];
  }

  /** Resolves when a run of this process has ended and its record says so. */
  async ended(uuid: string): Promise<void> {
    await this.#runs.get(uuid)?.finished;
  }

  /** Stops a run wherever it is; resolves when it has ended, or after a while for another process's. */
  async stop(run: RecordedRun): Promise<void> {
    const own = this.#runs.get(run.uuid);
    if (own) {
      own.stop.abort();
      await own.finished;
      return;
    }
    if (run.isOver()) return;
    if (!isAlive(run.owner)) return run.interrupt();
    const { store, clock } = this.#outside;
    await store.write(() => this.#stops.put(run.key, true));
    for (let waitedMs = 0; waitedMs < this.#stopWaitMs; waitedMs += STOP_POLL_MS / 4) {
      if (run.isOver()) return;
      await sleep(clock, STOP_POLL_MS / 4);
    }
  }

  /** Aborts `stop` when another process asks for it. */
  pollForStop(key: Key, stop: AbortController): { cancel(): void } {
    return pollForStop(this.#outside.clock, this.#stops, key, stop);
  }

  /** Stops what runs here and waits for it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // A run's last deed may be to start another one.
    for (let runs = this.all(); runs.length > 0; runs = this.all()) {
      for (const { stop } of runs) stop.abort();
      await Promise.all(runs.map(({ finished }) => finished));
    }
  }

  /** Stops what runs here, waits for it, and takes new ones again. */
  async stopAll(): Promise<void> {
    await this.close();
    this.#isClosing = false;
  }
}

/** Aborts `stop` when there is a mark for `key`. */
export function pollForStop(
  clock: CodeBuildDependencies["clock"],
  stops: Collection<true>,
  key: Key,
  stop: AbortController,
): { cancel(): void } {
  const look = (): void => {
    if (stops.has(key)) stop.abort();
    else timer = clock.after(STOP_POLL_MS, look);
  };
  let timer = clock.after(STOP_POLL_MS, look);
  return { cancel: () => timer.cancel() };
}
