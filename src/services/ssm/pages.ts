/**
 * `MaxResults` and `NextToken` over a range of the store: a page reads what is on it and what is skipped on the way,
 * never the whole account. The token is opaque, and says behind which key the next page starts: what is put or deleted
 * between two pages moves nothing. It holds for the operation, account and region it was given in.
 */
import type { Collection, Entry, Key } from "../../store/store.ts";
import { pageToken, textsOfToken } from "../page-token.ts";
import { invalidNextToken } from "./errors.ts";

export interface PageRequest<T> {
  /** The operation's mark in its tokens. */
  readonly mark: string;
  /** What all keys of all the operation's pages start with; no part of the token. */
  readonly scope: Key;
  readonly source: EntrySource<T>;
  /** True: on the page. False: skipped. A key: skipped, and so is everything up to that key. */
  readonly pick: (entry: Entry<T>) => boolean | Key;
  readonly nextToken: string | undefined;
  readonly pageSize: number;
}

/** Entries in key order behind `after`. */
export type EntrySource<T> = (options: { readonly limit: number; readonly after?: Key }) => readonly Entry<T>[];

export interface Page<T> {
  readonly items: readonly Entry<T>[];
  readonly token: { readonly NextToken?: string };
}

/** At most so many entries are in memory besides the page. */
const MAX_READ_AT_ONCE = 500;

export function pageOf<T>({ mark, scope, source, pick, nextToken, pageSize }: PageRequest<T>): Page<T> {
  // AWS: an empty or blank token asks for the first page; many scripts begin with " ".
  let after = nextToken?.trim() ? decode(mark, scope, nextToken) : undefined;
  const items: Entry<T>[] = [];
  let limit = pageSize + 1;
  for (;;) {
    const entries = source({ limit, ...(after && { after }) });
    let skipTo: Key | undefined;
    for (const entry of entries) {
      const picked = pick(entry);
      if (typeof picked !== "boolean") {
        skipTo = picked;
        break;
      }
      after = entry.key;
      if (!picked) continue;
      if (items.length === pageSize) {
        return { items, token: { NextToken: encode(mark, scope, items.at(-1)?.key ?? scope) } };
      }
      items.push(entry);
    }
    if (skipTo) {
      after = skipTo;
      limit = pageSize + 1;
    } else {
      if (entries.length < limit) return { items, token: {} };
      limit = Math.min(2 * limit, MAX_READ_AT_ONCE);
    }
  }
}

/** A range of the store as a source. */
export const rangeOf =
  <T>(collection: Collection<T>, prefix: Key): EntrySource<T> =>
  (options) =>
    collection.list(prefix, options);

/** Entries that are in memory as a source. */
export function sourceOf<T>(entries: readonly Entry<T>[]): EntrySource<T> {
  const sorted = entries.map((entry) => ({ id: idOf(entry.key), entry })).sort((a, b) => (a.id < b.id ? -1 : 1));
  return ({ limit, after }) => {
    const id = after && idOf(after);
    return sorted
      .filter((one) => id === undefined || one.id > id)
      .slice(0, limit)
      .map((one) => one.entry);
  };
}

const idOf = (key: Key): string => key.map((part) => `${part}\u0000`).join("");

const encode = (mark: string, scope: Key, key: Key): string => pageToken(mark, ...key.slice(scope.length));

function decode(mark: string, scope: Key, token: string): Key {
  const [found, ...key] = textsOfToken(token) ?? [];
  if (found !== mark || key.length === 0) throw invalidNextToken();
  return [...scope, ...key];
}
