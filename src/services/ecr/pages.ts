/** Pages of a list: `maxResults` items after the place a `nextToken` names. Tokens are opaque to clients. */
import { pageToken, textsOfToken } from "../page-token.ts";
import { invalidParameter } from "./errors.ts";

export interface PageInput {
  readonly nextToken?: string | undefined;
  readonly maxResults?: number | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

// AWS: 100 results a page unless asked otherwise.
const DEFAULT_PAGE = 100;

/** `items` in a stable order; `keyOf` tells them apart. */
export function pageOf<T>(items: readonly T[], input: PageInput, keyOf: (item: T) => string): Page<T> {
  const after = input.nextToken === undefined ? undefined : keyIn(input.nextToken);
  const start = after === undefined ? 0 : items.findIndex((item) => keyOf(item) > after);
  const page = start < 0 ? [] : items.slice(start, start + (input.maxResults ?? DEFAULT_PAGE));
  const last = page.at(-1);
  const hasMore = last !== undefined && start + page.length < items.length;
  return { items: page, nextToken: hasMore ? pageToken(keyOf(last)) : undefined };
}

function keyIn(token: string): string {
  const [key] = textsOfToken(token, 1) ?? [];
  if (key === undefined) throw invalidParameter("nextToken", "must be a token of an earlier answer");
  return key;
}
