/** Pages of names, ids or records. AWS: 100 a page unless `maxResults` asks for fewer; the token is opaque. */
import type { AwsError } from "../../core/errors.ts";
import type { Collection, Entry, Key } from "../../store/store.ts";
import { pageToken, textsOfToken } from "../page-token.ts";
import { invalidInput } from "./errors.ts";

const PAGE_SIZE = 100;

/** What list operations have in common. */
export interface PageInput {
  readonly nextToken?: string | undefined;
  readonly maxResults?: number | undefined;
  readonly sortOrder?: "ASCENDING" | "DESCENDING" | undefined;
}

/**
 * The page after `nextToken`. The token holds the last item shown and the one after it: items that come or go do not shift
 * the rest, and a client may delete what it was shown before it asks for more.
 */
export function page(
  all: readonly string[],
  nextToken: string | undefined,
  maxResults: number = PAGE_SIZE,
): { readonly items: readonly string[]; readonly nextToken?: string } {
  let start = 0;
  if (nextToken !== undefined && nextToken !== "") {
    const [last = "", next = ""] = textsOfToken(nextToken, 2) ?? [];
    start = all.indexOf(last) + 1 || all.indexOf(next);
    if (start === -1) throw invalidNextToken();
  }
  const end = start + maxResults;
  const items = all.slice(start, end);
  const next = all[end];
  const last = items.at(-1);
  return { items, ...(next !== undefined && last !== undefined ? { nextToken: pageToken(last, next) } : {}) };
}

/**
 * A page of records in key order, without reading the others. The token holds the last key shown: records that come
 * before it or go do not shift the rest. Newest first means `sortOrder: "DESCENDING"` on keys that grow.
 */
export function recordPage<T>(
  collection: Collection<T>,
  prefix: Key,
  input: PageInput,
): { readonly entries: readonly Entry<T>[]; readonly nextToken?: string } {
  const after = input.nextToken ? keyOfToken(input.nextToken, prefix) : undefined;
  const limit = input.maxResults ?? PAGE_SIZE;
  const found = collection.list(prefix, {
    reverse: input.sortOrder !== "ASCENDING",
    limit: limit + 1,
    ...(after ? { after } : {}),
  });
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return {
    entries,
    ...(found.length > limit && last ? { nextToken: pageToken(...last.key.slice(prefix.length)) } : {}),
  };
}

export const invalidNextToken = (): AwsError => invalidInput("Invalid nextToken");

function keyOfToken(token: string, prefix: Key): Key {
  const rest = textsOfToken(token);
  if (rest === undefined || rest.length === 0) throw invalidNextToken();
  return [...prefix, ...rest];
}
