/** `MaxResults` and `NextToken`: the token is opaque, and says where the page before it ended. */
import { pageToken, textsOfToken } from "../page-token.ts";
import { invalidNextToken } from "./errors.ts";

/** Where an item stands in its list: what the list is sorted by, then what tells equals apart. */
export type Place = readonly [string, string];

export const comparePlaces = (a: Place, b: Place): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;

/** A list that can be read on from any place, also one whose item is gone. */
export interface Pages<T> {
  from(after: Place | undefined): Iterable<T>;
  placeOf(item: T): Place;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly token: { readonly NextToken?: string };
}

/** The page that the token of the same kind of list asks for. Reads one item more, to know whether it is the last. */
export function pageFrom<T>(
  kind: string,
  list: Pages<T>,
  { NextToken }: { readonly NextToken?: string | undefined },
  pageSize: number,
): Page<T> {
  const items: T[] = [];
  for (const item of list.from(NextToken === undefined ? undefined : decode(kind, NextToken))) {
    if (items.length < pageSize) items.push(item);
    else return { items, token: { NextToken: pageToken(kind, ...list.placeOf(items[pageSize - 1] as T)) } };
  }
  return { items, token: {} };
}

function decode(kind: string, token: string): Place {
  const [found, first, second] = textsOfToken(token, 3) ?? [];
  if (found !== kind || first === undefined || second === undefined) throw invalidNextToken();
  return [first, second];
}
