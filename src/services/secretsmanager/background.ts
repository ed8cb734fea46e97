/**
 * What the service does behind its answers, one for a store: a timer for the next thing that falls due, rotations that
 * run. The start loads only this file of them; the work itself is given by due.ts and run-rotation.ts with the first call.
 */
import type { Clock } from "../../core/clock.ts";
import { debug } from "../../core/log.ts";
import type { Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";

export interface Background {
  /** Ends what runs when the store is about to close. */
  readonly signal: AbortSignal;
  /** Does what is due, soon: never inside the caller's write. */
  lookSoon(): void;
  /** Something falls due at this time. */
  expect(dueMs: number): void;
  /** Runs beside all answers, one at a time for each name; false when one of that name runs. */
  start(name: string, work: () => Promise<void>): boolean;
  /** Resolves once nothing runs. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const backgrounds = new WeakMap<Store, Background>();

/** What work in the background needs of a call's context. */
export type Surroundings = Pick<OperationContext, "store" | "clock" | "ids">;

/** The store's background; made with its first call, which looks for what fell due before. `look` does what is due. */
export function backgroundOf(context: Surroundings, look: (surroundings: Surroundings) => void): Background {
  const known = backgrounds.get(context.store);
  if (known) return known;
  const { store, clock, ids } = context;
  const background = createBackground(clock, () => look({ store, clock, ids }));
  backgrounds.set(store, background);
  background.lookSoon();
  return background;
}

/** Something of the store falls due at this time; kept for later where nobody has called the service yet. */
export const noteDue = (store: Store, dueMs: number): void => backgrounds.get(store)?.expect(dueMs);

/** Ends the service's work on the store: before the store closes. */
export const closeSecrets = async (store: Store): Promise<void> => backgrounds.get(store)?.close();

/** Resolves once no rotation of the store runs. */
export const rotationsSettled = async (store: Store): Promise<void> => backgrounds.get(store)?.settled();

function createBackground(clock: Clock, look: () => void): Background {
  const abort = new AbortController();
  const running = new Map<string, Promise<void>>();
  let timer: { readonly atMs: number; cancel(): void } | undefined;
  let willLook = false;

  function lookNow(): void {
    willLook = false;
    if (!abort.signal.aborted) look();
  }

  const settled = async (): Promise<void> => {
    while (running.size > 0) await Promise.all(running.values());
  };

  return {
    signal: abort.signal,
    lookSoon() {
      if (willLook) return;
      willLook = true;
      queueMicrotask(lookNow);
    },
    expect(dueMs) {
      const nowMs = clock.nowMs();
      if (abort.signal.aborted || (timer && timer.atMs <= dueMs && timer.atMs > nowMs)) return;
      timer?.cancel();
      const handle = clock.after(Math.max(0, dueMs - nowMs), () => {
        timer = undefined;
        lookNow();
      });
      timer = { atMs: dueMs, cancel: () => handle.cancel() };
    },
    start(name, work) {
      if (running.has(name) || abort.signal.aborted) return false;
      const run = work()
        .catch((error: unknown) => debug("store", () => `${name}: ${error instanceof Error ? error.stack : error}`))
        .finally(() => running.delete(name));
      running.set(name, run);
      return true;
    },
    settled,
    close() {
      abort.abort();
      timer?.cancel();
      return settled();
    },
  };
}
