/** One page of the keys of a bucket, with prefixes rolled up at a delimiter. Used by the listings. */
import type { Collection } from "../../store/store.ts";

export interface KeyQuery<R, T> {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  /** Keys up to this one are not listed; one that ends in the delimiter hides the prefix it rolls up to. */
  readonly after: string | undefined;
  /** True when the key `after` itself is still to be listed. */
  readonly includesAfter?: boolean;
  /** Items and prefixes together. */
  readonly limit: number;
  /** What a record contributes: nothing, itself, or several items. */
  accept(record: R): readonly T[];
}

export interface KeyPage<T> {
  readonly items: readonly T[];
  readonly prefixes: readonly string[];
  /** The last key or prefix of this page, when there is more. */
  readonly next: string | undefined;
}

const BATCH = 500;

export function pageOfKeys<R extends { readonly key: string }, T>(
  records: Collection<R>,
  bucket: string,
  query: KeyQuery<R, T>,
): KeyPage<T> {
  const { prefix, delimiter, limit } = query;
  const items: T[] = [];
  const prefixes: string[] = [];
  let last: string | undefined;
  // AWS: a page of nothing is complete.
  if (limit === 0) return { items, prefixes, next: undefined };
  const cursor = new KeyCursor(records, bucket);
  const rolledUp = rollUp(query.after, prefix, delimiter);
  // What `after` was rolled up to is behind us, and so is all below it.
  if (rolledUp !== undefined && rolledUp === query.after) cursor.startBehind(rolledUp);
  else if (query.after !== undefined && isAfter(query.after, prefix)) {
    cursor.startAt(query.after, query.includesAfter ?? false);
  } else cursor.startAt(prefix, true);

  for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
    if (!record.key.startsWith(prefix)) {
      // The cursor starts at the prefix or behind it: the first key without it ends the listing.
      break;
    }
    const contributed = query.accept(record);
    if (contributed.length === 0) continue;
    const common = rollUp(record.key, prefix, delimiter);
    if (common !== undefined) {
      if (items.length + prefixes.length >= limit) return { items, prefixes, next: last };
      prefixes.push(common);
      last = common;
      cursor.startBehind(common);
      continue;
    }
    for (const item of contributed) {
      if (items.length + prefixes.length >= limit) return { items, prefixes, next: last };
      items.push(item);
      last = record.key;
    }
  }
  return { items, prefixes, next: undefined };
}

/** The key up to and with the first delimiter behind the prefix. */
function rollUp(key: string | undefined, prefix: string, delimiter: string | undefined): string | undefined {
  if (key === undefined || delimiter === undefined || !key.startsWith(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

const isAfter = (key: string, prefix: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(prefix)) >= 0;

/** Walks the records of a bucket in key order, from anywhere. */
class KeyCursor<R extends { readonly key: string }> {
  readonly #records: Collection<R>;
  readonly #bucket: string;
  #batch: R[] = [];
  #at = 0;
  #after: string | undefined;
  #isEnd = false;

  constructor(records: Collection<R>, bucket: string) {
    this.#records = records;
    this.#bucket = bucket;
  }

  startAt(key: string, isIncluded: boolean): void {
    this.#reset(key);
    if (!isIncluded || key === "") return;
    const record = this.#records.get([this.#bucket, key]);
    if (record) this.#batch = [record];
  }

  /** Behind every key that starts with `prefix`. */
  startBehind(prefix: string): void {
    const points = [...prefix].map((c) => c.codePointAt(0) as number);
    while (points.at(-1) === 0x10ffff) points.pop();
    const last = points.pop();
    if (last === undefined) {
      this.#isEnd = true;
      this.#batch = [];
      return;
    }
    // The first text behind all of them: its last character is the next one. Surrogates are no characters.
    const next = last + 1 === 0xd800 ? 0xe000 : last + 1;
    const part = String.fromCodePoint(...points, next);
    this.#reset(part);
    const record = this.#records.get([this.#bucket, part]);
    if (record) this.#batch = [record];
  }

  next(): R | undefined {
    while (this.#at >= this.#batch.length) {
      if (this.#isEnd) return undefined;
      const after = this.#after === undefined || this.#after === "" ? {} : { after: [this.#bucket, this.#after] };
      const entries = this.#records.list([this.#bucket], { ...after, limit: BATCH });
      this.#isEnd = entries.length < BATCH;
      this.#after = entries.at(-1)?.key[1] ?? this.#after;
      this.#batch = entries.map(({ value }) => value);
      this.#at = 0;
    }
    return this.#batch[this.#at++];
  }

  #reset(part: string): void {
    this.#batch = [];
    this.#at = 0;
    this.#after = part;
    this.#isEnd = false;
  }
}
