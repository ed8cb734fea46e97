/** `Limit` and `Marker` of the list operations: the marker is the last name of the page before, in base64. */
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
  const after = request.Marker === undefined ? undefined : decodeMarker(request.Marker);
  const rest = after === undefined ? items : items.filter((item) => nameOf(item) > after);
  const page = rest.slice(0, Math.min(request.Limit ?? usual, most));
  const last = page.at(-1);
  if (last === undefined || page.length === rest.length) return { items: page, tokens: { Truncated: false } };
  return {
    items: page,
    tokens: { Truncated: true, NextMarker: Buffer.from(`v1:${nameOf(last)}`).toString("base64url") },
  };
}

function decodeMarker(marker: string): string {
  const text = Buffer.from(marker, "base64url").toString();
  if (!text.startsWith("v1:")) throw invalidMarker();
  return text.slice("v1:".length);
}
