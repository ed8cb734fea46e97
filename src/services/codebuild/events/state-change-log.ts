/**
 * The events of builds in the order in which they happened, kept in the state folder beside the records and written in
 * the same transaction: an event is there exactly when its change is, whichever process made it. Readers go through it
 * with a cursor, so a slow one costs no memory. The newest ones are kept, the oldest forgotten.
 */
import type { Collection, Store } from "../../../store/store.ts";
import type { StateChangeEvent } from "./state-change.ts";

/** An event with its place in the log. */
export interface LoggedEvent {
  readonly sequence: number;
  readonly event: StateChangeEvent;
}

/** How many events stay. A build makes about a dozen. */
export const KEPT_EVENTS = 10_000;
/** Old ones go in portions. */
const PRUNE_EVERY = 500;

interface EventRecords {
  readonly events: Collection<StateChangeEvent>;
  readonly last: Collection<number>;
}

const recordsOf = (store: Pick<Store, "collection">): EventRecords => ({
  events: store.collection("codebuild.state-changes"),
  last: store.collection("codebuild.state-change-last"),
});

const LAST = ["last"];
const keyOf = (sequence: number): [string] => [String(sequence).padStart(16, "0")];

/** Appends events. Inside `Store.write`. */
export function appendEvents(store: Pick<Store, "collection">, events: readonly StateChangeEvent[]): void {
  if (events.length === 0) return;
  const { events: log, last } = recordsOf(store);
  let sequence = last.get(LAST) ?? 0;
  for (const event of events) {
    log.put(keyOf(++sequence), event);
    if (sequence % PRUNE_EVERY === 0) {
      for (let old = Math.max(1, sequence - KEPT_EVENTS - PRUNE_EVERY); old <= sequence - KEPT_EVENTS; old++) {
        log.delete(keyOf(old));
      }
    }
  }
  last.put(LAST, sequence);
}

/** Number of the newest event; 0 before the first. */
export const lastSequence = (store: Pick<Store, "collection">): number => recordsOf(store).last.get(LAST) ?? 0;

/** Events after a place in the log, oldest first. */
export const eventsAfter = (store: Pick<Store, "collection">, sequence: number, limit: number): LoggedEvent[] =>
  recordsOf(store)
    .events.list([], { after: keyOf(sequence), limit })
    .map(({ key, value }) => ({ sequence: Number(key[0]), event: value }));

/** The oldest event that is still kept, or undefined. */
export const oldestSequence = (store: Pick<Store, "collection">): number | undefined => {
  const [oldest] = recordsOf(store).events.list([], { limit: 1 });
  return oldest === undefined ? undefined : Number(oldest.key[0]);
};
