/**
 * Lists in pages: `MaxItems` (default 100), `Marker`, `IsTruncated`.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
 */
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

/** One page of `items`, which are in order; `keyOf` names an item for the marker and must be unique. */
export function pageOf<T>(items: readonly T[], input: PagingInput, keyOf: (item: T) => string): Page<T> {
  let start = 0;
  if (input.Marker !== undefined) {
    const after = Buffer.from(input.Marker, "base64url").toString("utf8");
    const index = items.findIndex((item) => keyOf(item) === after);
    if (index === -1) throw invalidMarker();
    start = index + 1;
  }
  const page = items.slice(start, start + (input.MaxItems ?? DEFAULT_MAX_ITEMS));
  const last = page.at(-1);
  const isTruncated = start + page.length < items.length && last !== undefined;
  if (!isTruncated) return { items: page, members: { IsTruncated: false } };
  const marker = Buffer.from(keyOf(last), "utf8").toString("base64url");
  return { items: page, members: { IsTruncated: true, Marker: marker } };
}
