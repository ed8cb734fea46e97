/** Pages of names or ids. AWS: 100 a page; the token is opaque. */
import { invalidInput } from "./errors.ts";

const PAGE_SIZE = 100;

/** The page after `nextToken`: the token holds the last item shown, so items that come or go do not shift the rest. */
export function page(
  all: readonly string[],
  nextToken: string | undefined,
): { readonly items: readonly string[]; readonly nextToken?: string } {
  let start = 0;
  if (nextToken !== undefined && nextToken !== "") {
    const last = all.indexOf(Buffer.from(nextToken, "base64url").toString("utf8"));
    if (last === -1) throw invalidInput("Invalid nextToken");
    start = last + 1;
  }
  const items = all.slice(start, start + PAGE_SIZE);
  const more = start + PAGE_SIZE < all.length;
  const last = items.at(-1);
  return { items, ...(more && last !== undefined ? { nextToken: Buffer.from(last).toString("base64url") } : {}) };
}
