/**
 * Follows the log of events (state-change-log.ts): from a place in it, or from now on, until it is told to stop. Events
 * of other processes on the same state folder are found by looking at the log again, those of this one as well: one way.
 */
import type { Clock } from "../../../core/clock.ts";
import type { Store } from "../../../store/store.ts";
import { parseBuildId } from "../records.ts";
import { eventsAfter, type LoggedEvent, lastSequence, oldestSequence } from "./state-change-log.ts";

/** How soon an event is seen at the latest. */
const POLL_MS = 100;
const PAGE = 200;

export interface FeedRequest {
  /** Start after this event; default: now, or with `buildId` the build's first event. */
  readonly afterSequence?: number | undefined;
  /** Only this build's events: id, ARN or uuid. */
  readonly buildId?: string | undefined;
  /** Only this account's events. */
  readonly accountId?: string | undefined;
  /** End when what is known now has been read, and with `buildId` also when the build is over. */
  readonly follow: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Why events are missing: those after `afterSequence` were forgotten up to `oldest`. */
export interface Gap {
  readonly oldest: number;
}

export class EventFeed {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** True when events after that one were already forgotten. */
  gapAfter(sequence: number): Gap | undefined {
    const oldest = oldestSequence(this.#store);
    return oldest !== undefined && oldest > sequence + 1 ? { oldest } : undefined;
  }

  get last(): number {
    return lastSequence(this.#store);
  }

  async *read({ afterSequence, buildId, accountId, follow, signal }: FeedRequest): AsyncGenerator<LoggedEvent> {
    const closing = this.#closing.signal;
    const stop = AbortSignal.any([closing, ...(signal ? [signal] : [])]);
    let cursor = afterSequence ?? (buildId === undefined ? this.last : 0);
    const wanted = buildId === undefined ? undefined : matcherOf(buildId);
    while (signal?.aborted !== true) {
      // What was written before the closing is still told.
      const isLast = closing.aborted;
      const events = eventsAfter(this.#store, cursor, PAGE);
      for (const logged of events) {
        cursor = logged.sequence;
        if (accountId !== undefined && logged.event.account !== accountId) continue;
        if (wanted && !wanted(logged.event.resources[0] ?? "")) continue;
        yield logged;
        if (signal?.aborted) return;
        if (wanted && isEnd(logged)) return;
      }
      // The state was reset: what comes is numbered from one again.
      if (events.length === 0 && cursor > this.last) cursor = 0;
      if (events.length === PAGE) continue;
      if (!follow || isLast) return;
      await this.#pause(stop);
    }
  }

  /** Ends every reader, once it has what is there. */
  close(): void {
    this.#closing.abort();
  }

  /** A while, or less when there is nothing to wait for any more. */
  #pause(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        stop.removeEventListener("abort", done);
        resolve();
      };
      const timer = this.#clock.after(POLL_MS, done);
      stop.addEventListener("abort", done, { once: true });
    });
  }
}

const isEnd = ({ event }: LoggedEvent): boolean =>
  event["detail-type"].endsWith("State Change") && event.detail["current-phase"] === "COMPLETED";

function matcherOf(buildId: string): (arn: string) => boolean {
  const { uuid } = parseBuildId(buildId);
  const ending = uuid === "" ? `:${buildId}` : `/${buildId.slice(buildId.lastIndexOf("/") + 1)}`;
  return (arn) => arn === buildId || arn.endsWith(ending);
}
