/**
 * Evaluates lifecycle policies now and then, as long as the endpoint runs. AWS does so within a day; here it is each hour,
 * and a minute after the start, so that a state folder that is opened rarely is cleaned up too.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
import { type Clock, HOUR_MS, MINUTE_MS } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import type { Registry } from "../../../registry/index.ts";
import type { Store } from "../../../store/store.ts";

const FIRST_AFTER_MS = MINUTE_MS;
const EVERY_MS = HOUR_MS;

export interface LifecycleTimer {
  /** Resolves once the evaluation that runs, if one does, is done. */
  settled(): Promise<void>;
  /** No further evaluation starts; resolves when the one that runs is done. */
  close(): Promise<void>;
}

export function startLifecycleTimer({
  registry,
  store,
  clock,
}: {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
}): LifecycleTimer {
  let running: Promise<void> = Promise.resolve();
  let isClosed = false;
  let timer = clock.after(FIRST_AFTER_MS, tick);

  function tick(): void {
    running = running.then(evaluate);
    timer = clock.after(EVERY_MS, tick);
  }

  async function evaluate(): Promise<void> {
    if (isClosed) return;
    try {
      const { applyLifecyclePolicies } = await import("./apply-policies.ts");
      await applyLifecyclePolicies(registry, store, clock.nowMs());
    } catch (error) {
      debug("registry", () => `lifecycle policies were not evaluated: ${error instanceof Error ? error.stack : error}`);
    }
  }

  return {
    settled: () => running,
    close() {
      isClosed = true;
      timer.cancel();
      return running;
    },
  };
}
