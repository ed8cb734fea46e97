/** `Limit` and `Marker` of the list operations: the marker holds the last name of the page before. */
import { pageToken, textsOfToken } from "../page-token.ts";
import { invalidMarker } from "./errors.ts";

interface PageRequest {
  readonly Limit?: number | undefined;
  readonly Marker?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly tokens: { readonly Truncated: boolean; readonly NextMarker?: string };
}

/** How many items a page has. */
export interface PageSizes {
  /** When the request does not say. */
  readonly usual: number;
  // AWS: more are never answered, though the model admits a `Limit` of 1000 everywhere.
  readonly most: number;
}

/** `items` must be sorted bytewise by `nameOf`. */
export function pageOf<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  request: PageRequest,
  { usual, most }: PageSizes,
): Page<T> {
  const after = request.Marker === undefined ? undefined : nameIn(request.Marker);
  const rest = after === undefined ? items : items.filter((item) => nameOf(item) > after);
  const page = rest.slice(0, Math.min(request.Limit ?? usual, most));
  const last = page.at(-1);
  if (last === undefined || page.length === rest.length) return { items: page, tokens: { Truncated: false } };
  return { items: page, tokens: { Truncated: true, NextMarker: pageToken(nameOf(last)) } };
}

function nameIn(marker: string): string {
  const [name] = textsOfToken(marker, 1) ?? [];
  if (name === undefined) throw invalidMarker();
  return name;
}
