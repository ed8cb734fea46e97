/**
 * The secrets of the caller's account and region in an order, read as far as a page needs: by time of creation and by
 * name along the store's keys, by the two other times from a sorted list. Source:
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
 */
import type { Entry, Key, Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { noteRead, watch } from "./due.ts";
import { comparePlaces, type Pages, type Place } from "./pages.ts";
import { createdIn, isGone, type SecretRecord, secretKey, secretsIn, sortable } from "./records.ts";
import type { ListSecretsRequest } from "./shapes.gen.ts";

interface Order {
  readonly by: NonNullable<ListSecretsRequest["SortBy"]>;
  readonly isDescending: boolean;
  readonly isSelected: (record: SecretRecord) => boolean;
}

const BATCH = 200;

/** Accounts and regions whose secrets are all known to be in {@link createdIn}: older state folders have none. */
const indexed = new WeakMap<Store, Set<string>>();

export function secretsInOrder(
  context: OperationContext,
  { by, isDescending, isSelected }: Order,
): Pages<SecretRecord> {
  watch(context);
  const placeOf = (record: SecretRecord): Place => [sortable(sortedBy(record, by)), record.name];
  const nowMs = context.clock.nowMs();
  function* from(after: Place | undefined): Iterable<SecretRecord> {
    for (const record of read(context, by, isDescending, after, placeOf)) {
      noteRead(context, record);
      if (!isGone(record, nowMs) && isSelected(record)) yield record;
    }
  }
  return { from, placeOf };
}

function sortedBy(record: SecretRecord, by: Order["by"]): number {
  if (by === "created-date") return record.createdAtMs;
  if (by === "last-changed-date") return record.lastChangedMs;
  return by === "last-accessed-date" ? (record.lastAccessedMs ?? 0) : 0;
}

function* read(
  { store, scope }: OperationContext,
  by: Order["by"],
  isDescending: boolean,
  after: Place | undefined,
  placeOf: (record: SecretRecord) => Place,
): Iterable<SecretRecord> {
  const prefix: Key = [scope.accountId, scope.region];
  const secrets = secretsIn(store);
  if (by === "name" || (by === "created-date" && isIndexed(store, prefix))) {
    const keys = by === "name" ? secrets : createdIn(store);
    let last: Key | undefined = after && (by === "name" ? [...prefix, after[1]] : [...prefix, ...after]);
    for (;;) {
      const options = { limit: BATCH, reverse: isDescending, ...(last && { after: last }) };
      const entries: readonly Entry<SecretRecord | true>[] = keys.list(prefix, options);
      for (const { key, value } of entries) {
        const record = value === true ? secrets.get(secretKey(scope, key.at(-1) ?? "")) : value;
        if (record) yield record;
      }
      last = entries.at(-1)?.key;
      if (entries.length < BATCH || !last) return;
    }
  }
  const placed = secrets.list(prefix).map(({ value }) => ({ record: value, place: placeOf(value) }));
  placed.sort((a, b) => comparePlaces(a.place, b.place));
  if (isDescending) placed.reverse();
  for (const { record, place } of placed) {
    const way = after === undefined ? 1 : comparePlaces(place, after);
    if (isDescending ? after === undefined || way < 0 : way > 0) yield record;
  }
}

function isIndexed(store: Store, prefix: Key): boolean {
  const known = indexed.get(store) ?? new Set<string>();
  indexed.set(store, known);
  const place = prefix.join(":");
  if (known.has(place)) return true;
  if (createdIn(store).count(prefix) !== secretsIn(store).count(prefix)) return false;
  known.add(place);
  return true;
}
