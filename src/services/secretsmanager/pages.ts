/** `MaxResults` and `NextToken`: the token is opaque, and names the last item of the page before. */
import { invalidNextToken } from "./errors.ts";

const MARK = "kiln-1:";

export interface Page<T> {
  readonly items: readonly T[];
  readonly token: { readonly NextToken?: string };
}

/** `idOf` must be unique among `items`. When the token's item is gone, the list starts again. */
export function pageOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { NextToken }: { readonly NextToken?: string | undefined },
  pageSize: number,
): Page<T> {
  const last = NextToken === undefined ? undefined : decode(NextToken);
  const start = last === undefined ? 0 : items.findIndex((item) => idOf(item) === last) + 1;
  const page = items.slice(start, start + pageSize);
  const end = page.at(-1);
  const isLast = end === undefined || start + page.length >= items.length;
  return { items: page, token: isLast ? {} : { NextToken: Buffer.from(MARK + idOf(end)).toString("base64") } };
}

function decode(token: string): string {
  const text = Buffer.from(token, "base64").toString();
  if (!text.startsWith(MARK)) throw invalidNextToken();
  return text.slice(MARK.length);
}
