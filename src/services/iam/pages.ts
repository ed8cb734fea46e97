/**
 * Lists in pages: `MaxItems` (default 100), `Marker`, `IsTruncated`.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
 */
import { pageToken, partsOfToken, type TokenPart } from "../page-token.ts";
import { invalidMarker } from "./errors.ts";

const DEFAULT_MAX_ITEMS = 100;

export interface PagingInput {
  readonly MaxItems?: number | undefined;
  readonly Marker?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Members of the answer. */
  readonly members: { readonly IsTruncated: boolean; readonly Marker?: string };
}

/** What an item is ordered by, part by part; all items of a list have parts of the same types. */
type PageKey = readonly TokenPart[];

/**
 * One page of `items`, in the order of their keys, which must be unique. A marker holds the key of the last item before it,
 * so that a page goes on behind that place whether or not the item is still there.
 */
export function pageOf<T>(items: readonly T[], input: PagingInput, keyOf: (item: T) => PageKey): Page<T> {
  const keyed = items.map((item) => ({ item, key: keyOf(item) })).sort((a, b) => compare(a.key, b.key));
  const after = input.Marker === undefined ? undefined : keyIn(input.Marker, keyed[0]?.key);
  const rest = after === undefined ? keyed : keyed.filter(({ key }) => compare(key, after) > 0);
  const page = rest.slice(0, input.MaxItems ?? DEFAULT_MAX_ITEMS);
  const last = page.at(-1);
  const shown = page.map(({ item }) => item);
  if (last === undefined || page.length === rest.length) return { items: shown, members: { IsTruncated: false } };
  return { items: shown, members: { IsTruncated: true, Marker: pageToken(...last.key) } };
}

/** Key of what has a name that is unique without regard to case. Markers have room for a name, not for an ARN with a path. */
export const nameKey = (name: string): PageKey => [name.toLowerCase()];

function compare(a: PageKey, b: PageKey): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at === -1) return 0;
  return (a[at] as string | number) < (b[at] as string | number) ? -1 : 1;
}

/** The key in a marker; `example` is a key of the list, if it has any. */
function keyIn(marker: string, example: PageKey | undefined): PageKey {
  const key = partsOfToken(marker);
  if (key === undefined || (example !== undefined && typesOf(example) !== typesOf(key))) throw invalidMarker();
  return key;
}

const typesOf = (key: PageKey): string => key.map((part) => typeof part).join(" ");
