/** Pages of names, ids or records. AWS: 100 a page unless `maxResults` asks for fewer; the token is opaque. */
import type { Collection, Entry, Key } from "../../store/store.ts";
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
    const [last = "", next = ""] = Buffer.from(nextToken, "base64url").toString("utf8").split("\n");
    start = all.indexOf(last) + 1 || all.indexOf(next);
    if (start === -1) throw invalidInput("Invalid nextToken");
  }
  const end = start + maxResults;
  const items = all.slice(start, end);
  const next = all[end];
  const token = Buffer.from(`${items.at(-1)}\n${next}`).toString("base64url");
  return { items, ...(next !== undefined && items.length > 0 ? { nextToken: token } : {}) };
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
  return { entries, ...(found.length > limit && last ? { nextToken: tokenOfKey(last.key, prefix) } : {}) };
}

const tokenOfKey = (key: Key, prefix: Key): string =>
  Buffer.from(JSON.stringify(key.slice(prefix.length))).toString("base64url");

function keyOfToken(token: string, prefix: Key): Key {
  try {
    const rest: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (
      Array.isArray(rest) &&
      rest.length > 0 &&
      rest.every((part) => typeof part === "string" && !part.includes("\0"))
    )
      return [...prefix, ...(rest as string[])];
  } catch {
    // not JSON: falls through
  }
  throw invalidInput("Invalid nextToken");
}
